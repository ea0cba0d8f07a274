/* The listener's socket. Process 1 opens it once and hands it to each listener, so that no connection is ever refused. */
#ifndef TINYSUP_INIT_LISTEN_H
#define TINYSUP_INIT_LISTEN_H

/*
 * A socket that listens at `text` (config/address.h), non-blocking and close-on-exec; the caller closes it. -1 with errno set.
 * "[::]" and an empty host take IPv4, too, where the machine has IPv6; an empty host takes IPv4 alone where it has not.
 */
int listen_open(const char *text);

#endif
