/*
 * A trader as light as can be, and its hook, for tests that start it hundreds of times.
 *
 * trader run PORT: opens two orders and a position at the paper exchange in one request; prints "ready", or "dirty" if
 * something was open before; then waits for SIGTERM.
 *
 * trader note FILE: appends a line: shutdown id, step, idempotency key, reason.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char request[] = "POST /seed HTTP/1.0\r\nContent-Length: 29\r\n\r\n{\"orders\": 2, \"positions\": 1}";
static const char flat[] = "{\"open_orders\": 2, \"open_positions\": 1}";

static int run(const char *port)
{
	struct sockaddr_in to = {
	    .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)), .sin_addr = {htonl(INADDR_LOOPBACK)}};
	char reply[4096];
	size_t length = 0;
	ssize_t n;
	sigset_t set;
	int got, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0 || write(fd, request, sizeof request - 1) != sizeof request - 1)
		return 1;
	while ((n = read(fd, reply + length, sizeof reply - 1 - length)) > 0)
		length += (size_t)n;
	reply[length] = '\0';
	close(fd);
	puts(strstr(reply, flat) != NULL ? "ready" : "dirty");
	fflush(stdout);
	sigwait(&set, &got);
	return 0;
}

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0' ? value : "-";
}

static int note(const char *file)
{
	char line[512];
	int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	int length = snprintf(line, sizeof line, "%s %s %s %s\n", variable("TINYSUP_SHUTDOWN_ID"), variable("TINYSUP_STEP"),
			      variable("TINYSUP_IDEMPOTENCY_KEY"), variable("TINYSUP_REASON"));

	return write(fd, line, (size_t)length) == length ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 64;
	return strcmp(argv[1], "run") == 0 ? run(argv[2]) : note(argv[2]);
}
