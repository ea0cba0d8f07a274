/* The release. The build sets it; the fallback is for a compiler run by hand. */
#ifndef TINYSUP_PROBES_VERSION_H
#define TINYSUP_PROBES_VERSION_H

#ifndef TINYSUP_VERSION
#define TINYSUP_VERSION "0.0.0-dev"
#endif

#endif
