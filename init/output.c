#include "init/output.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "init/log.h"

#define CHUNK  4096
#define CHUNKS 16

static void flush(struct output *output)
{
	if (output->length > 0)
		log_output(output->step, output->line, output->length);
	output->length = 0;
}

static void take(struct output *output, const char *bytes, size_t length)
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

	for (int i = 0; i < CHUNKS && output->fd >= 0; i++) {
		ssize_t n = read(output->fd, chunk, sizeof chunk);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		if (n == 0)
			return false;
		take(output, chunk, (size_t)n);
	}
	return output->fd >= 0;
}

void output_finish(struct output *output)
{
	if (output->fd < 0)
		return;
	output_read(output); /* a pipe holds 64 KiB: one read is all of it */
	flush(output);
	close(output->fd);
	output->fd = -1;
}
