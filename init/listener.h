/*
 * Process 1's side of the HTTP listener: the socket, and a child that serves it and is restarted. The socket stays open, so
 * that connections wait meanwhile.
 */
#ifndef TINYSUP_INIT_LISTENER_H
#define TINYSUP_INIT_LISTENER_H

#include "config/plan.h"
#include "init/machine/service.h"
#include "init/base/signals.h"
#include "probes/page.h"

struct listener {
	const struct plan *plan;
	const struct signals_inherited *signals;
	const struct page *page;
	int fd;
	struct service service;
	bool error_logged; /* an error was logged */
};

/*
 * A socket that listens at `text` (config/address.h), non-blocking and close-on-exec; the caller closes it. -1 with errno set.
 * "[::]" and an empty host take IPv4, too, where the machine has IPv6; an empty host takes IPv4 alone where it has not.
 */
int listener_open(const char *text);

/* page: what to serve; NULL: nothing. */
void listener_init(struct listener *listener, const struct plan *plan, const struct signals_inherited *signals,
		   const struct page *page);

/* Starts the child if it is due. */
void listener_tick(struct listener *listener, msec_t now);

/* A child was reaped. False: it was not the listener. */
bool listener_reaped(struct listener *listener, pid_t pid, msec_t now);

#endif
