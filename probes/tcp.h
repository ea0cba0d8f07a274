/*
 * A TCP check: connecting is enough, unless something is to be sent or must come back.
 */
#ifndef TINYSUP_PROBES_TCP_H
#define TINYSUP_PROBES_TCP_H

#include "probes/result.h"

#define TCP_EXPECT_MAX 65536 /* `expect` must come within so many bytes */

/* `timeout` covers it all. `result` must be a fresh one. For workers and --probe only: calls curl_global_init(). */
void tcp_run(const struct plan_tcp *tcp, msec_t timeout, struct check_result *result);

#endif
