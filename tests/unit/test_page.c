/* probes/page: a reader never sees half of a write, however fast they come, and takes no other memory for a page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/clock.h"
#include "probes/page.h"

#define TEST(name) static void name(void **state __attribute__((unused)))

static struct page copy;

/* A page for writing; *fd leads to it. */
static struct page *make_page(int *fd)
{
	*fd = memfd_create(PAGE_MEMFD, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_true(*fd >= 0);
	assert_int_equal(ftruncate(*fd, sizeof(struct page)), 0);
	struct page *page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	assert_ptr_not_equal(page, MAP_FAILED);
	memcpy(page->magic, PAGE_MAGIC, sizeof PAGE_MAGIC);
	page->version = PAGE_VERSION;
	page->size = sizeof *page;
	return page;
}

static void drop_page(struct page *page, int fd)
{
	munmap(page, sizeof *page);
	close(fd);
}

/* Every part of the page says n. */
static void write_once(struct page *page, uint64_t n)
{
	uint64_t turn = atomic_load_explicit(&page->turn, memory_order_relaxed);

	atomic_store_explicit(&page->turn, turn + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	page->head.started = (int64_t)n;
	page->head.checks = n % 2 ? PLAN_CHECKS_MAX : 3;
	page->head.steps = n % 3 ? PLAN_STEPS_MAX : 0;
	for (size_t i = 0; i < page->head.checks; i++)
		page->check[i].ok = page->check[i].failed = n;
	for (size_t i = 0; i < page->head.steps; i++)
		page->step[i].started = page->step[i].ended = (int64_t)n;
	page->head.listener_restarts = n;
	atomic_store_explicit(&page->turn, turn + 2, memory_order_release);
}

static pid_t start_writer(struct page *page)
{
	pid_t writer = fork();

	assert_true(writer >= 0);
	if (writer > 0)
		return writer;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (uint64_t n = 1;; n++) {
		write_once(page, n);
		/* a page that is never at rest cannot be read: process 1 writes now and then */
		for (volatile int i = 0; i < 20000; i++)
			continue;
	}
}

static void assert_whole(uint64_t last)
{
	uint64_t n = (uint64_t)copy.head.started;

	assert_true(n >= last);
	assert_int_equal(copy.head.listener_restarts, n);
	if (n == 0)
		return;
	assert_int_equal(copy.head.checks, n % 2 ? PLAN_CHECKS_MAX : 3);
	assert_int_equal(copy.head.steps, n % 3 ? PLAN_STEPS_MAX : 0);
	for (size_t i = 0; i < copy.head.checks; i++)
		assert_true(copy.check[i].ok == n && copy.check[i].failed == n);
	for (size_t i = 0; i < copy.head.steps; i++)
		assert_true(copy.step[i].started == (int64_t)n && copy.step[i].ended == (int64_t)n);
}

TEST(no_write_is_seen_by_half)
{
	int fd;
	struct page *page = make_page(&fd);
	pid_t writer = start_writer(page);
	int64_t end = clock_us() + 1500000;
	uint64_t reads = 0, changes = 0, last = 0;

	for (; clock_us() < end; reads++) {
		assert_true(page_read(page, &copy));
		assert_whole(last);
		changes += (uint64_t)copy.head.started != last;
		last = (uint64_t)copy.head.started;
	}
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
	assert_true(reads > 100 && changes > 10);
	drop_page(page, fd);
}

TEST(a_writer_that_died_is_told)
{
	int fd;
	struct page *page = make_page(&fd);
	int64_t started = clock_us();

	atomic_store(&page->turn, 7);
	assert_false(page_read(page, &copy));
	assert_true(clock_us() - started < 1000000);
	atomic_store(&page->turn, 8);
	assert_true(page_read(page, &copy));
	drop_page(page, fd);
}

TEST(lists_that_are_too_long_lead_nowhere)
{
	int fd;
	struct page *page = make_page(&fd);

	page->head.checks = PLAN_CHECKS_MAX + 1;
	assert_false(page_read(page, &copy));
	page->head.checks = 0;
	page->head.steps = SIZE_MAX;
	assert_false(page_read(page, &copy));
	assert_true(page_malformed(page));
	page->head.steps = 0;
	assert_false(page_malformed(page));
	atomic_store(&page->turn, 1);
	assert_false(page_malformed(page)); /* being written, or torn: page_read() tells */
	drop_page(page, fd);
}

TEST(only_a_sealed_page_of_this_version_is_one)
{
	int fd;
	struct page *page = make_page(&fd);

	assert_null(page_map(-1));
	assert_null(page_map(fd)); /* it could be cut short under a reader */
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
	assert_null(page_map(fd)); /* somebody may add to the seals */
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL), 0);
	const struct page *mapped = page_map(fd);
	assert_non_null(mapped);
	munmap((void *)(uintptr_t)mapped, sizeof *mapped);
	page->version++;
	assert_null(page_map(fd));
	page->version--;
	page->size--;
	assert_null(page_map(fd));
	page->size++;
	page->magic[0]++;
	assert_null(page_map(fd));
	drop_page(page, fd);
}

TEST(only_root_and_we_are_believed)
{
	int fd;
	struct page *page = make_page(&fd);

	if (geteuid() != 0)
		return (void)drop_page(page, fd); /* nobody else's memory can be made */
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
	assert_int_equal(fchown(fd, 65534, 65534), 0);
	assert_null(page_map(fd));
	assert_int_equal(seteuid(65534), 0);
	const struct page *mapped = page_map(fd);
	assert_int_equal(seteuid(0), 0);
	assert_non_null(mapped);
	munmap((void *)(uintptr_t)mapped, sizeof *mapped);
	drop_page(page, fd);
}

TEST(a_verdict_ends)
{
	char why[PAGE_TEXT];
	struct page_verdict *verdict = &copy.head.verdicts[PROBE_READINESS];

	memset(&copy, 0, sizeof copy);
	*verdict = (struct page_verdict){.healthy = true, .valid_until = 1000};
	assert_true(page_healthy(&copy, PROBE_READINESS, 1000, why));
	assert_string_equal(why, "");
	assert_false(page_healthy(&copy, PROBE_READINESS, 1001, why));
	assert_string_equal(why, "the published status expired 1 ms ago");
	verdict->valid_until = INT64_MAX;
	assert_true(page_healthy(&copy, PROBE_READINESS, INT64_MAX, why));
	verdict->healthy = false;
	strcpy(verdict->why, "api: connect");
	assert_false(page_healthy(&copy, PROBE_READINESS, 0, why));
	assert_string_equal(why, "api: connect");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_write_is_seen_by_half),
	    cmocka_unit_test(a_writer_that_died_is_told),
	    cmocka_unit_test(lists_that_are_too_long_lead_nowhere),
	    cmocka_unit_test(only_a_sealed_page_of_this_version_is_one),
	    cmocka_unit_test(only_root_and_we_are_believed),
	    cmocka_unit_test(a_verdict_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
