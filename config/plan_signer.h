/*
 * Part of the plan: who signs requests, and how.
 *
 * A scheme is the whole of what differs between exchanges, as data: config/schemes.c has a row for each preset, a signer
 * without `scheme` brings its own. probes/sign.c is the only code that reads one. Templates are those of template.h.
 */
#ifndef TINYSUP_CONFIG_PLAN_SIGNER_H
#define TINYSUP_CONFIG_PLAN_SIGNER_H

#include "config/plan.h"

enum digest { DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512, DIGEST_NONE };
enum encoding { ENCODING_RAW, ENCODING_HEX, ENCODING_BASE64, ENCODING_BASE64URL };
enum body_form { BODY_ANY, BODY_JSON, BODY_FORM, BODY_NONE };
enum nonce_unit { NONCE_MS, NONCE_US, NONCE_NS };

/* What an answer says besides success and failure. The first that holds decides. */
enum verdict {
	VERDICT_NOTHING, /* there was nothing to do: a success if the request leaves no doubt, see `nothing_at` */
	VERDICT_CLOCK,   /* the timestamp was refused */
	VERDICT_NONCE,   /* the nonce was refused */
	VERDICT_RATE,    /* too many requests; nothing was done */
	VERDICT_BUSY,    /* the exchange is busy or closed; nothing was done */
	VERDICT_UNKNOWN, /* the exchange does not know what was done */
	VERDICT_KEY,     /* the key, its permissions or the signature were refused */
	VERDICT_COUNT
};

/* A request where "nothing to do" means just that: its path ends in `path`, and it has no parameter `without`. */
struct plan_nothing {
	const char *path;
	const char *without; /* NULL: any may be there */
};

struct plan_nothings {
	const struct plan_nothing *items;
	size_t count;
};

/* A request that disarms a dead man's switch: its path ends in `path`, and query or body have `parameter`, "timeout=0". */
struct plan_disarm {
	const char *path;
	const char *parameter;
};

struct plan_disarms {
	const struct plan_disarm *items;
	size_t count;
};

/* A digest of a part of the request, for the message. */
struct plan_prehash {
	enum digest digest;
	const char *of; /* NULL: none is made */
	enum encoding as;
};

struct plan_scheme {
	enum digest digest; /* of the HMAC */
	enum encoding secret;
	const char *add_query; /* appended to the query before signing; NULL: nothing */
	const char *add_body;  /* put before the body, which is a form; NULL: nothing */
	struct plan_prehash hash;
	const char *message; /* what is signed; NULL with DIGEST_NONE only */
	enum encoding output;
	const char *sign_query; /* the parameter for the signature, the query's last; NULL: none */
	const char *strip;      /* a prefix of the path that is not signed; NULL: none */
	msec_t lifetime;        /* {expires} is so much later */
	struct plan_pairs headers;
	enum body_form body;
	struct plan_jsons success;                 /* all must hold, besides the step's own */
	struct plan_jsons verdicts[VERDICT_COUNT]; /* any decides, whatever the status */
	struct plan_nothings nothing_at;           /* without `scheme`: everywhere */
	struct plan_jsons reason;                  /* what these find is what the exchange says of a refusal */
	bool unclear_5xx;                          /* a status of 5xx says nothing of what was done */
	struct plan_disarms disarms;
};

struct plan_signer {
	const char *name;                         /* its key under `signers` */
	unsigned preset;                          /* of schemes.h; 0: `own` */
	struct plan_text key, secret, passphrase; /* value NULL: not set. `shown` is expanded anew for each request */
	msec_t recv;                              /* how long a request is valid */
	enum nonce_unit nonce;
	struct plan_scheme own;
	const struct plan_scheme *scheme;
	int64_t read_at;       /* when they were read; Unix milliseconds */
	struct nonces *nonces; /* shared by all processes; NULL: the scheme uses none */
};

/* Why its scheme cannot sign the method or the body; NULL: it can. */
const char *signers_request_wrong(const struct plan_http *http);

/* What a signed request is like where it has no configuration: --request. False: no such signer. */
bool signers_use(const struct plan *plan, const char *name, struct plan_http *http);

#endif
