#include "init/base/loop.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include "init/base/signals.h"

bool loop_watch(const struct loop *loop, int fd, uint64_t about)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = about};

	return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

bool loop_open(struct loop *loop)
{
	loop->timer_at = INT64_MAX;
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	loop->signal_fd = signals_open();
	loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	loop->open = loop->epoll >= 0 && loop->signal_fd >= 0 && loop->timer_fd >= 0 &&
		     loop_watch(loop, loop->signal_fd, LOOP_SIGNALS) && loop_watch(loop, loop->timer_fd, LOOP_TIMER);
	if (!loop->open) {
		close_if_open(loop->epoll);
		close_if_open(loop->signal_fd);
		close_if_open(loop->timer_fd);
	}
	return loop->open;
}

static void set_timer(struct loop *loop, msec_t at)
{
	struct itimerspec when = {0};

	if (at == loop->timer_at)
		return;
	loop->timer_at = at;
	if (at != INT64_MAX) {
		when.it_value.tv_sec = at / 1000;
		when.it_value.tv_nsec = at % 1000 * 1000000;
		when.it_value.tv_nsec += at == 0; /* 0 would switch it off */
	}
	timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void clear_timer(struct loop *loop)
{
	uint64_t expirations;

	if (read(loop->timer_fd, &expirations, sizeof expirations) > 0)
		loop->timer_at = INT64_MAX;
}

int loop_wait(struct loop *loop, msec_t at, struct epoll_event events[LOOP_EVENTS])
{
	int kept = 0;

	set_timer(loop, at);
	int count = epoll_wait(loop->epoll, events, LOOP_EVENTS, -1);
	for (int i = 0; i < count; i++) {
		if (events[i].data.u64 == LOOP_TIMER)
			clear_timer(loop);
		else
			events[kept++] = events[i];
	}
	return kept;
}
