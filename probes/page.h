/*
 * The page: what the supervisor knows, published in a sealed memfd that anybody may map who may look into its process.
 * `tinysup --probe`, `--status` and the listener read it; process 1 writes it, and never learns that somebody reads.
 *
 * The writer makes `turn` odd, changes the page, and makes it even again (a sequence lock); page_read() copies until it has
 * seen the same even number before and after. All times are milliseconds of CLOCK_MONOTONIC unless said otherwise, durations
 * are milliseconds or what the name says. Texts are cut to their field, NUL-terminated valid UTF-8 without control characters.
 *
 * The page's layout belongs to one version of tinysup: another version's page is as good as none (PAGE_VERSION and `size`).
 */
#ifndef TINYSUP_PROBES_PAGE_H
#define TINYSUP_PROBES_PAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "config/plan.h"
#include "init/journal/record.h"
#include "probes/result.h"

#define PAGE_MAGIC   "tinysup"
#define PAGE_VERSION 6
#define PAGE_MEMFD   "tinysup" /* /proc/PID/fd/N reads "/memfd:tinysup (deleted)" */
#define PAGE_FD      100       /* usual descriptor number: saves readers a search */

/* Verdicts stay valid this long after the next one is due, for busy machines. */
#define PAGE_SLACK ((msec_t)1000)

#define PAGE_NAME 64
#define PAGE_TEXT 200
#define PAGE_PATH 1024

#define PAGE_EVENTS 64 /* the last events of this run */

enum page_phase {
	PAGE_RUNNING,
	PAGE_STOPPING,
	PAGE_WAITING_TO_RESTART,
	PAGE_STARTING, /* the app was not started yet */
	PAGE_HELD,     /* restarts are exhausted */
	PAGE_PHASES
};

/* A verdict. Readers only check its age. */
struct page_verdict {
	bool healthy;
	bool probed;         /* a probe is configured (or notify, watchdog) */
	int64_t valid_until; /* INT64_MAX: until the next update */
	int64_t since;       /* when `healthy` last changed */
	uint64_t checks;     /* bit n for checks[n] */
	uint64_t rounds_ok, rounds_failed, rounds_error;
	uint64_t skipped;    /* rounds skipped because one was running */
	char why[PAGE_TEXT]; /* unhealthy: in words */
};

struct page_check {
	char name[CHECK_NAME_MAX];
	enum check_kind kind;
	bool soft;
	bool has_result;      /* the fields below hold a result */
	enum outcome outcome; /* of the last verdict: never OUTCOME_ERROR */
	enum failure failure;
	int status;          /* HTTP status or exit code; 0: none */
	int64_t took_us;     /* of the last verdict */
	int64_t at;          /* when it came */
	int64_t since;       /* when the outcome last changed */
	int64_t valid_until; /* as in page_verdict; 0: no longer runs */
	uint64_t ok, failed; /* how often */
	uint64_t errors;     /* it could not run */
	int64_t total_us;    /* all of `ok` and `failed` together */
	char message[PAGE_TEXT];
	char error[PAGE_TEXT]; /* of the last error; "" if there was none */
};

struct page_step {
	char name[PAGE_NAME];
	uint8_t state; /* enum step_state */
	int attempt;
	int64_t started, ended; /* 0: not yet */
};

struct page_beat {
	char name[PAGE_NAME];
	bool start;   /* the app waits for it */
	bool open;    /* it is to be sent now */
	bool armed;   /* and its last beat succeeded */
	bool lost;    /* it has failed for too long */
	int failures; /* in a row */
	int64_t at;   /* when the last beat that succeeded was sent; 0: none has since it was opened */
	uint64_t ok, failed;
	char why[PAGE_TEXT]; /* of the last failure; "" if there was none */
};

/* The current or last chain. */
struct page_chain {
	bool ran;
	bool running;
	bool earlier; /* of an earlier run of tinysup, from the journal: only unix_ms and the length, ended - started, mean
			 something */
	bool cut_off; /* that run was killed before the chain ended; its length is how far it got as far as is known */
	enum reason reason;
	char signal[16]; /* the stop signal; "": none */
	int64_t started, ended;
	int64_t deadline; /* deadline of the chain */
	int64_t unix_ms;  /* start as wall-clock time */
	size_t step;      /* index of the first running step; steps: none */
	bool required_failed;
};

struct page_app {
	pid_t pid;       /* 0: not running */
	int64_t started; /* the current or last start */
	int64_t started_unix_ms;
	uint64_t restarts;
	int64_t restart_at; /* PAGE_WAITING_TO_RESTART */
	bool ended;         /* at least once */
	int wait_status;    /* of the last end */
	bool notify;        /* app.notify */
	bool ready;         /* READY=1 was received */
	bool stopping, reloading;
	int64_t watchdog_at;    /* the last WATCHDOG=1; 0: none yet */
	msec_t watchdog;        /* interval; 0: off */
	char status[PAGE_TEXT]; /* STATUS= */
};

/* Everything but the lists. */
struct page_head {
	char app_name[PAGE_NAME];
	char tinysup[32]; /* version */
	pid_t supervisor;
	uint64_t config_device, config_inode; /* of the configuration file; 0, 0: none */
	char config[PAGE_PATH];               /* its path; "": none, or too long */
	char output[PAGE_TEXT];               /* app.output.file; "": none, or too long */
	int output_tail;                      /* its last lines are of interest */
	int64_t started;
	int64_t started_unix_ms;
	int64_t written; /* the last change */
	enum page_phase phase;
	bool probes; /* any probe is configured */
	struct page_app app;
	struct page_verdict verdicts[PROBE_COUNT];
	struct page_chain chain;
	uint64_t chains_run[REASON_COUNT], chains_failed[REASON_COUNT]; /* failed: a required step failed */
	uint64_t listener_restarts;
	size_t checks;
	size_t steps; /* of the current or last chain */
	size_t beats;
	uint64_t events; /* how many there were; the last PAGE_EVENTS are kept */
};

struct page {
	char magic[8];
	uint32_t version;
	uint32_t size; /* sizeof(struct page) */
	_Atomic uint64_t turn;
	struct page_head head;
	struct page_check check[PLAN_CHECKS_MAX];
	struct page_step step[PLAN_STEPS_MAX];
	struct page_beat beat[PLAN_HEARTBEATS_MAX];
	struct record event[PAGE_EVENTS]; /* a ring: number n is at n % PAGE_EVENTS, from 0 */
};

/*
 * Maps the supervisor's page read-only: that of process 1, or of the only visible supervisor in the same mount namespace with
 * the same configuration (config; NULL: any). NULL: none, not accessible, or several.
 */
const struct page *page_find(const char *config);

/* Maps the page behind `fd`. NULL: not a page, not sealed, or not owned by root, our user or `owner`. */
const struct page *page_map_of(int fd, uid_t owner);
const struct page *page_map(int fd); /* root's or our own */

/*
 * Copies the page consistently and validates it. False: the writer died while writing, or it is invalid. Fills in only the used
 * parts of lists.
 */
bool page_read(const struct page *page, struct page *copy);

/* How many events are in the ring. */
size_t page_events(const struct page *page);

/*
 * Validates a private copy: texts end within their field; enums, counts, indices, booleans and times are in range. Must come
 * before any other use.
 */
bool page_valid(const struct page *copy);

/* Whether it is consistent but invalid: not written by tinysup. */
bool page_malformed(const struct page *page);

/* Whether a verdict is healthy at `now`. False: `why` is the reason, including an expired verdict. */
bool page_healthy(const struct page *copy, enum probe_kind kind, int64_t now, char why[PAGE_TEXT]);

/* The same for a check: its last result is a success and has not expired. */
bool page_check_healthy(const struct page_check *check, int64_t now, char why[PAGE_TEXT]);

/* All three, for `tinysup --probe` without a name; `why` is about the first that is not healthy. */
bool page_all_healthy(const struct page *copy, int64_t now, char why[PAGE_TEXT]);

#endif
