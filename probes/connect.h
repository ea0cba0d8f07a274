/*
 * Connections by libcurl, for http and tcp. libcurl instead of getaddrinfo(): c-ares keeps to its timeout, and musl's resolver
 * has no TCP.
 */
#ifndef TINYSUP_PROBES_CONNECT_H
#define TINYSUP_PROBES_CONNECT_H

#include <curl/curl.h>
#include <stdbool.h>

#include "probes/result.h"

/* A handle with a timeout of `left` milliseconds (more than 0) and no proxy. NULL: `result` holds the error. */
CURL *connect_new(msec_t left, struct check_result *result);

/* The stage of a handle that timed out before it was connected. */
const char *connect_stage(CURL *easy);

/* True if `code` is a connection or name error; then `result` holds it. */
bool connect_failed(CURL *easy, CURLcode code, struct check_result *result);

#endif
