/* A TCP check: connects, then sends and expects, if configured. */
#ifndef TINYSUP_PROBES_TCP_H
#define TINYSUP_PROBES_TCP_H

#include "probes/result.h"

#define TCP_EXPECT_MAX 65536 /* limit of bytes to read for `expect` */

/* timeout: of the whole check. result: zeroed. For workers and --probe only: calls curl_global_init(). */
void tcp_run(const struct plan_tcp *tcp, msec_t timeout, struct check_result *result);

#endif
