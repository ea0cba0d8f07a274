/*
 * A file check: it is there, and where max_age is set, it was written within that time (by the wall clock, as mtime is).
 */
#ifndef TINYSUP_PROBES_FILE_H
#define TINYSUP_PROBES_FILE_H

#include "probes/result.h"

/* `result` must be a fresh one. */
void file_run(const struct plan_file *file, struct check_result *result);

#endif
