#include "probes/check.h"

#include "probes/clock.h"
#include "probes/exec.h"
#include "probes/file.h"
#include "probes/grpc.h"
#include "probes/http.h"
#include "probes/process.h"
#include "probes/tcp.h"

void check_run(const struct plan_check *check, pid_t app, msec_t timeout, struct check_result *result)
{
	int64_t started = clock_us();

	*result = (struct check_result){.retry_after = MSEC_UNSET};
	switch (check->kind) {
	case CHECK_HTTP:
		http_run(&check->http, NULL, timeout, result);
		break;
	case CHECK_TCP:
		tcp_run(&check->tcp, timeout, result);
		break;
	case CHECK_GRPC:
		grpc_run(&check->grpc, timeout, result);
		break;
	case CHECK_EXEC:
		exec_run(&check->exec, timeout, result);
		break;
	case CHECK_FILE:
		file_run(&check->file, result);
		break;
	case CHECK_PROCESS:
		process_run(&check->process, app, result);
		break;
	case CHECK_NOTIFY:
		result_error(result, "notify: only the supervisor can run this check");
		break;
	case CHECK_NONE:
		result_error(result, "nothing to check");
		break;
	}
	result->took_us = clock_us() - started;
}
