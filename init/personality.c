#include "init/personality.h"

#include <string.h>
#include <sysexits.h>

#include "config/signame.h"

/* What tini leaves to the kernel: faults, and the terminal's signals to a background process. */
#define TINI_WITHHELD                                                                                                          \
	(SIGNAL_BIT(4) | SIGNAL_BIT(5) | SIGNAL_BIT(6) | SIGNAL_BIT(7) | SIGNAL_BIT(8) | SIGNAL_BIT(11) | SIGNAL_BIT(21) |     \
	 SIGNAL_BIT(22) | SIGNAL_BIT(31))

static const struct personality personalities[] = {
    {
	.name = "tinysup",
	.short_options = "+:cghlr:e:p:svVw",
	.long_options = true,
	.reads_config = true,
	.usage_code = EX_USAGE,
	.manner = {.voice = VOICE_TINYSUP, .group = SPAWN_FOREGROUND, .publishes = true, .subreaper = true},
    },
    {
	.name = "tini",
	.short_options = "+:hvwgle:sp:",
	.usage_code = 1,
	.manner = {.voice = VOICE_TINI,
		   .group = SPAWN_FOREGROUND,
		   .exit_at_once = true,
		   .withheld = TINI_WITHHELD,
		   .shell_fallback = true},
    },
    {
	.name = "dumb-init",
	.short_options = "+:chr:vV",
	.long_options = true,
	.usage_code = 1,
	.manner = {.voice = VOICE_DUMB_INIT,
		   .exec_code = 2,
		   .group = SPAWN_SESSION,
		   .root_directory = true,
		   .exit_at_once = true,
		   .term_at_end = true,
		   .suspends = true,
		   .shell_fallback = true},
    },
};

const struct personality *personality_find(const char *argv0)
{
	static const struct {
		const char *name;
		size_t who;
	} names[] = {{"tini", 1}, {"tini-static", 1}, {"docker-init", 1}, {"dumb-init", 2}};
	const char *slash = strrchr(argv0, '/'), *base = slash != NULL ? slash + 1 : argv0;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(base, names[i].name) == 0)
			return &personalities[names[i].who];
	return &personalities[0];
}
