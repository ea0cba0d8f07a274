/* The parts of the listener's page. */
#ifndef TINYSUP_INIT_READERS_PEOPLE_PRIVATE_H
#define TINYSUP_INIT_READERS_PEOPLE_PRIVATE_H

#include "init/readers/people.h"

/* people_top.c: what is to be seen first. */
void people_headline(const struct people *people, char title[2 * PAGE_TEXT]);
void people_icon(const struct people *people);
void people_top(const struct people *people);

/* people_parts.c */
void people_checks(const struct people *people);
void people_app(const struct people *people);
void people_heartbeats(const struct people *people);
void people_history(const struct people *people);

/* people_chain.c: the running chain; the plan of a stop; the last chain. Each prints nothing if there is none. */
void people_chain_running(const struct people *people);
void people_chain_plan(const struct people *people);
void people_chain_last(const struct people *people);
/* The first required step of the published chain that failed; NULL: there is none, or the steps' plan is not known. */
const char *people_chain_failed(const struct people *people);

/* people_look.c */
extern const char people_style[], people_script[];

#endif
