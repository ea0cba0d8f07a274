/*
 * The one line --probe prints.
 */
#ifndef TINYSUP_PROBES_PROBE_REPORT_H
#define TINYSUP_PROBES_PROBE_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "probes/probe.h"
#include "probes/result.h"

struct probed {
	const char *name;
	bool decides;
	struct check_result result;
};

/* `subject` names what is healthy: "ready", a check's name. */
void report_verdict(const char *subject, const struct probed *probed, size_t count, bool healthy, int64_t took_us, bool json);

/* The supervisor's verdict; why: what is not healthy. */
void report_published(const char *subject, const char *why, const struct probed *probed, size_t count, bool healthy, bool json);

/* No verdict, but a reason: "no checks are configured". printf's format; control characters become '?'. */
void report_problem(bool json, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Unknown name; lists the known ones. */
void report_unknown_name(const struct probe_options *options, const char *const *names, size_t count);

#endif
