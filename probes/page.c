#include "probes/page.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "probes/clock.h"

/*
 * A write takes microseconds, but the writer may lose the CPU meanwhile (cgroup quota: usually 100 ms). So readers retry, then
 * sleep between retries, before they give up.
 */
#define LOOKS   50
#define NAP_NS  1000000
#define DEAD_US 150000

const struct page *page_map(int fd)
{
	return page_map_of(fd, geteuid());
}

const struct page *page_map_of(int fd, uid_t owner)
{
	const int sealed = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	struct stat status;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & sealed) != sealed || fstat(fd, &status) != 0 ||
	    status.st_size != (off_t)sizeof(struct page) ||
	    (status.st_uid != 0 && status.st_uid != geteuid() && status.st_uid != owner))
		return NULL;
	const struct page *page = mmap(NULL, sizeof *page, PROT_READ, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		return NULL;
	if (memcmp(page->magic, PAGE_MAGIC, sizeof PAGE_MAGIC) == 0 && page->version == PAGE_VERSION &&
	    page->size == sizeof *page)
		return page;
	munmap((void *)(uintptr_t)page, sizeof *page);
	return NULL;
}

size_t page_events(const struct page *page)
{
	return page->head.events < PAGE_EVENTS ? (size_t)page->head.events : PAGE_EVENTS;
}

/* Checks the lengths of lists first: a torn one must not lead out of the page. */
static void copy_once(const struct page *page, struct page *copy)
{
	memcpy(&copy->head, &page->head, sizeof copy->head);
	if (copy->head.checks > PLAN_CHECKS_MAX || copy->head.steps > PLAN_STEPS_MAX || copy->head.beats > PLAN_HEARTBEATS_MAX)
		return;
	memcpy(copy->check, page->check, copy->head.checks * sizeof *copy->check);
	memcpy(copy->step, page->step, copy->head.steps * sizeof *copy->step);
	memcpy(copy->beat, page->beat, copy->head.beats * sizeof *copy->beat);
	memcpy(copy->event, page->event, page_events(copy) * sizeof *copy->event);
}

/* False: it was written meanwhile. */
static bool copy_whole(const struct page *page, struct page *copy)
{
	uint64_t before = atomic_load_explicit(&page->turn, memory_order_acquire);

	if (before % 2 != 0)
		return false;
	copy_once(page, copy);
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&page->turn, memory_order_relaxed) == before;
}

/* Before another attempt; false: enough. */
static bool wait_a_little(int look, int64_t *until)
{
	const struct timespec nap = {.tv_nsec = NAP_NS};

	if (look < LOOKS) {
		sched_yield();
		return true;
	}
	if (look == LOOKS)
		*until = clock_us() + DEAD_US;
	nanosleep(&nap, NULL);
	return clock_us() < *until;
}

bool page_read(const struct page *page, struct page *copy)
{
	int64_t until = 0;
	int look = 0;

	do {
		if (copy_whole(page, copy))
			return page_valid(copy);
	} while (wait_a_little(look++, &until));
	return false;
}

bool page_malformed(const struct page *page)
{
	static struct page copy; /* too large for a stack */

	for (int look = 0; look < LOOKS; look++)
		if (copy_whole(page, &copy))
			return !page_valid(&copy);
	return false;
}

/* Sets *why if it is. */
static bool is_stale(int64_t valid_until, int64_t now, char why[PAGE_TEXT])
{
	*why = '\0';
	if (now <= valid_until)
		return false;
	snprintf(why, PAGE_TEXT, "the published status expired %" PRId64 " ms ago", now - valid_until);
	return true;
}

bool page_healthy(const struct page *copy, enum probe_kind kind, int64_t now, char why[PAGE_TEXT])
{
	const struct page_verdict *verdict = &copy->head.verdicts[kind];

	if (!verdict->healthy) {
		memcpy(why, verdict->why, PAGE_TEXT);
		return false;
	}
	return !is_stale(verdict->valid_until, now, why);
}

bool page_check_healthy(const struct page_check *check, int64_t now, char why[PAGE_TEXT])
{
	if (!check->has_result || check->outcome != OUTCOME_OK) {
		snprintf(why, PAGE_TEXT, "%s: %s", check->name, check->has_result ? check->message : "not checked yet");
		return false;
	}
	return !is_stale(check->valid_until, now, why);
}

bool page_all_healthy(const struct page *copy, int64_t now, char why[PAGE_TEXT])
{
	return page_healthy(copy, PROBE_STARTUP, now, why) && page_healthy(copy, PROBE_LIVENESS, now, why) &&
	       page_healthy(copy, PROBE_READINESS, now, why);
}
