/* Schema of signers and signing schemes. */
#include "config/plan_signer.h"
#include "config/schemes.h"
#include "config/schema_rows.h"

#define OF struct plan_disarm
static const struct key disarm_keys[] = {
    KEY(path, STRING, NULL, "end of the path", .flags = KEY_REQUIRED),
    KEY(parameter, STRING, NULL, "name and value in the query or body, such as \"timeout=0\"", .flags = KEY_REQUIRED),
    END,
};
static const struct schema schema_disarm_request = SCHEMA("disarm", disarm_keys, -1, .rule = NULL);
#undef OF

#define OF struct plan_prehash
static const struct key hash_keys[] = {
    KEY(digest, CHOICE, "sha256", "digest", .choices = &names_hash_digests),
    KEY(of, STRING, NULL, "template of what is hashed", .flags = KEY_REQUIRED),
    KEY(as, CHOICE, "hex", "how the message contains it", .choices = &names_encodings),
    END,
};
static const struct schema schema_hash = SCHEMA("hash", hash_keys, -1, .rule = NULL);
#undef OF

#define OF struct plan_signer
static const struct key signer_keys[] = {
    ROW("scheme", preset, CHOICE, NULL, "preset; default: the settings below describe the scheme", .choices = &names_schemes),
    KEY(key, TEXT, NULL, "API key; a ${file:...} is read again for each request, as are secret and passphrase",
	.flags = KEY_REQUIRED),
    KEY(secret, TEXT, NULL, "secret of the key"),
    KEY(passphrase, TEXT, NULL, "passphrase of the key"),
    KEY(recv, DURATION, "5s", "how long a request is valid, where requests say so", SECONDS(1, 60)),
    KEY(nonce, CHOICE, "ms", "unit of nonces, counted since 1970", .choices = &names_nonce_units),
    ROW("digest", own.digest, CHOICE, "sha256", "digest of the HMAC; none: nothing is signed", .choices = &names_digests),
    ROW("secret_encoding", own.secret, CHOICE, "raw", "encoding of the secret", .choices = &names_encodings),
    ROW("add_query", own.add_query, STRING, NULL, "template of what is appended to the query before signing"),
    ROW("add_body", own.add_body, STRING, NULL, "template of what is put before the body, a form, before signing"),
    ROW("hash", own.hash, GROUP, NULL, "a digest for the message", .group = &schema_hash, .flags = KEY_OPTIONAL),
    ROW("message", own.message, STRING, NULL, "template of what is signed"),
    ROW("output", own.output, CHOICE, "hex", "encoding of the signature", .choices = &names_outputs),
    ROW("sign_query", own.sign_query, STRING, NULL, "query parameter for the signature; it comes last"),
    ROW("strip", own.strip, STRING, NULL, "prefix of the path that is not signed"),
    ROW("lifetime", own.lifetime, DURATION, "5s", "{expires} is so much later than {s}", SECONDS(1, 86400)),
    ROW("headers", own.headers, HEADERS, NULL, "templates of request headers"),
    ROW("body", own.body, CHOICE, "any", "form that the bodies of requests must have", .choices = &names_body_forms),
    ROW("success", own.success, LIST, NULL, "assertions on the JSON body; all must hold, besides those of the request",
	.group = &schema_json),
    ROW("nothing", own.verdicts[VERDICT_NOTHING], LIST, NULL,
	"assertions; if any holds, there was nothing to do, and the request has succeeded", .group = &schema_json),
    ROW("clock", own.verdicts[VERDICT_CLOCK], LIST, NULL, "assertions; if any holds, the timestamp was refused",
	.group = &schema_json),
    ROW("stale_nonce", own.verdicts[VERDICT_NONCE], LIST, NULL, "assertions; if any holds, the nonce was refused",
	.group = &schema_json),
    ROW("rate", own.verdicts[VERDICT_RATE], LIST, NULL, "assertions; if any holds, there were too many requests",
	.group = &schema_json),
    ROW("busy", own.verdicts[VERDICT_BUSY], LIST, NULL, "assertions; if any holds, the exchange was busy and did nothing",
	.group = &schema_json),
    ROW("unknown", own.verdicts[VERDICT_UNKNOWN], LIST, NULL,
	"assertions; if any holds, the exchange does not know what was done", .group = &schema_json),
    ROW("bad_key", own.verdicts[VERDICT_KEY], LIST, NULL,
	"assertions; if any holds, the key, its permissions or the signature were refused: never retried",
	.group = &schema_json),
    ROW("reason", own.reason, LIST, NULL, "assertions; the values of which they hold are logged when a request is refused",
	.group = &schema_json),
    ROW("disarms", own.disarms, LIST, NULL, "requests that disarm a dead man's switch", .group = &schema_disarm_request),
    END,
};
const struct schema schema_signer = SCHEMA("signer", signer_keys, -1, .rule = rule_signer);
#undef OF
