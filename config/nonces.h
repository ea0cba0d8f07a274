/*
 * The last nonce of each API key, in memory that all processes of a supervisor share, and `tinysup --step` beside it. A key is
 * known by a digest, so that signers with the same key count together; what a digest is, and that the journal keeps the table,
 * is not known here.
 */
#ifndef TINYSUP_CONFIG_NONCES_H
#define TINYSUP_CONFIG_NONCES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define NONCES_MAX 64

struct nonce {
	_Atomic uint64_t key; /* 0: a free place */
	_Atomic uint64_t last;
};

struct nonces {
	_Atomic bool awaited; /* somebody reads what earlier runs have left ... */
	_Atomic bool loaded;  /* ... and has done so, or could not */
	struct nonce items[NONCES_MAX];
};

/* NULL with errno set: no memory. */
struct nonces *nonces_make(void);

/* Shares the table of another tinysup from now on. False: it has none that we may use, and nothing has changed. */
bool nonces_join(struct nonces *nonces, pid_t supervisor);

/* The next nonce of a key, not 0: `now`, or one more than the last one. Of more than NONCES_MAX keys, some count together. */
uint64_t nonces_next(struct nonces *nonces, uint64_t key, uint64_t now);

/* The last nonce of a key is not less than this. */
void nonces_raise(struct nonces *nonces, uint64_t key, uint64_t last);

#endif
