#include "probes/failure.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SKEW_SECONDS 5.0

void failure_connect(struct check_result *result, int error)
{
	char reason[100];

	snprintf(reason, sizeof reason, "%s", error ? strerror(error) : "no connection");
	reason[0] = (char)tolower((unsigned char)reason[0]);
	if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM)
		result_error(result, "connect: %s", reason);
	else
		result_fail(result, FAILURE_CONNECT, "connect: %s", reason);
}

void failure_timeout(struct check_result *result, msec_t timeout, const char *stage)
{
	result_fail(result, FAILURE_TIMEOUT, "timeout after %" PRId64 " ms, %s", timeout, stage);
}

bool failure_check_age(struct check_result *result, const char *what, double age, msec_t limit)
{
	double allowed = (double)limit / 1000;

	if (age > allowed)
		result_fail(result, FAILURE_AGE, "%s: %.1f s old, %.1f s allowed", what, age, allowed);
	else if (-age > allowed && -age > SKEW_SECONDS)
		result_fail(result, FAILURE_AGE, "%s: %.1f s in the future", what, -age);
	else
		return true;
	return false;
}
