/* Where to listen, as the configuration says it: "0.0.0.0:9180", "[::]:9180", ":9180". Numbers only: no name is looked up. */
#ifndef TINYSUP_CONFIG_ADDRESS_H
#define TINYSUP_CONFIG_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* Without a host it is every address, IPv6's and IPv4's. False where text is no such address. */
bool listen_address(const char *text, struct sockaddr_storage *out, socklen_t *length);

#endif
