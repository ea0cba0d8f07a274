/* The writer's side of the page: process 1 publishes what it knows. See probes/page.h. */
#ifndef TINYSUP_INIT_PUBLISH_H
#define TINYSUP_INIT_PUBLISH_H

#include "init/child/app.h"
#include "init/health.h"
#include "init/listener.h"
#include "init/machine/sequencer.h"
#include "probes/page.h"

/* Where all that is published comes from. */
struct sources {
	const struct plan *plan;
	const struct app *app;
	const struct health *health;
	const struct seq *seq;
	const struct listener *listener;
};

/*
 * Before the seal: make the page. *shown is the same for children to read. NULL with errno set where there is none to be had;
 * publish() is then not to be called.
 */
struct page *publish_open(const struct plan *plan, const struct page **shown);

/* All of it anew. */
void publish(struct page *page, const struct sources *from);

#endif
