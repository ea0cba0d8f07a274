#include "init/child/output.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "init/base/log.h"

#define CHUNK  4096
#define CHUNKS 4 /* per event; the rest waits for the next turn of the loop */

static void flush(struct output *output)
{
	if (output->length > 0)
		log_output(output->step, output->line, output->length);
	output->length = 0;
}

static void append_bytes(struct output *output, const char *bytes, size_t length)
{
	while (length > 0) {
		const char *end = memchr(bytes, '\n', length);
		size_t piece = end != NULL ? (size_t)(end - bytes) : length, room = sizeof output->line - output->length;
		if (piece > room)
			piece = room;
		memcpy(output->line + output->length, bytes, piece);
		output->length += piece;
		bytes += piece;
		length -= piece;
		bool whole = length > 0 && *bytes == '\n';
		if (whole || output->length == sizeof output->line)
			flush(output);
		bytes += whole;
		length -= whole;
	}
}

bool output_read(struct output *output)
{
	char chunk[CHUNK];
	ssize_t n = 1;

	for (int i = 0; i < CHUNKS && n > 0 && output->fd >= 0; i++) {
		n = read(output->fd, chunk, sizeof chunk);
		if (n > 0)
			append_bytes(output, chunk, (size_t)n);
	}
	bool more = n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)); /* the log changes errno */
	log_flush();
	return output->fd >= 0 && more;
}

void output_finish(struct output *output, bool all)
{
	if (output->fd < 0)
		return;
	/* 64 KiB: the size of a pipe */
	for (int i = 0; i < (all ? 4 : 1) && output_read(output); i++)
		continue;
	flush(output);
	log_flush();
	close(output->fd);
	output->fd = -1;
}
