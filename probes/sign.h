/*
 * Signs a request as a scheme says (config/plan_signer.h). The only interpreter of schemes, and the only part that knows
 * libcrypto, besides libcurl.
 */
#ifndef TINYSUP_PROBES_SIGN_H
#define TINYSUP_PROBES_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/plan_signer.h"
#include "config/template.h"

#define SIGN_HEADERS_MAX 16

/* What a signature depends on. Texts are the caller's. */
struct sign_input {
	const struct plan_scheme *scheme;
	const char *key;
	const char *secret;     /* as configured; NULL: none */
	const char *passphrase; /* NULL: none */
	msec_t recv;
	int64_t now_ms; /* since 1970 */
	uint64_t nonce;
	const char *method;
	const char *path;  /* as sent */
	const char *query; /* as sent, with what the scheme adds, without "?"; "": none */
	const char *body;  /* the same; "": none */
};

/* All zero: empty. */
struct signature {
	char *text;
	struct plan_pair headers[SIGN_HEADERS_MAX]; /* values are malloc()ed */
	size_t header_count;
};

/* What the scheme adds to query or body: an expanded template, malloc()ed. Of the input only what exists by then is used. */
char *sign_added(const struct sign_input *input, const char *template);

/* NULL: *out is the signature; else what is wrong. Call signature_free() in both cases. */
const char *sign(const struct sign_input *input, struct signature *out);

/* Wipes and frees it. */
void signature_free(struct signature *signature);

/*
 * The next nonce of the signer's key as it is now: the time in its unit, and more than the last one in any process. Waits a
 * moment for those of earlier runs. now_ns: since 1970.
 */
uint64_t sign_nonce(const struct plan_signer *signer, const char *key, int64_t now_ns);

#define SIGN_DIGEST_TEXT 33

/* A text of 32 hexadecimal digits that stands for another. */
void sign_digest(const char *text, char out[SIGN_DIGEST_TEXT]);

/* "a%20b" to "a b", in place. */
void sign_decode(char *text);

#endif
