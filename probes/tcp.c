#define _GNU_SOURCE 1
#include "probes/tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probes/clock.h"
#include "probes/failure.h"

/* False: the time is up. */
static bool wait_for(int fd, short events, int64_t deadline_us)
{
	struct pollfd poller = {.fd = fd, .events = events};
	int ready;

	do
		ready = poll(&poller, 1, (int)clock_left(deadline_us));
	while (ready < 0 && errno == EINTR);
	return ready != 0;
}

/* A connected socket, or -1 with errno. */
static int connect_one(const struct addrinfo *address, int64_t deadline_us)
{
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, address->ai_protocol);
	socklen_t length = sizeof(int);
	int error = 0;

	if (fd < 0)
		return -1;
	if (connect(fd, address->ai_addr, address->ai_addrlen) != 0)
		error = errno;
	if (error == EINPROGRESS) {
		error = ETIMEDOUT;
		if (wait_for(fd, POLLOUT, deadline_us))
			getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
	}
	if (error == 0)
		return fd;
	close(fd);
	errno = error;
	return -1;
}

/* The one place that resolves names here. Returns a connected, non-blocking socket; -1: `result` holds the failure. */
static int tcp_connect(const struct plan_tcp *tcp, msec_t timeout, int64_t deadline_us, struct check_result *result)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *addresses = NULL;
	char port[12];
	int fd = -1, count = 0;

	snprintf(port, sizeof(port), "%d", tcp->port);
	if (getaddrinfo(tcp->host, port, &hints, &addresses) != 0 || !addresses) {
		result_fail(result, FAILURE_CONNECT, "connect: the host name cannot be resolved");
		return -1;
	}
	for (const struct addrinfo *at = addresses; at; at = at->ai_next)
		count++;
	/* an address that swallows packets must not take the time of the next one */
	for (const struct addrinfo *at = addresses; at && fd < 0; at = at->ai_next, count--) {
		int64_t now = clock_us();
		fd = connect_one(at, now + (deadline_us - now) / count);
	}
	if (fd < 0 && errno == ETIMEDOUT)
		failure_timeout(result, timeout, "connecting");
	else if (fd < 0)
		failure_connect(result, errno);
	freeaddrinfo(addresses);
	return fd;
}

static bool send_all(int fd, const char *text, msec_t timeout, int64_t deadline_us, struct check_result *result)
{
	size_t left = strlen(text);

	result->sent = true;
	while (left) {
		ssize_t sent = send(fd, text, left, MSG_NOSIGNAL);
		if (sent >= 0) {
			text += sent;
			left -= (size_t)sent;
		} else if (errno != EAGAIN && errno != EINTR) {
			result_fail(result, FAILURE_PROTOCOL, "protocol: connection lost while sending");
			return false;
		} else if (!wait_for(fd, POLLOUT, deadline_us)) {
			failure_timeout(result, timeout, "connected, sending");
			return false;
		}
	}
	return true;
}

static void expect(int fd, const char *text, msec_t timeout, int64_t deadline_us, struct check_result *result)
{
	char *buffer = malloc(TCP_EXPECT_MAX);
	size_t length = 0;
	bool found = false;

	if (!buffer) {
		result_error(result, "out of memory");
		return;
	}
	while (!found && result->outcome == OUTCOME_OK) {
		ssize_t got = recv(fd, buffer + length, TCP_EXPECT_MAX - length, 0);
		if (got > 0) {
			length += (size_t)got;
			found = memmem(buffer, length, text, strlen(text));
		} else if (got == 0) {
			result_fail(result, FAILURE_BODY, "body: what was expected did not come in %zu bytes", length);
		} else if (errno != EAGAIN && errno != EINTR) {
			result_fail(result, FAILURE_PROTOCOL, "protocol: connection lost");
		} else if (!wait_for(fd, POLLIN, deadline_us)) {
			failure_timeout(result, timeout, "connected, what was expected did not come");
		}
	}
	free(buffer);
}

void tcp_run(const struct plan_tcp *tcp, msec_t timeout, struct check_result *result)
{
	int64_t deadline = clock_deadline(timeout);
	int fd = tcp_connect(tcp, timeout, deadline, result);

	if (fd < 0)
		return;
	if (!tcp->send || send_all(fd, tcp->send, timeout, deadline, result)) {
		if (tcp->expect)
			expect(fd, tcp->expect, timeout, deadline, result);
	}
	close(fd);
}
