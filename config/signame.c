#include "config/signame.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define RT_MIN 34

static const char names[SIGNAL_MAX + 1][14] = {
    [1] = "SIGHUP",       [2] = "SIGINT",       [3] = "SIGQUIT",      [4] = "SIGILL",       [5] = "SIGTRAP",
    [6] = "SIGABRT",      [7] = "SIGBUS",       [8] = "SIGFPE",       [9] = "SIGKILL",      [10] = "SIGUSR1",
    [11] = "SIGSEGV",     [12] = "SIGUSR2",     [13] = "SIGPIPE",     [14] = "SIGALRM",     [15] = "SIGTERM",
    [16] = "SIGSTKFLT",   [17] = "SIGCHLD",     [18] = "SIGCONT",     [19] = "SIGSTOP",     [20] = "SIGTSTP",
    [21] = "SIGTTIN",     [22] = "SIGTTOU",     [23] = "SIGURG",      [24] = "SIGXCPU",     [25] = "SIGXFSZ",
    [26] = "SIGVTALRM",   [27] = "SIGPROF",     [28] = "SIGWINCH",    [29] = "SIGIO",       [30] = "SIGPWR",
    [31] = "SIGSYS",      [32] = "SIG32",       [33] = "SIG33",       [34] = "SIGRTMIN",    [35] = "SIGRTMIN+1",
    [36] = "SIGRTMIN+2",  [37] = "SIGRTMIN+3",  [38] = "SIGRTMIN+4",  [39] = "SIGRTMIN+5",  [40] = "SIGRTMIN+6",
    [41] = "SIGRTMIN+7",  [42] = "SIGRTMIN+8",  [43] = "SIGRTMIN+9",  [44] = "SIGRTMIN+10", [45] = "SIGRTMIN+11",
    [46] = "SIGRTMIN+12", [47] = "SIGRTMIN+13", [48] = "SIGRTMIN+14", [49] = "SIGRTMIN+15", [50] = "SIGRTMAX-14",
    [51] = "SIGRTMAX-13", [52] = "SIGRTMAX-12", [53] = "SIGRTMAX-11", [54] = "SIGRTMAX-10", [55] = "SIGRTMAX-9",
    [56] = "SIGRTMAX-8",  [57] = "SIGRTMAX-7",  [58] = "SIGRTMAX-6",  [59] = "SIGRTMAX-5",  [60] = "SIGRTMAX-4",
    [61] = "SIGRTMAX-3",  [62] = "SIGRTMAX-2",  [63] = "SIGRTMAX-1",  [64] = "SIGRTMAX",
};

/* A number of one or two digits that ends the text; -1 where it is none. */
static int small_number(const char *text)
{
	size_t length = strlen(text);

	if (length == 0 || length > 2 || strspn(text, "0123456789") != length)
		return -1;
	return length == 1 ? text[0] - '0' : (text[0] - '0') * 10 + text[1] - '0';
}

static int within(int number, int low)
{
	return number >= low && number <= SIGNAL_MAX ? number : 0;
}

int signal_number(const char *text)
{
	if (isdigit((unsigned char)*text))
		return within(small_number(text), 1);
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	if (strncasecmp(text, "RTMIN+", 6) == 0) {
		int offset = small_number(text + 6);
		return offset < 0 ? 0 : within(RT_MIN + offset, RT_MIN);
	}
	if (strncasecmp(text, "RTMAX-", 6) == 0) {
		int offset = small_number(text + 6);
		return offset < 0 ? 0 : within(SIGNAL_MAX - offset, RT_MIN);
	}
	for (int n = 1; n <= SIGNAL_MAX; n++)
		if (strcasecmp(names[n] + 3, text) == 0)
			return n;
	if (strcasecmp(text, "POLL") == 0)
		return 29;
	if (strcasecmp(text, "CLD") == 0)
		return 17;
	if (strcasecmp(text, "IOT") == 0)
		return 6;
	return 0;
}

const char *signal_name(int number)
{
	return number >= 1 && number <= SIGNAL_MAX ? names[number] : "?";
}
