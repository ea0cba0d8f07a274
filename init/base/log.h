/*
 * tinysup's own log: lines on stderr, text or JSON, that can never block process 1. Where the reader is slow, lines are
 * dropped, counted, and the count is told with the next line that goes through. No allocation. What can block (a file, a
 * terminal that cannot be opened anew) is written by a process of its own: see writer.h.
 *
 * Messages are for people and hold no secret: names of steps and signals, numbers, errno texts; never a URL, body or argument.
 */
#ifndef TINYSUP_INIT_BASE_LOG_H
#define TINYSUP_INIT_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "config/plan.h"

/* LOG_ERROR to LOG_TRACE are the plan's levels. */

/* `app` (not copied) is the name lines carry. */
void log_setup(enum log_level level, enum log_format format, const char *app);

/* For workers: the inherited stderr is left alone from here on. */
void log_close(void);

/* The log's own process, where there is one; 0: there is none. */
pid_t log_writer(void);
/* A child was reaped. False: it was not the log's. */
bool log_reaped(pid_t pid);
/* The last line is written: waits until it has left us, `limit` milliseconds at the most. */
void log_finish(msec_t limit);

/*
 * One line. `event` is a word for programs ("step_end"); `step` the step's name, or NULL; fmt is printf's, for people. A line
 * is cut at LOG_LINE_MAX bytes; control characters and invalid UTF-8 are replaced.
 */
#define LOG_LINE_MAX 4096 /* PIPE_BUF: such a write to a pipe is whole or not at all */
void log_event(enum log_level level, const char *event, const char *step, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* A line of a hook's output. Bytes as they came, but for control characters. It may wait for log_flush(). */
void log_output(const char *step, const char *line, size_t length);
void log_flush(void);

/* A line in another program's format, to our descriptor: the drop-in names write as those programs do. Level is checked. */
void log_raw(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
