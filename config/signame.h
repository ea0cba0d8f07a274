/* Signals by name and number. SIGRTMIN is 34, as in glibc, Docker and systemd, whatever the C library says. */
#ifndef TINYSUP_CONFIG_SIGNAME_H
#define TINYSUP_CONFIG_SIGNAME_H

#include <stdint.h>

#define SIGNAL_MAX    64
#define SIGNAL_BIT(n) (UINT64_C(1) << ((n)-1))

/* "SIGTERM", "TERM", "15", "SIGRTMIN+3", "RTMAX-1", case-insensitive. 0: unknown. */
int signal_number(const char *text);

/* "SIGTERM", "SIGRTMIN+3": a static string; "?" out of range. */
const char *signal_name(int number);

#endif
