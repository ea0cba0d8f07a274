/* The server that checks ask: prints its port, then gives everybody on 127.0.0.1 the same answer, one after the other. */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const char answer[] =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\nConnection: close\r\n\r\n"
    "{\"status\":\"ok\"}";

static void serve(int peer)
{
	char request[4096];

	/* one that only connects has nothing to say */
	if (read(peer, request, sizeof request) > 0 && write(peer, answer, sizeof answer - 1) > 0)
		shutdown(peer, SHUT_WR);
	while (read(peer, request, sizeof request) > 0)
		;
	close(peer);
}

int main(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	if (bind(fd, (struct sockaddr *)&address, length) != 0 || listen(fd, 128) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &length) != 0)
		return 1;
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	for (;;) {
		int peer = accept(fd, NULL, NULL);
		if (peer < 0)
			return 1;
		serve(peer);
	}
}
