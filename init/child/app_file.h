/* A file that is appended to and rotated at the ends of lines. For a process of its own: every call may block. */
#ifndef TINYSUP_INIT_CHILD_APP_FILE_H
#define TINYSUP_INIT_CHILD_APP_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "config/plan.h"

struct app_file {
	const struct plan_output *plan;
	int fd; /* -1: not open */
	int64_t size;
	bool in_line;     /* the last byte is no newline */
	int error;        /* of the last write; 0: it went well */
	int not_rotated;  /* errno of the last rotation; 0: it went well, or there was none */
	uint64_t dropped; /* bytes, since it went well */
	time_t looked_at; /* when its name was last looked up, CLOCK_MONOTONIC */
};

void app_file_init(struct app_file *file, const struct plan_output *plan);

/*
 * Appends some of the bytes and returns how many: at least one, so call it until none are left. Bytes that cannot be written
 * count as appended, and in file->dropped; the file says so where it goes on.
 */
size_t app_file_append(struct app_file *file, const char *bytes, size_t length);

#endif
