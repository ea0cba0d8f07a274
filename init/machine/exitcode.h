/* The exit code of tinysup: tinysup(8), EXIT STATUS. Pure. */
#ifndef TINYSUP_INIT_MACHINE_EXITCODE_H
#define TINYSUP_INIT_MACHINE_EXITCODE_H

#include "init/machine/sequencer.h"

#define EXIT_CANNOT_EXECUTE 126
#define EXIT_NOT_FOUND      127
#define EXIT_UNHEALTHY      69 /* EX_UNAVAILABLE */

/* Exit code of the app, or 128 + signal. */
int exitcode_of_status(int wait_status);
/* 127 if the program was not found, else 126. */
int exitcode_of_exec(int exec_errno);
/* Whether a code is in a set of 256. */
bool exitcode_in(const uint64_t codes[4], int code);
/* Exit code of a finished sequence. */
int exitcode_final(const struct seq *seq);

#endif
