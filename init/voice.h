/*
 * The few messages that scripts read, in the words of the program that tinysup was started as. Everything else is said in
 * tinysup's own (narrate.h).
 */
#ifndef TINYSUP_INIT_VOICE_H
#define TINYSUP_INIT_VOICE_H

#include <sys/types.h>

enum voice { VOICE_TINYSUP, VOICE_TINI, VOICE_DUMB_INIT };

void voice_exec_failed(enum voice voice, const char *program, int error);
void voice_reaped(enum voice voice, pid_t pid);
/* Orphans will go to somebody else. */
void voice_no_reaper(enum voice voice);
/* While the command line is read, before there is a log. */
void voice_bad_value(enum voice voice, char option, const char *value);

#endif
