#include "init/readers/history.h"

#include <stdlib.h>

#include "init/readers/page_view.h"
#include "probes/page.h"

void history_of_page(struct history *history, const struct page *copy)
{
	history_begin(history, NULL);
	for (uint64_t n = copy->head.events - page_events(copy); n < copy->head.events; n++)
		history_add(history, &copy->event[n % PAGE_EVENTS]);
	history_end(history, false);
}

/* The last events of the running supervisor. */
static bool read_page(struct history *history, const char *config)
{
	static struct page copy; /* too large for a stack */
	const struct page *page = page_find(config);

	if (page == NULL || !page_read(page, &copy)) {
		fputs("tinysup: no state_dir in the configuration, and no running tinysup that this user may inspect: give "
		      "--state DIR, the "
		      "directory of a journal\n",
		      stderr);
		return false;
	}
	history_of_page(history, &copy);
	return true;
}

/* all: nothing was unreadable. */
static bool print(const struct history *history, bool json, bool all)
{
	static struct text line;

	for (size_t i = 0; i < history->count; i++) {
		if (json) {
			json_t *object = history_json(&history->events[i]);
			if (object == NULL || json_dumpf(object, stdout, VIEW_JSON) != 0 || putchar('\n') == EOF)
				return false;
			json_decref(object);
			continue;
		}
		history_text(&history->events[i], history->journal_count > 1, &line);
		if (fwrite(line.bytes, 1, line.length, stdout) != line.length)
			return false;
	}
	if (history->count == 0 && all && !json)
		puts("no events");
	return fflush(stdout) == 0;
}

int history_main(const char *directory, const char *config, size_t last, bool json)
{
	struct history history = {.count = 0};
	bool good = directory != NULL ? history_read(&history, directory, stderr) : read_page(&history, config);

	history_select(&history, last);
	if (history.no_memory || !print(&history, json, good)) {
		fputs("tinysup: cannot write the history\n", stderr);
		good = false;
	}
	history_free(&history);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
