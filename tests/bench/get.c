/* The least that asks a server on 127.0.0.1, at the port given: no library, no header is read but the first. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char answer[4096];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (argc != 2)
		return 64;
	address.sin_port = htons((uint16_t)atoi(argv[1]));
	if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0 || write(fd, request, sizeof request - 1) < 0)
		return 1;
	ssize_t length = read(fd, answer, sizeof answer);
	return length < 12 || memcmp(answer, "HTTP/1.1 200", 12) != 0;
}
