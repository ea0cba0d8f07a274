/*
 * Where a lock outlives the writer that took it: the descriptor waits in a socket pair of process 1, which never receives it.
 * A lock of F_OFD_SETLK ends with the last reference to its open file, so the kernel lets it go when all of us are dead.
 */
#ifndef TINYSUP_INIT_CHILD_JOURNAL_KEPT_H
#define TINYSUP_INIT_CHILD_JOURNAL_KEPT_H

#include "init/child/journal_file.h"

/* Keeps file->lock and file->name. False with errno set. */
bool journal_keep(const int kept[2], const struct journal_file *file);

/* Another reference to the lock that is kept, and its name. False: there is none. */
bool journal_find_kept(const int kept[2], struct journal_file *file);

#endif
