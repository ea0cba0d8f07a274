/* What an exchange says in a response, as the scheme of the request knows it. */
#ifndef TINYSUP_PROBES_HTTP_VERDICT_H
#define TINYSUP_PROBES_HTTP_VERDICT_H

#include "probes/http_exchange.h"

/*
 * Judges the response to a signed request by the scheme's verdicts, whatever its status. False: none holds; else `result` is
 * set: a success where there was nothing to do. What was refused for now has the status 429, what an exchange was too busy for
 * 503, so that they are retried like these; an unknown outcome is FAILURE_TIMEOUT.
 */
bool http_verdict(const struct http_request *request, const struct http_response *response, struct check_result *result);

/*
 * Adds to a failure's message what the exchange says of it: "; refused: 50113 Invalid Sign". Printable, of limited length, and
 * without anything that the request was signed with.
 */
void http_verdict_add(const struct http_request *request, const struct http_response *response, struct check_result *result);

#endif
