/* Signs an HTTP request, for the moment it is sent. */
#ifndef TINYSUP_PROBES_HTTP_SIGN_H
#define TINYSUP_PROBES_HTTP_SIGN_H

#include "probes/http_exchange.h"
#include "probes/sign.h"

/* A text of the signer. */
struct fresh {
	char *read; /* what its files hold now; NULL: it has none */
	const char *text;
};

/* What a signed request consists of besides the plan's, and what it was signed with. All zero: empty. */
struct http_signed {
	struct signature signature;
	char *body;
	struct fresh key, secret, passphrase;
};

/*
 * Signs request->http for its signer: changes its URL, body and method, and adds headers, which point into *made. False: see
 * `result`. From here on, the process can neither be dumped nor traced, for it has read the secret. Call http_signed_free() in
 * both cases, after the exchange.
 */
bool http_sign(struct http_request *request, struct http_signed *made, struct check_result *result);
void http_signed_free(struct http_signed *made);

#endif
