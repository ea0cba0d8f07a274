/* What process 1 waits with: an epoll set with all signals and a timer in it. */
#ifndef TINYSUP_INIT_BASE_LOOP_H
#define TINYSUP_INIT_BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "config/plan.h"

/* What an event is about (its data.u64), where it is no job's slot. */
#define LOOP_SIGNALS UINT64_MAX
#define LOOP_NOTIFY  (UINT64_MAX - 1)
#define LOOP_TIMER   (UINT64_MAX - 2)

#define LOOP_EVENTS 16

struct loop {
	bool open;
	int epoll, signal_fd, timer_fd;
	msec_t timer_at;
};

/* False with errno set, and nothing open. */
bool loop_open(struct loop *loop);

/* Be told when `fd` is readable. */
bool loop_watch(const struct loop *loop, int fd, uint64_t about);

/* Sleep until something is readable, or until `at` (INT64_MAX: never). Returns how many events there are; the timer is none. */
int loop_wait(struct loop *loop, msec_t at, struct epoll_event events[LOOP_EVENTS]);

#endif
