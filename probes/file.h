/* A file check: the file exists and, with max_age, was written within that time (wall clock). */
#ifndef TINYSUP_PROBES_FILE_H
#define TINYSUP_PROBES_FILE_H

#include "probes/result.h"

/* result: zeroed. */
void file_run(const struct plan_file *file, struct check_result *result);

#endif
