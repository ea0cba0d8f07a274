/*
 * The journal's own process: claims a slot in state_dir, reads what is there, tells process 1 about it, and appends records
 * until the socket ends. May block for as long as the disk does.
 */
#ifndef TINYSUP_INIT_CHILD_JOURNAL_WRITER_H
#define TINYSUP_INIT_CHILD_JOURNAL_WRITER_H

#include <sys/types.h>

/* A writer_body. context: the struct journal. */
_Noreturn void journal_write_on(const void *context, int out, pid_t parent);

#endif
