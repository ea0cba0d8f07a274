/* The code tinysup exits with. Pure; the rules are tinysup(8)'s, EXIT STATUS. */
#ifndef TINYSUP_INIT_MACHINE_EXITCODE_H
#define TINYSUP_INIT_MACHINE_EXITCODE_H

#include "init/machine/sequencer.h"

#define EXIT_CANNOT_EXECUTE 126
#define EXIT_NOT_FOUND      127
#define EXIT_UNHEALTHY      69 /* EX_UNAVAILABLE */

/* The app's own: its exit code, or 128 + the signal it died of. */
int exitcode_of_status(int wait_status);
/* 127 where no such program was found, else 126. */
int exitcode_of_exec(int exec_errno);
/* Whether a code is in a set of 256. */
bool exitcode_in(const uint64_t codes[4], int code);
/* What a finished sequence ends with. */
int exitcode_final(const struct seq *seq);

#endif
