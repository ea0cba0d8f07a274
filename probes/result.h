/*
 * Result of a check or attempt: the fixed-size record that a worker writes to process 1. OUTCOME_ERROR means that tinysup could
 * not run it (no memory or descriptor, worker crashed): it changes no health state. Everything the other side did wrong is
 * OUTCOME_FAIL.
 */
#ifndef TINYSUP_PROBES_RESULT_H
#define TINYSUP_PROBES_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "config/plan.h"

enum outcome { OUTCOME_OK, OUTCOME_FAIL, OUTCOME_ERROR };

/* Classes of failure, after HAProxy's taxonomy (connect, timeout, TLS, status, body). */
enum failure {
	FAILURE_NONE,
	FAILURE_CONNECT,  /* no connection, or no such name */
	FAILURE_TIMEOUT,  /* out of time, connected or not */
	FAILURE_TLS,      /* handshake, certificate, host name */
	FAILURE_PROTOCOL, /* reset, truncated or malformed answer */
	FAILURE_STATUS,   /* an HTTP status that is not accepted, or a gRPC server that is not serving */
	FAILURE_REDIRECT, /* too many, or to another host */
	FAILURE_BODY,     /* contains, matches, tcp expect */
	FAILURE_JSON,
	FAILURE_AGE,     /* age_below, max_age, slower_than */
	FAILURE_FILE,    /* missing or unreadable */
	FAILURE_PROCESS, /* the app's process: gone, too much memory, too many descriptors */
	FAILURE_EXEC,    /* could not be executed, exit code, signal */
	FAILURE_REQUEST, /* a request that can never be made: its URL, method or a header */
	FAILURE_INTERNAL,
};

struct check_result {
	enum outcome outcome;
	enum failure failure;
	int status;         /* HTTP status or exit code; 0: none. 429 for what an exchange refuses for now, in whatever words */
	bool sent;          /* a request may have reached the server: a failure after this is ambiguous */
	msec_t retry_after; /* from Retry-After; MSEC_UNSET: the answer had none */
	int64_t took_us;    /* microseconds from the first system call to the verdict */
	char message[200];  /* one line for people, NUL-terminated. Never a body, but for an exchange's words of refusal; nor a
			       header, a URL's secret */
};

/* "connect", "timeout" ...: the class as it stands in messages and in --json. */
const char *failure_name(enum failure failure);

/* Fill in a failure (or an error). fmt is printf's; the text is cut to the message's size, control characters become '?'. */
void result_fail(struct check_result *result, enum failure failure, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void result_error(struct check_result *result, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
