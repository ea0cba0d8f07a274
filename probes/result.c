#include "probes/result.h"

#include <stdarg.h>
#include <stdio.h>

const char *failure_name(enum failure failure)
{
	switch (failure) {
	case FAILURE_NONE:
		return "none";
	case FAILURE_CONNECT:
		return "connect";
	case FAILURE_TIMEOUT:
		return "timeout";
	case FAILURE_TLS:
		return "tls";
	case FAILURE_PROTOCOL:
		return "protocol";
	case FAILURE_STATUS:
		return "status";
	case FAILURE_REDIRECT:
		return "redirect";
	case FAILURE_BODY:
		return "body";
	case FAILURE_JSON:
		return "json";
	case FAILURE_AGE:
		return "age";
	case FAILURE_FILE:
		return "file";
	case FAILURE_PROCESS:
		return "process";
	case FAILURE_EXEC:
		return "exec";
	case FAILURE_REQUEST:
		return "request";
	case FAILURE_INTERNAL:
		break;
	}
	return "internal";
}

static void set_message(struct check_result *result, const char *fmt, va_list args) __attribute__((format(printf, 2, 0)));

static void set_message(struct check_result *result, const char *fmt, va_list args)
{
	if (vsnprintf(result->message, sizeof result->message, fmt, args) < 0)
		result->message[0] = '\0';
	for (char *at = result->message; *at; at++) {
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			*at = '?';
	}
}

void result_fail(struct check_result *result, enum failure failure, const char *fmt, ...)
{
	va_list args;

	result->outcome = OUTCOME_FAIL;
	result->failure = failure;
	va_start(args, fmt);
	set_message(result, fmt, args);
	va_end(args);
}

void result_error(struct check_result *result, const char *fmt, ...)
{
	va_list args;

	result->outcome = OUTCOME_ERROR;
	result->failure = FAILURE_INTERNAL;
	va_start(args, fmt);
	set_message(result, fmt, args);
	va_end(args);
}
