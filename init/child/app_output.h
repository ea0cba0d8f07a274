/*
 * app.output: what the app writes to stdout and stderr goes through a pipe each to a relay, a process that passes it on to the
 * container's own stdout and stderr and appends a copy to a file. Process 1 holds both ends of the pipes: where the relay is
 * killed, the app's writes wait for the next one, and it never sees SIGPIPE.
 */
#ifndef TINYSUP_INIT_CHILD_APP_OUTPUT_H
#define TINYSUP_INIT_CHILD_APP_OUTPUT_H

#include <stdatomic.h>

#include "config/plan.h"
#include "init/base/signals.h"
#include "init/machine/service.h"

enum app_stream { STREAM_OUT, STREAM_ERR, STREAMS };

/* Shared by process 1 and all relays. Only the relay that runs writes to it. */
struct relay_progress {
	/* of the bytes at the front of each pipe, those already written: the next relay does not write them again */
	struct relay_ahead {
		_Atomic size_t to_file, to_container;
	} ahead[STREAMS];
	_Atomic uint64_t taken[STREAMS]; /* bytes out of each pipe, ever */
	_Atomic bool failing;            /* the file cannot be written: its last lines are not the app's */
};

struct app_output {
	const struct plan_output *plan; /* plan->file == NULL: nothing of this exists */
	int in[STREAMS];                /* the relay reads here; -1: there is no relay, and the app has the container's own */
	int out[STREAMS];               /* the app writes here */
	struct service relay;
	struct relay_progress *progress;
};

/* Without pipes: what app_output_open() has not changed, and all that --step needs. */
void app_output_init(struct app_output *output, const struct plan_output *plan);

/* Before the app's first start. False with errno set: the app's output stays the container's. */
bool app_output_open(struct app_output *output);

/* Starts the relay if it is due. */
void app_output_tick(struct app_output *output, const struct signals_inherited *signals, msec_t now);

/* How much the app has written, part of which may not be in the file yet. */
struct app_output_mark {
	const struct relay_progress *progress; /* NULL: there is no copy of the output */
	uint64_t written;                      /* bytes in this run */
};
struct app_output_mark app_output_mark(const struct app_output *output);

/*
 * Not for process 1: waits up to `limit` ms for what the mark covers to be in the file, and reads the last lines of this run,
 * as tail_read() does. "" if no lines are wanted; if the file cannot be written, that is what it says.
 */
const char *app_output_tail(const struct plan_output *plan, const struct app_output_mark *mark, msec_t limit, char *buffer,
			    size_t size);

/* All who wrote are gone: waits up to `limit` ms until everything is written. */
void app_output_finish(struct app_output *output, const struct signals_inherited *signals, msec_t limit);

/* The relay process: stdout's pipe is its standard input, stderr's is `error`. */
struct app_relay {
	const struct plan_output *plan;
	struct relay_progress *progress;
};
_Noreturn void app_relay(const struct app_relay *relay, int error);

#endif
