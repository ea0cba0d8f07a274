/* A hook's output: read without waiting, cut into lines, logged with the step's name. */
#ifndef TINYSUP_INIT_CHILD_OUTPUT_H
#define TINYSUP_INIT_CHILD_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#define OUTPUT_LINE_MAX 2048 /* a longer line is logged in pieces */

struct output {
	int fd; /* the pipe's reading end, non-blocking; -1: closed */
	const char *step;
	size_t length; /* of the line begun */
	char line[OUTPUT_LINE_MAX];
};

/* Reads at most 16 KiB, so that a flood cannot keep process 1. False once the pipe is at its end or was closed. */
bool output_read(struct output *output);

/* The writer is gone: log what is still in the pipe (not `all`: some of it) and the last, unfinished line, and close it. */
void output_finish(struct output *output, bool all);

#endif
