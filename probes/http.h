/*
 * An HTTP or HTTPS check, and the requests of chain steps and alerts.
 *
 * Kubernetes' kubelet sets the rules where it has any (pkg/probe/http): no proxy, no Accept-Encoding, a fresh connection, a
 * body cut at max_body without harm, redirects on the same host only. A redirect to another host is a success with a note in
 * the message, as long as its status is accepted. What the kubelet has no rule for, as it only knows GET:
 * - redirects == 0 means that a redirect is judged by its status like any answer;
 * - a POST (anything but GET and HEAD) follows 307 and 308 unchanged and 303 with a GET; 301, 302 and other hosts are failures,
 *   since the request was not carried out;
 * - a redirect to another port or scheme of the host goes without credentials (see http_request.h).
 *
 * A body that begins with { or [ is sent as application/json where no header says otherwise.
 */
#ifndef TINYSUP_PROBES_HTTP_H
#define TINYSUP_PROBES_HTTP_H

#include <stdio.h>

#include "probes/result.h"

/*
 * `timeout` covers everything: name look-up, redirects, the body. Fills in the whole result. Calls curl_global_init() and
 * ignores SIGPIPE for the process, so this is for workers and --probe only.
 */
void http_run(const struct plan_http *http, const char *idempotency_key, msec_t timeout, struct check_result *result);

/* The same, and writes the last response's body to `to`, whatever is thought of it. */
void http_fetch(const struct plan_http *http, msec_t timeout, FILE *to, struct check_result *result);

/*
 * Does all but the request: signs, looks the name up, connects, and verifies the certificate. Nothing is sent but the TLS
 * handshake.
 */
void http_connect(const struct plan_http *http, msec_t timeout, struct check_result *result);

/* Why libcurl's parser rejects a URL; NULL: it does not. Needs no initialisation. */
const char *http_url_wrong(const char *text);

#endif
