/* Validates http and https URLs without libcurl, which process 1 never calls. */
#ifndef TINYSUP_CONFIG_URL_H
#define TINYSUP_CONFIG_URL_H

/* NULL if valid; else a phrase that completes "expected a URL ...", without parts of the URL. */
const char *url_wrong(const char *url);

#endif
