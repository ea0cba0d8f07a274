/*
 * A gRPC check: grpc.health.v1.Health/Check over a new HTTP/2 connection. Only SERVING is healthy. Without TLS, HTTP/2 with
 * prior knowledge; with TLS, h2 must be negotiated. The server's grpc-message is never printed.
 */
#ifndef TINYSUP_PROBES_GRPC_H
#define TINYSUP_PROBES_GRPC_H

#include "probes/result.h"

/* timeout: of the whole check. result: zeroed. For workers and --probe only, like http_run(). */
void grpc_run(const struct plan_grpc *grpc, msec_t timeout, struct check_result *result);

#endif
