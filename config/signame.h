/*
 * Signals by name and number. Real-time signals count from 34, as glibc, Docker and systemd do, whatever the C library at hand
 * calls SIGRTMIN: the number is what crosses the process boundary.
 */
#ifndef TINYSUP_CONFIG_SIGNAME_H
#define TINYSUP_CONFIG_SIGNAME_H

#include <stdint.h>

#define SIGNAL_MAX    64
#define SIGNAL_BIT(n) (UINT64_C(1) << ((n)-1))

/* "SIGTERM", "TERM", "15", "SIGRTMIN+3", "RTMAX-1"; case does not matter. 0 where text names no signal. */
int signal_number(const char *text);

/* "SIGTERM", "SIGRTMIN+3": a static string; "?" out of range. */
const char *signal_name(int number);

#endif
