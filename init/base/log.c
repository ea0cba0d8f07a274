#include "init/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "config/names.h"
#include "init/base/line.h"
#include "init/base/log_writer.h"
#include "init/base/terminal.h"
#include "init/base/writer.h"

#define NAME_ROOM    128  /* bytes of an app's or a step's name in a JSON line */
#define MESSAGE_ROOM 1280 /* bytes of a JSON line that fields leave to the message */

#define LEVEL_BLANKS "      " /* fills the level's column: the longest, "error", leaves one */

#define CLOSED     (-1)
#define NOT_OPENED (-2)

/* Static: no log line may need an allocation. */
static struct {
	int fd; /* CLOSED, or NOT_OPENED until the first line: most runs never log */
	bool is_socket;
	bool aligned, coloured; /* for people at a terminal */
	struct writer writer;   /* in == 0: process 1 writes directly */
	enum log_level level;
	enum log_format format;
	const char *app;
	unsigned long dropped;
	size_t batch_length;
	unsigned long batch_lines;
} the_log = {.fd = NOT_OPENED, .level = LOG_INFO, .app = ""};

static char the_batch[LOG_LINE_MAX]; /* whole lines waiting for log_flush() */

/*
 * Opens our own non-blocking descriptor for stderr. Not for files: they can always block, and a second file offset would make
 * tinysup and the app overwrite each other.
 */
static void open_log(void)
{
	struct stat status;

	the_log.fd = CLOSED;
	if (fstat(STDERR_FILENO, &status) != 0)
		return;
	the_log.is_socket = S_ISSOCK(status.st_mode);
	the_log.aligned = S_ISCHR(status.st_mode) && isatty(STDERR_FILENO);
	the_log.coloured = the_log.aligned && terminal_has_colour(STDERR_FILENO);
	if (the_log.is_socket)
		the_log.fd = STDERR_FILENO;
	else if (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode))
		the_log.fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (the_log.fd >= 0 || !writer_open(&the_log.writer, log_write_on, NULL))
		return;
	the_log.fd = the_log.writer.in;
	the_log.is_socket = true;
}

void log_setup(enum log_level level, enum log_format format, const char *app)
{
	the_log.level = level;
	the_log.format = format;
	the_log.app = app;
}

void log_close(void)
{
	the_log.fd = CLOSED;
}

void log_to(int fd)
{
	struct stat status;

	the_log.fd = fd;
	the_log.is_socket = fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
	the_log.writer.in = 0;
	the_log.dropped = 0;
	the_log.batch_length = 0;
	the_log.batch_lines = 0;
}

pid_t log_writer(void)
{
	return the_log.writer.pid;
}

bool log_reaped(pid_t pid)
{
	return writer_reaped(&the_log.writer, pid);
}

void log_finish(msec_t limit)
{
	if (the_log.writer.in != 0)
		writer_finish(&the_log.writer, limit);
	the_log.fd = CLOSED;
}

/* Whether to write a line of this level. */
static bool ready(enum log_level level)
{
	if (level > the_log.level)
		return false;
	if (the_log.fd == NOT_OPENED)
		open_log();
	return the_log.fd != CLOSED;
}

static bool write_line(const char *line, size_t length)
{
	ssize_t n =
	    the_log.is_socket ? send(the_log.fd, line, length, MSG_DONTWAIT | MSG_NOSIGNAL) : write(the_log.fd, line, length);

	if (the_log.writer.in != 0)
		writer_start(&the_log.writer);
	return n == (ssize_t)length;
}

/* Whether the reader is far behind. The room that is left is for tinysup's own lines: a hook's flood must not push them out. */
static bool lags(void)
{
	int unread = 0, size = 0;
	socklen_t length = sizeof size;

	if (ioctl(the_log.fd, the_log.is_socket ? SIOCOUTQ : FIONREAD, &unread) != 0)
		return false;
	if (!the_log.is_socket)
		size = fcntl(the_log.fd, F_GETPIPE_SZ);
	else if (getsockopt(the_log.fd, SOL_SOCKET, SO_SNDBUF, &size, &length) != 0)
		return false;
	return size > 0 && unread > size / 2;
}

/* Writes the batch at once: a flooding hook must not cost a system call per line. */
void log_flush(void)
{
	if (the_log.batch_length > 0 && (lags() || !write_line(the_batch, the_log.batch_length)))
		the_log.dropped += the_log.batch_lines;
	the_log.batch_length = 0;
	the_log.batch_lines = 0;
}

static void emit(struct text *line, bool batch)
{
	text_end_line(line);
	if (!batch || line->length > sizeof the_batch - the_log.batch_length)
		log_flush();
	if (batch) {
		memcpy(the_batch + the_log.batch_length, line->bytes, line->length);
		the_log.batch_length += line->length;
		the_log.batch_lines++;
	} else if (!write_line(line->bytes, line->length)) {
		the_log.dropped++;
	}
}

/* Room for a string and its quotes, whatever escapes it needs. */
static bool fits(const struct text *line, const char *string)
{
	return line->length + 6 * strlen(string) + sizeof "\"\"]," + MESSAGE_ROOM <= LOG_LINE_MAX;
}

static void add_string(struct text *line, const char *string)
{
	text_add(line, "\"");
	text_add_json(line, string, strlen(string));
	text_add(line, "\"");
}

static void add_list(struct text *line, const struct log_field *field)
{
	const char *separator = "[";

	for (size_t i = 0; i < field->count && fits(line, field->items[i]); i++) {
		text_add(line, separator);
		add_string(line, field->items[i]);
		separator = ",";
	}
	text_add(line, *separator == '[' ? "[]" : "]");
}

static void add_field(struct text *line, const struct log_field *field)
{
	char number[24];

	if (field->kind == FIELD_OMITTED || (field->kind == FIELD_TEXT && !fits(line, field->text)))
		return;
	text_add(line, ",\"");
	text_add(line, field->name);
	text_add(line, "\":");
	switch (field->kind) {
	case FIELD_TEXT:
		add_string(line, field->text);
		break;
	case FIELD_NUMBER:
		snprintf(number, sizeof number, "%lld", field->number);
		text_add(line, number);
		break;
	case FIELD_LIST:
		add_list(line, field);
		break;
	case FIELD_OMITTED:
		break;
	}
}

/* What put_line() writes. `message` is what people read: bytes of any kind. */
struct entry {
	enum log_level level;
	const char *event, *step;
	const struct log_field *fields;
	size_t count;
	const char *message;
	size_t length;
};

static void put_json(struct text *line, const struct entry *entry, const struct timespec *now)
{
	text_add(line, "{\"time\":\"");
	text_add_time(line, now);
	text_add(line, "\",\"level\":\"");
	text_add(line, name_of(&names_log_levels, entry->level));
	text_add(line, "\",\"logger\":\"tinysup\",\"app\":\"");
	text_add_json(line, the_log.app, strnlen(the_log.app, NAME_ROOM));
	text_add(line, "\",\"event\":\"");
	text_add(line, entry->event);
	if (entry->step != NULL) {
		text_add(line, "\",\"step\":\"");
		text_add_json(line, entry->step, strnlen(entry->step, NAME_ROOM));
	}
	text_add(line, "\"");
	for (size_t i = 0; i < entry->count; i++)
		add_field(line, &entry->fields[i]);
	text_add(line, ",\"message\":\"");
	text_keep(line, 2); /* "} */
	text_add_json(line, entry->message, entry->length);
	text_keep(line, 0);
	text_add(line, "\"}");
}

/* "error: " */
static void add_level(struct text *line, enum log_level level)
{
	static const char *const colours[] = {[LOG_ERROR] = "\033[1;31m", [LOG_WARN] = "\033[33m", [LOG_TRACE] = NULL};
	const char *name = name_of(&names_log_levels, level), *colour = the_log.coloured ? colours[level] : NULL;

	if (colour != NULL)
		text_add(line, colour);
	text_add(line, name);
	text_add(line, ":");
	if (colour != NULL)
		text_add(line, "\033[0m");
	text_add(line, the_log.aligned ? LEVEL_BLANKS + strlen(name) : " ");
}

static void put_text(struct text *line, const struct entry *entry, const struct timespec *now)
{
	text_add_time(line, now);
	text_add(line, " tinysup ");
	add_level(line, entry->level);
	if (entry->step != NULL) {
		text_add_plain(line, entry->step, strlen(entry->step));
		text_add(line, ": ");
	}
	text_add_plain(line, entry->message, entry->length);
}

static void put_line(const struct entry *entry, bool batch)
{
	struct text line;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	text_begin(&line, LOG_LINE_MAX);
	if (the_log.format == LOG_JSON)
		put_json(&line, entry, &now);
	else
		put_text(&line, entry, &now);
	emit(&line, batch);
}

/* Reports dropped lines before the next line that goes through. */
static void report_dropped(void)
{
	char message[64];
	unsigned long dropped = the_log.dropped;

	if (dropped == 0)
		return;
	the_log.dropped = 0;
	const struct log_field field = field_number("lines", (long long)dropped);
	int length = snprintf(message, sizeof message, "dropped %lu lines: the log reader is too slow", dropped);
	put_line(&(struct entry){LOG_WARN, "log_drop", NULL, &field, 1, message, (size_t)length}, false);
	if (the_log.dropped > 0)
		the_log.dropped = dropped;
}

static void put_event(struct entry entry, const char *fmt, va_list args) __attribute__((format(printf, 2, 0)));

static void put_event(struct entry entry, const char *fmt, va_list args)
{
	char message[1024];

	vsnprintf(message, sizeof message, fmt, args);
	entry.message = message;
	entry.length = strlen(message);
	report_dropped();
	put_line(&entry, false);
}

void log_event(enum log_level level, const char *event, const char *step, const char *fmt, ...)
{
	struct entry entry = {.level = level, .event = event, .step = step};
	va_list args;

	if (!ready(level))
		return;
	va_start(args, fmt);
	put_event(entry, fmt, args);
	va_end(args);
}

void log_fields(enum log_level level, const char *event, const char *step, const struct log_field *fields, size_t count,
		const char *fmt, ...)
{
	struct entry entry = {.level = level, .event = event, .step = step, .fields = fields, .count = count};
	va_list args;

	if (!ready(level))
		return;
	va_start(args, fmt);
	put_event(entry, fmt, args);
	va_end(args);
}

void log_output(const char *step, const char *line, size_t length)
{
	if (!ready(LOG_INFO))
		return;
	/* once a batch, and not while it would be one of a flood itself */
	if (the_log.batch_length == 0 && the_log.dropped > 0 && !lags())
		report_dropped();
	put_line(&(struct entry){.level = LOG_INFO, .event = "output", .step = step, .message = line, .length = length}, true);
}

void log_raw(enum log_level level, const char *fmt, ...)
{
	char message[1024];
	struct text line;
	va_list args;

	if (!ready(level))
		return;
	va_start(args, fmt);
	vsnprintf(message, sizeof message, fmt, args);
	va_end(args);
	text_begin(&line, LOG_LINE_MAX);
	text_add(&line, message);
	emit(&line, false);
}
