/* The event loop of process 1: epoll, a signalfd and a timerfd. */
#ifndef TINYSUP_INIT_BASE_LOOP_H
#define TINYSUP_INIT_BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "config/plan.h"

/* epoll data of events that are not a job's slot. */
#define LOOP_SIGNALS UINT64_MAX
#define LOOP_NOTIFY  (UINT64_MAX - 1)
#define LOOP_TIMER   (UINT64_MAX - 2)
#define LOOP_JOURNAL (UINT64_MAX - 3)

#define LOOP_EVENTS 16

struct loop {
	bool open;
	int epoll, signal_fd, timer_fd;
	msec_t timer_at;
};

/* False with errno set, and nothing open. */
bool loop_open(struct loop *loop);

/* Watches `fd` for input. */
bool loop_watch(const struct loop *loop, int fd, uint64_t about);

/* Waits for input, or until `at` (INT64_MAX: no limit). Returns the number of events; the timer does not count. */
int loop_wait(struct loop *loop, msec_t at, struct epoll_event events[LOOP_EVENTS]);

#endif
