/*
 * Connections made by libcurl, for http and tcp alike. libcurl rather than getaddrinfo(): with c-ares it keeps to its time, and
 * musl's resolver knows no TCP.
 */
#ifndef TINYSUP_PROBES_CONNECT_H
#define TINYSUP_PROBES_CONNECT_H

#include <curl/curl.h>
#include <stdbool.h>

#include "probes/result.h"

/* A handle that has `left` milliseconds (more than 0) for everything, and no proxy. NULL: `result` holds the error. */
CURL *connect_new(msec_t left, struct check_result *result);

/* How far a handle got whose time was up before it was connected. */
const char *connect_stage(CURL *easy);

/* True where `code` says that there is no connection, or no such name; then `result` holds it. */
bool connect_failed(CURL *easy, CURLcode code, struct check_result *result);

#endif
