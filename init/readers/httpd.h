/*
 * The listener: a child of process 1 that answers /livez, /readyz, /startupz, /status and /metrics from the published page, and
 * / with a page for people, for which it keeps the last hour of the checks.
 * libmicrohttpd is used here and nowhere else, so that process 1 reads nothing that came over a network.
 */
#ifndef TINYSUP_INIT_READERS_HTTPD_H
#define TINYSUP_INIT_READERS_HTTPD_H

#include "config/plan.h"
#include "probes/page.h"

/*
 * Serves the connections that come in at listen_fd (listening, non-blocking) until it is killed: every signal is
 * blocked, since it answers all through a shutdown. Ends with exit code 1 where it cannot start. plan: NULL: unknown.
 */
_Noreturn void httpd_run(int listen_fd, const struct page *page, const struct plan *plan);

#endif
