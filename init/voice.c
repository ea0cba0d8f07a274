#include "init/voice.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "init/log.h"

void voice_exec_failed(enum voice voice, const char *program, int error)
{
	switch (voice) {
	case VOICE_TINYSUP:
		log_event(LOG_ERROR, "exec_failed", NULL, "cannot execute %s: %s", program, strerror(error));
		break;
	case VOICE_TINI:
		log_raw(LOG_ERROR, "[FATAL tini (%d)] exec %s failed: %s", (int)getpid(), program, strerror(error));
		break;
	case VOICE_DUMB_INIT:
		log_raw(LOG_ERROR, "[dumb-init] %s: %s", program, strerror(error));
		break;
	}
}

void voice_reaped(enum voice voice, pid_t pid)
{
	if (voice == VOICE_TINI)
		log_raw(LOG_WARN, "[WARN  tini (%d)] Reaped zombie process with pid=%d", (int)getpid(), (int)pid);
	else
		log_event(LOG_WARN, "reaped", NULL, "Reaped zombie process with pid=%d", (int)pid);
}

void voice_no_reaper(enum voice voice)
{
	if (voice != VOICE_TINI)
		return; /* dumb-init never adopts and says nothing; tinysup adopts */
	log_raw(
	    LOG_WARN,
	    "[WARN  tini (%d)] Tini is not running as PID 1 and isn't registered as a child subreaper.\n"
	    "Zombie processes will not be re-parented to Tini, so zombie reaping won't work.\n"
	    "To fix the problem, use the -s option or set the environment variable TINI_SUBREAPER to register Tini as a child "
	    "subreaper, or run Tini as PID 1.",
	    (int)getpid());
}

void voice_bad_value(enum voice voice, char option, const char *value)
{
	if (voice == VOICE_TINI)
		fprintf(stderr, "[FATAL tini (%d)] Not a valid option for -%c: %s\n", (int)getpid(), option, value);
	else if (voice == VOICE_DUMB_INIT)
		fputs("Usage: -r option takes <signum>:<signum>, where <signum> is between 1 and 31.\n"
		      "This option can be specified multiple times.\n"
		      "Use --help for full usage.\n",
		      stderr);
}
