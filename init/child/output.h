/* Output of a hook: read without blocking, logged line by line. */
#ifndef TINYSUP_INIT_CHILD_OUTPUT_H
#define TINYSUP_INIT_CHILD_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#define OUTPUT_LINE_MAX 2048 /* a longer line is logged in pieces */

struct output {
	int fd; /* the pipe's reading end, non-blocking; -1: closed */
	const char *step;
	size_t length; /* of the unfinished line */
	char line[OUTPUT_LINE_MAX];
};

/* Reads at most 16 KiB. False at EOF. */
bool output_read(struct output *output);

/* The writer is gone: logs the rest (some of it, if not `all`) and closes the pipe. */
void output_finish(struct output *output, bool all);

#endif
