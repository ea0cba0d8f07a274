/* --status --watch. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "init/base/terminal.h"
#include "init/readers/paint.h"
#include "init/readers/status.h"
#include "probes/clock.h"
#include "probes/process.h"

#define PERIOD_MS      1000
#define PERIOD_RUNNING 200 /* while a chain runs, and its deadline is counted down */

/* Over the last one, line by line, so that nothing flickers; without a terminal, one after another. */
static void show(const char *text, bool terminal)
{
	if (!terminal) {
		printf("%s\n", text);
		return;
	}
	fputs("\033[H", stdout);
	for (const char *end; (end = strchr(text, '\n')) != NULL; text = end + 1)
		printf("%.*s\033[K\n", (int)(end - text), text);
	fputs("\033[J", stdout);
}

/* False without memory, or where nobody reads any more. */
static bool show_page(const struct page *copy, bool terminal)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	if (to == NULL)
		return false;
	status_text(to, terminal_has_colour(STDOUT_FILENO), copy, clock_now());
	bool good = fclose(to) == 0;
	if (good)
		show(text, terminal);
	free(text);
	return good && fflush(stdout) == 0;
}

static bool is_gone(pid_t supervisor)
{
	struct process_stat stat;

	return !process_stat(supervisor, &stat) || stat.zombie;
}

int status_watch(const char *config)
{
	static struct page copy; /* too large for a stack */
	const struct page *page = status_find(config);
	bool terminal = isatty(STDOUT_FILENO);

	if (page == NULL)
		return EXIT_FAILURE;
	if (terminal)
		fputs("\033[2J", stdout);
	while (page_read(page, &copy) && show_page(&copy, terminal) && !is_gone(copy.head.supervisor)) {
		long period = copy.head.chain.running ? PERIOD_RUNNING : PERIOD_MS;
		const struct timespec pause = {.tv_sec = period / 1000, .tv_nsec = period % 1000 * 1000000};
		nanosleep(&pause, NULL);
	}
	if (!is_gone(copy.head.supervisor))
		return EXIT_FAILURE;
	puts("\ntinysup has ended");
	return EXIT_SUCCESS;
}
