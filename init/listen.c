#include "init/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/address.h"

#define BACKLOG 4096 /* the kernel cuts it to net.core.somaxconn */

static bool bind_and_listen(int fd, const struct sockaddr_storage *address, socklen_t length)
{
	const int yes = 1, no = 0;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	/* a machine may have turned this off for everybody */
	if (address->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
	return bind(fd, (const struct sockaddr *)address, length) == 0 && listen(fd, BACKLOG) == 0;
}

static int open_at(const struct sockaddr_storage *address, socklen_t length)
{
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind_and_listen(fd, address, length))
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

int listen_open(const char *text)
{
	struct sockaddr_storage address;
	socklen_t length;

	if (!listen_address(text, &address, &length)) {
		errno = EINVAL;
		return -1;
	}
	int fd = open_at(&address, length);
	if (fd >= 0 || *text != ':' || (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL))
		return fd;
	/* no IPv6 here */
	char everywhere[32] = "0.0.0.0";
	strncat(everywhere, text, sizeof everywhere - strlen(everywhere) - 1);
	return listen_address(everywhere, &address, &length) ? open_at(&address, length) : -1;
}
