/*
 * tinysup's log: lines on stderr, text or JSON. Never blocks process 1 and never allocates. If the reader is slow, lines are
 * dropped, counted and reported with the next line. A separate process writes to descriptors that may block: see writer.h.
 * Messages hold no secrets: names of steps and signals, numbers, errno texts; never a URL, body or argument.
 */
#ifndef TINYSUP_INIT_BASE_LOG_H
#define TINYSUP_INIT_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "config/plan.h"

/* LOG_ERROR to LOG_TRACE are the plan's levels. */

/* app: name for the JSON lines; not copied. */
void log_setup(enum log_level level, enum log_format format, const char *app);

/* For workers: stop logging to the inherited stderr. */
void log_close(void);
/* In a child that has a log of its own: lines go to this descriptor, without a process that writes them. */
void log_to(int fd);

/* Pid of the log writer; 0: none. */
pid_t log_writer(void);
/* A child was reaped. False: it was not the log writer. */
bool log_reaped(pid_t pid);
/* Waits up to `limit` milliseconds for the last line to be written. */
void log_finish(msec_t limit);

/*
 * Logs a line. event: for programs, such as "step_end"; step: name of the step, check or probe, or NULL; fmt: printf format,
 * for people. Lines are cut at LOG_LINE_MAX bytes; control characters and invalid UTF-8 are replaced.
 */
#define LOG_LINE_MAX 4096 /* PIPE_BUF: writes to a pipe are atomic */
void log_event(enum log_level level, const char *event, const char *step, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* A member of a JSON line. The text format shows the message only. */
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

/* Logs a line of a hook's output; control characters are replaced. May be buffered until log_flush(). */
void log_output(const char *step, const char *line, size_t length);
void log_flush(void);

/* Logs a line in the format of tini or dumb-init. */
void log_raw(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
