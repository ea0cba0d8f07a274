/*
 * TLS settings for libcurl, and the meaning of its TLS failures.
 *
 * libcurl reads neither SSL_CERT_FILE nor SSL_CERT_DIR, and a static one knows no certificates at all, so they are looked up
 * here: tls.ca; else those two variables (one that leads nowhere is a failure, not a reason to trust more); else the usual
 * places, a hashed directory first, since OpenSSL then reads the certificates it needs and not all of them (30 ms).
 */
#ifndef TINYSUP_PROBES_TLS_H
#define TINYSUP_PROBES_TLS_H

#include <curl/curl.h>
#include <stdbool.h>

#include "probes/result.h"

/* Whether there are CA certificates without tls.ca. */
bool tls_authorities(void);

/* Sets up TLS for a request. False: see `result`. */
bool tls_setup(CURL *easy, const struct plan_tls *tls, struct check_result *result);

/* True if `code` is a TLS failure; then `result` holds it. */
bool tls_failed(CURL *easy, CURLcode code, struct check_result *result);

#endif
