/* Parses listen addresses: "0.0.0.0:9180", "[::]:9180", ":9180". Numeric only: no name resolution. */
#ifndef TINYSUP_CONFIG_ADDRESS_H
#define TINYSUP_CONFIG_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* Without a host: all IPv6 and IPv4 addresses. False if text is not an address. */
bool listen_address(const char *text, struct sockaddr_storage *out, socklen_t *length);

#endif
