#include "init/readers/people.h"

#include <inttypes.h>

#include "init/readers/html.h"
#include "init/readers/page_view.h"
#include "init/readers/people_private.h"
#include "probes/clock.h"

#define EVERY_MS      2000
#define EVERY_RUNNING 500 /* while a chain runs, and its deadline is counted down */

static bool is_running(const struct people *people)
{
	return people->copy != NULL && people->copy->head.chain.running;
}

/* Without a script the browser loads the page again. */
static void print_head(const struct people *people)
{
	FILE *to = people->to;
	char title[2 * PAGE_TEXT] = "tinysup: no status";

	if (people->copy != NULL)
		people_headline(people, title);
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>",
	      to);
	html_text(to, title);
	fputs("</title>\n", to);
	people_icon(people);
	fprintf(to, "<noscript><meta http-equiv=\"refresh\" content=\"%d\"></noscript>\n", is_running(people) ? 1 : 5);
	fprintf(to, "<style>%s</style>\n", people_style);
	fputs(
	    "</head>\n<body>\n<p id=\"lost\" role=\"alert\" hidden></p>\n<p id=\"say\" class=\"unseen\" role=\"status\"></p>\n",
	    to);
}

static void print_foot(const struct people *people)
{
	const struct page_head *head = &people->copy->head;
	char span[DURATION_TEXT];
	FILE *to = people->to;

	fputs("<footer><p>As of ", to);
	html_time(to, clock_wall(people->now));
	fputs(" UTC. tinysup ", to);
	html_text(to, head->tinysup);
	fprintf(to, ", pid %d, up %s", (int)head->supervisor, view_span(people->now - head->started, span));
	if (head->listener_restarts > 0)
		fprintf(to, ", listener restarts %" PRIu64, head->listener_restarts);
	fputs(". This page only shows; it controls nothing.</p></footer>\n", to);
}

static void print_main(const struct people *people)
{
	people_top(people);
	people_chain_running(people);
	people_checks(people);
	people_app(people);
	people_heartbeats(people);
	people_chain_plan(people);
	people_chain_last(people);
	people_history(people);
	print_foot(people);
}

void people_print(const struct people *people)
{
	FILE *to = people->to;

	print_head(people);
	fprintf(to, "<main id=\"tinysup\" data-every=\"%d\">\n", is_running(people) ? EVERY_RUNNING : EVERY_MS);
	if (people->copy != NULL)
		print_main(people);
	else
		fputs("<header class=\"is-bad\"><h1><span id=\"state\">No status</span></h1>\n<p>Cannot read the published "
		      "status: the "
		      "supervisor stopped in the middle of an update.</p></header>\n",
		      to);
	fputs("</main>\n", to);
	fprintf(to, "<script>%s</script>\n</body>\n</html>\n", people_script);
}
