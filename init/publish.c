#include "init/publish.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "config/signame.h"
#include "init/base/line.h"
#include "probes/version.h"
#include "probes/clock.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010 /* linux/fcntl.h, since Linux 5.1 */
#endif

/* Copies text: cut, valid UTF-8, no control characters. */
static void put(char *field, size_t size, const char *string)
{
	struct text text;

	text_begin(&text, size);
	text_add_plain(&text, string, strnlen(string, size));
	text_end_line(&text);
	memcpy(field, text.bytes, text.length - 1);
	field[text.length - 1] = '\0';
}

/* --- once -------------------------------------------------------------------------------------------------------------- */

static void put_checks(struct page *page, const struct plan *plan)
{
	page->head.checks = plan->checks.count;
	for (size_t i = 0; i < plan->checks.count; i++) {
		put(page->check[i].name, PAGE_NAME, plan->checks.items[i].name);
		page->check[i].kind = plan->checks.items[i].kind;
		page->check[i].soft = plan->checks.items[i].soft;
	}
}

static void put_beats(struct page *page, const struct plan *plan)
{
	page->head.beats = plan->heartbeats.count;
	for (size_t i = 0; i < plan->heartbeats.count; i++) {
		put(page->beat[i].name, PAGE_NAME, plan->heartbeats.items[i].beat.name);
		page->beat[i].start = plan->heartbeats.items[i].start;
	}
}

static void put_constants(struct page *page, const struct plan *plan)
{
	struct page_head *head = &page->head;
	struct stat status;

	memcpy(page->magic, PAGE_MAGIC, sizeof PAGE_MAGIC);
	page->version = PAGE_VERSION;
	page->size = sizeof *page;
	put(head->app_name, PAGE_NAME, plan->app.name);
	put(head->tinysup, sizeof head->tinysup, TINYSUP_VERSION);
	head->supervisor = getpid();
	head->started = clock_now();
	head->started_unix_ms = clock_wall(head->started);
	head->app.notify = plan->app.notify;
	if (plan->file != NULL && stat(plan->file, &status) == 0) {
		head->config_device = status.st_dev;
		head->config_inode = status.st_ino;
	}
	/* a path that was cut or altered is useless */
	put(head->config, PAGE_PATH, plan->path != NULL ? plan->path : "");
	if (plan->path != NULL && strcmp(head->config, plan->path) != 0)
		*head->config = '\0';
	const char *output = plan->app.output.file != NULL ? plan->app.output.file : "";
	put(head->output, PAGE_TEXT, strlen(output) < PAGE_TEXT ? output : "");
	head->output_tail = plan->app.output.tail;
	for (int kind = 0; kind < PROBE_COUNT; kind++) {
		head->verdicts[kind].checks = plan->probes[kind].checks;
		head->verdicts[kind].probed = plan->probes[kind].given;
	}
	head->verdicts[PROBE_STARTUP].probed |= plan->app.notify;
	head->verdicts[PROBE_LIVENESS].probed |= plan->app.watchdog > 0;
	for (int kind = 0; kind < PROBE_COUNT; kind++)
		head->probes |= head->verdicts[kind].probed;
}

/* Only our mapping can write from here on (Linux 5.1); older kernels rely on the descriptor's permissions. */
static int seal_memory(int fd)
{
	int seals = F_SEAL_SHRINK | F_SEAL_GROW;

	if (fcntl(fd, F_ADD_SEALS, seals | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) == 0)
		return 0;
	return fcntl(fd, F_ADD_SEALS, seals | F_SEAL_SEAL);
}

struct page *publish_open(const struct plan *plan, const struct page **shown)
{
	/* not every supported libc has memfd_create() */
	int fd = (int)syscall(SYS_memfd_create, PAGE_MEMFD, 3u /* MFD_CLOEXEC | MFD_ALLOW_SEALING */);

	if (fd < 0 || ftruncate(fd, sizeof(struct page)) != 0)
		return NULL;
	int known = fcntl(fd, F_DUPFD_CLOEXEC, PAGE_FD); /* where readers look first */
	if (known >= 0) {
		close(fd);
		fd = known;
	}
	struct page *page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED || seal_memory(fd) != 0)
		return NULL;
	put_constants(page, plan);
	put_checks(page, plan);
	put_beats(page, plan);
	if (plan->listen != NULL)
		*shown = page_map(fd);
	if (plan->file != NULL)
		madvise(page, sizeof *page, MADV_DONTFORK); /* children cannot write to it */
	return page;
}

/* --- again and again ----------------------------------------------------------------------------------------------------- */

static void put_verdict(struct page_verdict *to, const struct prober *prober, enum probe_kind kind, msec_t until, msec_t now)
{
	const struct prober_round *round = &prober->rounds[kind];
	const char *why;
	bool healthy = prober_healthy(prober, kind, &why);

	if (healthy != to->healthy || to->since == 0)
		to->since = now;
	to->healthy = healthy;
	to->valid_until = until;
	to->rounds_ok = round->rounds_ok;
	to->rounds_failed = round->rounds_failed;
	to->rounds_error = round->rounds_error;
	to->skipped = round->skipped;
	put(to->why, PAGE_TEXT, healthy ? "" : why);
}

static void put_check(struct page_check *to, const struct prober *prober, size_t index)
{
	const struct prober_check *check = &prober->checks[index];

	to->valid_until = prober_check_valid_until(prober, index);
	to->errors = check->errors;
	if (*check->error != '\0')
		put(to->error, PAGE_TEXT, check->error);
	bool known = to->has_result && to->at == check->at && to->ok == check->ok && to->failed == check->failed;
	to->has_result = check->has_result;
	if (!check->has_result || known)
		return;
	to->outcome = check->last.outcome;
	to->failure = check->last.failure;
	to->status = check->last.status;
	to->took_us = check->last.took_us;
	to->at = check->at;
	to->since = check->since;
	to->ok = check->ok;
	to->failed = check->failed;
	to->total_us = check->total_us;
	put(to->message, PAGE_TEXT, check->last.message);
}

static void put_beat(struct page_beat *to, const struct heartbeats *from, size_t index)
{
	const struct beat *beat = &from->beats.items[index];

	to->open = beat->open;
	to->armed = beat->armed;
	to->lost = beat->open && beat->failed;
	to->failures = beat->failures;
	to->at = beat->ever ? beat->since : 0;
	to->ok = beat->ok;
	to->failed = beat->bad;
	put(to->why, PAGE_TEXT, from->why[index]);
}

static void put_app(struct page_app *to, const struct sources *from)
{
	const struct app *app = from->app;
	const struct health *health = from->health;

	to->pid = app->pid;
	if (to->started != app->started) {
		to->started = app->started;
		to->started_unix_ms = clock_wall(app->started);
	}
	to->restarts = app->starts > 0 ? app->starts - 1 : 0;
	bool timed = from->seq->phase == PHASE_WAITING && from->seq->start_at != INT64_MAX;
	to->restart_at = timed ? from->seq->start_at : 0;
	to->ended = app->ended;
	to->wait_status = app->wait_status;
	to->ready = health->prober.ready_came;
	to->stopping = health->last.stopping;
	to->reloading = health->last.reloading;
	to->watchdog_at = health->prober.watchdog_at;
	to->watchdog = health->prober.watchdog;
	put(to->status, PAGE_TEXT, health->last.status);
}

/* A chain may have started and ended since the last update. */
static bool has_started(const struct page_head *head, const struct seq *seq)
{
	return memcmp(head->chains_run, seq->chains_run, sizeof head->chains_run) != 0;
}

static void put_names(struct page *page, const struct plan_chain *chain)
{
	page->head.steps = chain->steps;
	for (size_t i = 0; i < chain->steps; i++) {
		put(page->step[i].name, PAGE_NAME, plan_step_at(chain, i)->name);
		page->step[i].state = STATE_PENDING;
	}
}

static void put_steps(struct page *page, const struct seq *seq)
{
	struct page_chain *chain = &page->head.chain;

	chain->step = page->head.steps;
	for (size_t i = page->head.steps; i-- > 0;) {
		const struct seq_step *step = &seq->steps[i];
		struct page_step *to = &page->step[i];
		to->state = (uint8_t)step->state;
		to->attempt = step->attempt;
		to->started = step->started;
		to->ended = step->ended;
		if (chain->running && (step->state == STATE_RUNNING || step->state == STATE_PAUSED))
			chain->step = i;
	}
}

static void put_chain(struct page *page, const struct seq *seq, msec_t now)
{
	struct page_head *head = &page->head;
	struct page_chain *chain = &head->chain;
	bool runs = seq->phase == PHASE_CHAIN;

	if (has_started(head, seq)) {
		*chain = (struct page_chain){
		    .ran = true, .running = true, .started = seq->started, .unix_ms = clock_wall(seq->started)};
		chain->reason = seq->reason;
		chain->deadline = seq->started + seq_deadline(seq->plan, seq->reason);
		put(chain->signal, sizeof chain->signal, seq->signal > 0 ? signal_name(seq->signal) : "");
		put_names(page, seq->chain);
	}
	if (chain->running && !runs) {
		chain->ended = now;
		chain->required_failed = seq->chains_failed[chain->reason] != head->chains_failed[chain->reason];
	}
	chain->running = runs;
	memcpy(head->chains_run, seq->chains_run, sizeof head->chains_run);
	memcpy(head->chains_failed, seq->chains_failed, sizeof head->chains_failed);
	if (runs)
		chain->required_failed = seq->required_failed;
	if (chain->ran && !chain->earlier)
		put_steps(page, seq);
}

static enum page_phase phase_of(const struct seq *seq)
{
	static const enum page_phase phases[] = {[SEQ_STARTING] = PAGE_STARTING,
						 [SEQ_RUNNING] = PAGE_RUNNING,
						 [SEQ_RESTARTING] = PAGE_WAITING_TO_RESTART,
						 [SEQ_HELD] = PAGE_HELD,
						 [SEQ_STOPPING] = PAGE_STOPPING};

	return phases[seq_state(seq)];
}

/* Between them, readers wait. */
static void begin(struct page *page)
{
	atomic_store_explicit(&page->turn, atomic_load_explicit(&page->turn, memory_order_relaxed) + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
}

static void end(struct page *page)
{
	atomic_store_explicit(&page->turn, atomic_load_explicit(&page->turn, memory_order_relaxed) + 1, memory_order_release);
}

void publish_event(struct page *page, const struct record *record)
{
	begin(page);
	page->event[page->head.events++ % PAGE_EVENTS] = *record;
	end(page);
}

void publish_earlier(struct page *page, const struct plan *plan, const struct account_chain *from)
{
	struct page_chain *chain = &page->head.chain;
	const int64_t length = from->after > 0 ? from->after : 0;

	if (chain->ran || !from->ran || from->reason < 0)
		return;
	begin(page);
	*chain = (struct page_chain){.ran = true,
				     .earlier = true,
				     .cut_off = !from->ended,
				     .reason = (enum reason)from->reason,
				     .ended = length,
				     .unix_ms = from->time,
				     .required_failed = from->failed};
	put(chain->signal, sizeof chain->signal, from->signal > 0 ? signal_name(from->signal) : "");
	put_names(page, &plan->shutdown.chain);
	chain->step = page->head.steps;
	for (size_t i = 0; i < page->head.steps; i++) {
		page->step[i].state = from->steps[i].state;
		page->step[i].attempt = from->steps[i].attempt;
		page->step[i].started = from->steps[i].took >= 0 ? 1 : 0;
		page->step[i].ended = from->steps[i].took >= 0 ? 1 + from->steps[i].took : 0;
	}
	end(page);
}

void publish(struct page *page, const struct sources *from)
{
	struct page_head *head = &page->head;
	msec_t now = clock_now(), until = prober_valid_until(&from->health->prober);

	begin(page);
	head->written = now;
	head->phase = phase_of(from->seq);
	head->listener_restarts = from->listener->service.restarts;
	put_app(&head->app, from);
	for (int kind = 0; kind < PROBE_COUNT; kind++)
		put_verdict(&head->verdicts[kind], &from->health->prober, (enum probe_kind)kind, until, now);
	for (size_t i = 0; i < head->checks; i++)
		put_check(&page->check[i], &from->health->prober, i);
	for (size_t i = 0; i < head->beats; i++)
		put_beat(&page->beat[i], from->heartbeats, i);
	put_chain(page, from->seq, now);
	end(page);
}
