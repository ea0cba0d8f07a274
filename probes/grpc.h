/*
 * A gRPC check: grpc.health.v1.Health/Check, one call over a fresh HTTP/2 connection. Only SERVING is healthy.
 *
 * Without TLS the connection speaks HTTP/2 from its first byte, as gRPC does; with TLS, h2 must be negotiated. What the server
 * says in grpc-message never gets into a message of ours.
 */
#ifndef TINYSUP_PROBES_GRPC_H
#define TINYSUP_PROBES_GRPC_H

#include "probes/result.h"

/* `timeout` covers it all. `result` must be a fresh one. For workers and --probe only, as http_run(). */
void grpc_run(const struct plan_grpc *grpc, msec_t timeout, struct check_result *result);

#endif
