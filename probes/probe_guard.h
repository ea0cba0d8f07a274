/* Keeps --probe to its exit codes and timeout. */
#ifndef TINYSUP_PROBES_PROBE_GUARD_H
#define TINYSUP_PROBES_PROBE_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "config/plan.h"

/*
 * From here on the process ends with code 0 or 1, and with 1 at the latest 50 ms after `timeout`: that of the first call, whose
 * end every call returns, on the clock of clock_us().
 */
int64_t probe_guard(msec_t timeout, bool json);

/* Writes a line to stdout without blocking. Async-signal-safe. */
void probe_write(const char *line, size_t length);

#endif
