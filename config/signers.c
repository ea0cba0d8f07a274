#include "config/signers.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "config/encoding.h"
#include "config/nonces.h"
#include "config/rules.h"
#include "config/schemes.h"
#include "config/template.h"

void signers_report(struct reader *reader, config_setting_t *group, const char *path, const char *name, const char *fmt, ...)
{
	config_setting_t *setting = read_member(group, name);
	char whole[PATH_TEXT], what[300];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof what, fmt, args);
	va_end(args);
	snprintf(whole, sizeof whole, "%s.%s", path, name);
	read_error(reader, setting != NULL ? setting : group, whole, "%s", what);
}

bool signers_expanded(const struct reader *reader, const char *text)
{
	return text != NULL && (!read_spares(reader) || strstr(text, "${") == NULL);
}

/* --- signers ------------------------------------------------------------------------------------------------------------- */

/* A preset is complete: nothing else may be set. */
static void check_preset(struct reader *reader, config_setting_t *group, const char *path)
{
	static const char *const settings[] = {"scheme", "key", "secret", "passphrase", "recv", "nonce"};

	for (int i = 0; i < config_setting_length(group); i++) {
		const char *name = config_setting_name(config_setting_get_elem(group, (unsigned)i));
		size_t known = 0;
		while (known < sizeof settings / sizeof *settings && strcmp(settings[known], name) != 0)
			known++;
		if (known == sizeof settings / sizeof *settings)
			signers_report(reader, group, path, name, "part of the scheme: leave out `scheme` to describe one");
	}
}

static void check_template(struct reader *reader, config_setting_t *group, const char *path, const char *name, const char *text,
			   unsigned allowed)
{
	char why[256];

	if (signers_expanded(reader, text) && !template_is_valid(text, allowed, why))
		signers_report(reader, group, path, name, "%s", why);
}

static void check_headers(struct reader *reader, config_setting_t *group, const char *path, const struct plan_pairs *headers,
			  bool signs)
{
	for (size_t i = 0; i < headers->count; i++)
		check_template(reader, group, path, "headers", headers->items[i].value,
			       signs ? TEMPLATE_HEADER : TEMPLATE_HEADER & ~(1u << VARIABLE_SIGN | 1u << VARIABLE_HASH));
}

/* What would have no effect, or only a bad one. */
static void check_use(struct reader *reader, config_setting_t *group, const char *path, const struct plan_scheme *own)
{
	static const char *const taken[] = {"Host", "Content-Length", "Transfer-Encoding", "Connection"};
	const unsigned paths = 1u << VARIABLE_PATH | 1u << VARIABLE_TARGET | 1u << VARIABLE_RAWTARGET;
	unsigned message = template_uses(own->message), headers = 0;

	for (size_t i = 0; i < own->headers.count; i++) {
		headers |= template_uses(own->headers.items[i].value);
		for (size_t j = 0; j < sizeof taken / sizeof *taken; j++)
			if (strcasecmp(own->headers.items[i].name, taken[j]) == 0)
				signers_report(reader, group, path, "headers", "%s is the request's own", taken[j]);
	}
	if (own->digest != DIGEST_NONE && own->sign_query == NULL && (headers >> VARIABLE_SIGN & 1) == 0)
		signers_report(reader, group, path, "headers", "no {sign} in them, and no sign_query: nothing is signed");
	if (own->hash.of != NULL && ((message | headers) >> VARIABLE_HASH & 1) == 0)
		signers_report(reader, group, path, "hash", "has no effect: {hash} is not in message");
	if (own->strip != NULL && ((message | headers | template_uses(own->hash.of)) & paths) == 0)
		signers_report(reader, group, path, "strip", "has no effect: no template has {path}, {target} or {rawtarget}");
}

static void check_own(struct reader *reader, config_setting_t *group, const char *path, const struct plan_scheme *own)
{
	bool signs = own->digest != DIGEST_NONE;
	char whole[PATH_TEXT];

	check_template(reader, group, path, "add_query", own->add_query, TEMPLATE_ADDED);
	check_template(reader, group, path, "add_body", own->add_body, TEMPLATE_ADDED);
	check_template(reader, group, path, "message", own->message, own->hash.of != NULL ? TEMPLATE_MESSAGE : TEMPLATE_HASHED);
	check_headers(reader, group, path, &own->headers, signs);
	if (own->hash.of != NULL) {
		snprintf(whole, sizeof whole, "%s.hash", path);
		check_template(reader, read_member(group, "hash"), whole, "of", own->hash.of, TEMPLATE_HASHED);
	}
	if (signs && own->message == NULL)
		signers_report(reader, group, path, "message", "must be set: it is what is signed");
	if (!signs && (own->message != NULL || own->sign_query != NULL))
		signers_report(reader, group, path, "digest", "\"none\" signs nothing: leave out message and sign_query");
	if (own->add_body != NULL && own->body != BODY_FORM)
		signers_report(reader, group, path, "add_body", "requires body = \"form\"");
	check_use(reader, group, path, own);
}

/* The variables that any template of a scheme uses. */
static unsigned uses(const struct plan_scheme *scheme)
{
	unsigned mask = template_uses(scheme->add_query) | template_uses(scheme->add_body) | template_uses(scheme->hash.of) |
			template_uses(scheme->message);

	for (size_t i = 0; i < scheme->headers.count; i++)
		mask |= template_uses(scheme->headers.items[i].value);
	return mask;
}

static void check_secret(struct reader *reader, config_setting_t *group, const char *path, const struct plan_signer *signer)
{
	const char *secret = signer->secret.value;
	size_t length = 0;

	if (!signers_expanded(reader, secret))
		return;
	unsigned char *decoded = malloc(ENCODING_ROOM(strlen(secret)));
	bool good = decoded != NULL && encoding_read(signer->scheme->secret, secret, decoded, &length);
	if (decoded != NULL)
		explicit_bzero(decoded, ENCODING_ROOM(strlen(secret)));
	free(decoded);
	if (!good || length == 0)
		signers_report(reader, group, path, "secret", length == 0 && good ? "is empty" : "is not %s",
			       name_of(&names_encodings, signer->scheme->secret));
}

void rule_signer(struct reader *reader, config_setting_t *group, void *out, const char *path)
{
	struct plan_signer *signer = out;
	bool preset = read_member(group, "scheme") != NULL;
	struct timespec now;

	if (preset && signer->preset == 0)
		return; /* an unknown one */
	clock_gettime(CLOCK_REALTIME, &now);
	signer->read_at = now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
	signer->scheme = preset ? scheme_of(signer->preset) : &signer->own;
	if (preset)
		check_preset(reader, group, path);
	else
		check_own(reader, group, path, &signer->own);
	unsigned used = uses(signer->scheme);
	bool passphrase = (used & (1u << VARIABLE_PASSPHRASE | 1u << VARIABLE_SEALED)) != 0;
	if (passphrase && read_member(group, "passphrase") == NULL)
		signers_report(reader, group, path, "passphrase", "must be set");
	if (passphrase && signers_expanded(reader, signer->passphrase.value) && *signer->passphrase.value == '\0')
		signers_report(reader, group, path, "passphrase", "is empty");
	if (read_member(group, "secret") == NULL && (signer->scheme->digest != DIGEST_NONE || (used >> VARIABLE_SECRET & 1)))
		signers_report(reader, group, path, "secret", "must be set");
	if (signers_expanded(reader, signer->key.value) && *signer->key.value == '\0')
		signers_report(reader, group, path, "key", "is empty");
	check_secret(reader, group, path, signer);
}

bool signer_uses(const struct plan_signer *signer, enum template_variable variable)
{
	return (uses(signer->scheme) >> variable & 1) != 0;
}

bool signers_share(struct plan *plan)
{
	for (size_t i = 0; i < plan->signers.count; i++) {
		struct plan_signer *signer = (struct plan_signer *)(uintptr_t)&plan->signers.items[i];
		if (signer->scheme == NULL || !signer_uses(signer, VARIABLE_NONCE))
			continue;
		if (plan->nonces == NULL && (plan->nonces = nonces_make()) == NULL)
			return false;
		signer->nonces = plan->nonces;
	}
	return true;
}
