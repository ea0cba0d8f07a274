/*
 * The two messages of grpc.health.v1.Health/Check as they travel: five bytes in front, then protobuf. Pure.
 */
#ifndef TINYSUP_PROBES_GRPC_MESSAGE_H
#define TINYSUP_PROBES_GRPC_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

/* HealthCheckResponse.ServingStatus */
enum { GRPC_UNKNOWN, GRPC_SERVING, GRPC_NOT_SERVING, GRPC_SERVICE_UNKNOWN };

/* A HealthCheckRequest for `service`, framed; NULL: no memory. The caller frees it. */
char *grpc_request(const char *service, size_t *length);

/* The status in the one framed HealthCheckResponse that `data` must be. NULL, else what is wrong with the data. */
const char *grpc_parse_response(const char *data, size_t length, uint64_t *status);

#endif
