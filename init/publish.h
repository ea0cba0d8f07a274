/* Writes the page: see probes/page.h. */
#ifndef TINYSUP_INIT_PUBLISH_H
#define TINYSUP_INIT_PUBLISH_H

#include "init/child/app.h"
#include "init/health.h"
#include "init/heartbeats.h"
#include "init/listener.h"
#include "init/machine/sequencer.h"
#include "probes/page.h"

/* Sources of the published data. */
struct sources {
	const struct plan *plan;
	const struct app *app;
	const struct health *health;
	const struct seq *seq;
	const struct listener *listener;
	const struct heartbeats *heartbeats;
};

/* Creates the page. *shown: the same for children, read-only. NULL with errno set on failure. */
struct page *publish_open(const struct plan *plan, const struct page **shown);

/* Adds an event to the ring. */
void publish_event(struct page *page, const struct record *record);

/* The last chain of an earlier run, until this one has had one. */
void publish_earlier(struct page *page, const struct plan *plan, const struct account_chain *from);

/* Updates the page. */
void publish(struct page *page, const struct sources *from);

#endif
