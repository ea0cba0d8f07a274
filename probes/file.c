#include "probes/file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "probes/clock.h"
#include "probes/failure.h"

void file_run(const struct plan_file *file, struct check_result *result)
{
	struct stat info;

	if (stat(file->path, &info) != 0) {
		result_fail(result, FAILURE_FILE, "file: %s", errno == ENOENT ? "missing" : strerror(errno));
		return;
	}
	if (file->max_age != MSEC_UNSET) {
		double written = (double)info.st_mtim.tv_sec + (double)info.st_mtim.tv_nsec / 1e9;
		failure_check_age(result, "age", clock_unix() - written, file->max_age);
	}
}
