#include "config/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

static bool read_port(const char *text, in_port_t *port)
{
	unsigned number = 0;

	if (*text == '\0' || strlen(text) > 5)
		return false;
	for (; *text >= '0' && *text <= '9'; text++)
		number = number * 10 + (unsigned)(*text - '0');
	*port = htons((in_port_t)number);
	return *text == '\0' && number <= UINT16_MAX;
}

static bool read_six(const char *host, struct sockaddr_storage *out, in_port_t port)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = port};

	if (inet_pton(AF_INET6, host, &six.sin6_addr) != 1)
		return false;
	memcpy(out, &six, sizeof six);
	return true;
}

static bool read_four(const char *host, struct sockaddr_storage *out, in_port_t port)
{
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = port};

	if (inet_pton(AF_INET, host, &four.sin_addr) != 1)
		return false;
	memcpy(out, &four, sizeof four);
	return true;
}

bool listen_address(const char *text, struct sockaddr_storage *out, socklen_t *length)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2];
	in_port_t port;

	if (colon == NULL || (size_t)(colon - text) >= sizeof host || !read_port(colon + 1, &port))
		return false;
	size_t end = (size_t)(colon - text);
	memcpy(host, text, end);
	host[end] = '\0';
	memset(out, 0, sizeof *out);
	bool six = end == 0 || (host[0] == '[' && host[end - 1] == ']');
	if (end > 0 && six)
		host[end - 1] = '\0';
	*length = six ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	if (six)
		return read_six(end == 0 ? "::" : host + 1, out, port);
	return read_four(host, out, port);
}
