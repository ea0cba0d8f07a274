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

/* A fact of an event as a member of its own in the JSON format; the text format has the message alone. */
struct log_field {
	const char *name; /* static, snake_case */
	enum { FIELD_OMITTED, FIELD_TEXT, FIELD_NUMBER, FIELD_LIST } kind;
	long long number;
	const char *text;
	const char *const *items;
	size_t count;
};

/* `text` is any bytes; NULL and "" leave the field out. */
static inline struct log_field field_text(const char *name, const char *text)
{
	return (struct log_field){.name = name, .kind = text != NULL && *text ? FIELD_TEXT : FIELD_OMITTED, .text = text};
}

static inline struct log_field field_number(const char *name, long long number)
{
	return (struct log_field){.name = name, .kind = FIELD_NUMBER, .number = number};
}

/* An array of strings. */
static inline struct log_field field_list(const char *name, const char *const *items, size_t count)
{
	return (struct log_field){.name = name, .kind = FIELD_LIST, .items = items, .count = count};
}

/* The same field, left out unless `given`. */
static inline struct log_field field_if(bool given, struct log_field field)
{
	field.kind = given ? field.kind : FIELD_OMITTED;
	return field;
}

/* The fields as the two arguments that log_fields() takes. */
#define LOG_FIELDS(...)                                                                                                        \
	(const struct log_field[]){__VA_ARGS__}, sizeof((struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field)

/* log_event() with fields. A text that does not fit into the line is left out; a list ends before the first that does not. */
void log_fields(enum log_level level, const char *event, const char *step, const struct log_field *fields, size_t count,
		const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/* A line of a hook's output. Bytes as they came, but for control characters. It may wait for log_flush(). */
void log_output(const char *step, const char *line, size_t length);
void log_flush(void);

/* A line in another program's format, to our descriptor: the drop-in names write as those programs do. Level is checked. */
void log_raw(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
