/*
 * The last nonces, in a file of state_dir that all its instances share, so that they rise across restarts whatever the clock
 * says. A line: the key's digest (16 hexadecimal digits) and its last nonce. For the journal's own process: may block like the
 * disk.
 */
#ifndef TINYSUP_INIT_CHILD_JOURNAL_NONCES_H
#define TINYSUP_INIT_CHILD_JOURNAL_NONCES_H

#include "config/nonces.h"
#include "config/plan.h"
#include "init/child/journal_file.h"

/* Raises the table to what is on file. `file` has the open directory. */
void journal_load_nonces(const struct journal_file *file, struct nonces *nonces, struct journal_failure *failure);

/* Puts the table on file if it has changed since the last call. */
void journal_keep_nonces(const struct journal_file *file, struct nonces *nonces, struct journal_failure *failure);

/* Whether checks use nonces: they leave no records. */
bool journal_checks_have_nonces(const struct plan *plan);

#endif
