#include "config/url.h"

#include <arpa/inet.h>
#include <string.h>

/* The port's digits up to `end`; none of them is the scheme's own port. */
static bool is_port(const char *from, const char *end)
{
	unsigned port = 0;

	if (from == end)
		return true;
	for (; from < end && *from >= '0' && *from <= '9' && port <= 65535; from++)
		port = port * 10 + (unsigned)(*from - '0');
	return from == end && port >= 1 && port <= 65535;
}

/* "::1" or "fe80::1%25eth0" */
static bool is_ipv6(const char *from, const char *end)
{
	char host[INET6_ADDRSTRLEN];
	struct in6_addr address;
	const char *zone = memchr(from, '%', (size_t)(end - from));
	size_t length = (size_t)((zone != NULL ? zone : end) - from);

	if (length >= sizeof host)
		return false;
	memcpy(host, from, length);
	host[length] = '\0';
	return inet_pton(AF_INET6, host, &address) == 1;
}

static const char *authority_wrong(const char *from, const char *end)
{
	static const char not_in_hosts[] = "[]{}\\$'\"^`*<>=;,+&()|!@";
	const char *host = from;

	for (const char *p = from; p < end; p++)
		if (*p == '@')
			host = p + 1;
	if (host < end && *host == '[') {
		const char *close = memchr(host, ']', (size_t)(end - host));
		if (close == NULL || !is_ipv6(host + 1, close))
			return "with an IPv6 address in the brackets";
		host = close + 1;
		if (host < end && *host != ':')
			return "with only a port after the host";
		return host == end || is_port(host + 1, end) ? NULL : "with a port from 1 to 65535";
	}
	const char *colon = memchr(host, ':', (size_t)(end - host));
	const char *host_end = colon != NULL ? colon : end;
	if (host == host_end)
		return "with a host name";
	for (const char *p = host; p < host_end; p++)
		if (strchr(not_in_hosts, *p) != NULL)
			return "with a valid host name or address";
	return colon == NULL || is_port(colon + 1, end) ? NULL : "with a port from 1 to 65535";
}

/* scheme: its length */
static const char *rest_wrong(const char *url, size_t scheme)
{
	for (const char *p = url; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return "without spaces or control characters (write a space as %20)";
	const char *authority = url + scheme;
	return authority_wrong(authority, authority + strcspn(authority, "/?#"));
}

bool method_is_valid(const char *method)
{
	return *method != '\0' && strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(method);
}

const char *url_wrong(const char *url)
{
	size_t scheme = strncmp(url, "http://", 7) == 0 ? 7 : strncmp(url, "https://", 8) == 0 ? 8 : 0;

	return scheme == 0 ? "starting with http:// or https://" : rest_wrong(url, scheme);
}

const char *url_wrong_mail(const char *url)
{
	size_t scheme = strncmp(url, "smtp://", 7) == 0 ? 7 : strncmp(url, "smtps://", 8) == 0 ? 8 : 0;

	if (strchr(url, '@') != NULL)
		return "without user and password, which are settings of their own";
	return scheme == 0 ? "starting with smtp:// or smtps://" : rest_wrong(url, scheme);
}
