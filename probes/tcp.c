#include "probes/tcp.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "probes/clock.h"
#include "probes/connect.h"
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

static bool set_url(CURL *easy, const struct plan_tcp *tcp)
{
	bool is_ipv6 = strchr(tcp->host, ':');
	char url[300];
	int length =
	    snprintf(url, sizeof url, "http://%s%s%s:%d", is_ipv6 ? "[" : "", tcp->host, is_ipv6 ? "]" : "", tcp->port);

	return length > 0 && (size_t)length < sizeof url && strcspn(tcp->host, "/?#@ ") == strlen(tcp->host) &&
	       curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L) == CURLE_OK;
}

/* Connects. Returns a non-blocking socket owned by `easy`; -1: see `result`. */
static int tcp_connect(CURL *easy, const struct plan_tcp *tcp, msec_t timeout, struct check_result *result)
{
	curl_socket_t fd = CURL_SOCKET_BAD;
	CURLcode code;

	if (!set_url(easy, tcp)) {
		result_error(result, "tcp: invalid host");
		return -1;
	}
	code = curl_easy_perform(easy);
	if (code == CURLE_OK)
		curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd);
	else if (code == CURLE_OPERATION_TIMEDOUT)
		failure_timeout(result, timeout, connect_stage(easy));
	else if (!connect_failed(easy, code, result))
		result_error(result, "tcp: %s", curl_easy_strerror(code));
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
			result_fail(result, FAILURE_BODY, "body: `expect` not found in %zu bytes", length);
		} else if (errno != EAGAIN && errno != EINTR) {
			result_fail(result, FAILURE_PROTOCOL, "protocol: connection lost");
		} else if (!wait_for(fd, POLLIN, deadline_us)) {
			failure_timeout(result, timeout, "connected, `expect` not received");
		}
	}
	free(buffer);
}

void tcp_run(const struct plan_tcp *tcp, msec_t timeout, struct check_result *result)
{
	int64_t deadline = clock_deadline(timeout);
	CURL *easy;
	int fd;

	if (timeout <= 0) {
		failure_timeout(result, timeout, "before connecting");
		return;
	}
	easy = connect_new(timeout, result);
	if (!easy)
		return;
	fd = tcp_connect(easy, tcp, timeout, result);
	if (fd >= 0 && (!tcp->send || send_all(fd, tcp->send, timeout, deadline, result)) && tcp->expect)
		expect(fd, tcp->expect, timeout, deadline, result);
	curl_easy_cleanup(easy);
}
