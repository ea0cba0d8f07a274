/*
 * An app that needs no file but itself: idle CODE [now]
 *
 * Says that it is ready, and ends with CODE on SIGTERM, or at once.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int code;

static void on_term(int number)
{
	(void)number;
	_exit(code);
}

int main(int argc, char **argv)
{
	code = argc > 1 ? atoi(argv[1]) : 0;
	if (argc > 2)
		return code;
	signal(SIGTERM, on_term);
	if (write(STDOUT_FILENO, "idle\n", 5) != 5)
		return 1;
	for (;;)
		pause();
}
