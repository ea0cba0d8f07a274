#include "probes/sign.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/encoding.h"
#include "config/nonces.h"

#define OUT_OF_MEMORY "out of memory"
/* For nonces of earlier runs: half a second. A disk that hangs holds up no request. */
#define LOAD_TRIES 100
#define LOAD_PAUSE 5000000 /* ns */

/* Values of variables, and the memory of those that are made here. */
struct values {
	struct template_value of[VARIABLE_COUNT];
	char ms[24], s[24], iso[32], nonce[24], expires[24], recv[24];
	char sealed[ENCODING_ROOM(EVP_MAX_MD_SIZE)], hash[ENCODING_ROOM(EVP_MAX_MD_SIZE)];
	char *rawquery, *target, *rawtarget;
};

static void set(struct values *values, enum template_variable variable, const char *text)
{
	values->of[variable] = (struct template_value){text, text != NULL ? strlen(text) : 0};
}

static void set_number(struct values *values, enum template_variable variable, char buffer[24], uint64_t number)
{
	snprintf(buffer, 24, "%" PRIu64, number);
	set(values, variable, buffer);
}

static const EVP_MD *digest_of(enum digest digest)
{
	return digest == DIGEST_SHA512 ? EVP_sha512() : digest == DIGEST_SHA384 ? EVP_sha384() : EVP_sha256();
}

/* --- variables ----------------------------------------------------------------------------------------------------------- */

static void set_times(struct values *values, const struct sign_input *input)
{
	time_t seconds = (time_t)(input->now_ms / 1000);
	struct tm tm;
	char date[24];

	gmtime_r(&seconds, &tm);
	strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(values->iso, sizeof values->iso, "%s.%03dZ", date, (int)(input->now_ms % 1000));
	set(values, VARIABLE_ISO, values->iso);
	set_number(values, VARIABLE_MS, values->ms, (uint64_t)input->now_ms);
	set_number(values, VARIABLE_S, values->s, (uint64_t)seconds);
	set_number(values, VARIABLE_EXPIRES, values->expires, (uint64_t)(seconds + input->scheme->lifetime / 1000));
	set_number(values, VARIABLE_RECV, values->recv, (uint64_t)input->recv);
	set_number(values, VARIABLE_NONCE, values->nonce, input->nonce);
}

/* What exists before anything is signed. */
static void set_early(struct values *values, const struct sign_input *input)
{
	set_times(values, input);
	set(values, VARIABLE_METHOD, input->method);
	set(values, VARIABLE_KEY, input->key);
	set(values, VARIABLE_PASSPHRASE, input->passphrase);
}

static int hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	digit = (char)(digit | 0x20);
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

void sign_decode(char *text)
{
	char *to = text;

	for (; *text != '\0'; text++) {
		int high = *text == '%' ? hex_value(text[1]) : -1, low = high >= 0 ? hex_value(text[2]) : -1;
		if (low > 0 || (low == 0 && high > 0)) { /* a NUL stays encoded */
			*to++ = (char)(high << 4 | low);
			text += 2;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

static char *join(const char *path, const char *query)
{
	char *whole = malloc(strlen(path) + strlen(query) + 2);

	if (whole != NULL)
		stpcpy(stpcpy(stpcpy(whole, path), *query != '\0' ? "?" : ""), query);
	return whole;
}

static bool set_target(struct values *values, const struct sign_input *input)
{
	const char *strip = input->scheme->strip, *path = input->path;

	if (strip != NULL && strncmp(path, strip, strlen(strip)) == 0)
		path += strlen(strip);
	values->rawquery = strdup(input->query);
	if (values->rawquery == NULL)
		return false;
	sign_decode(values->rawquery);
	values->target = join(path, input->query);
	values->rawtarget = join(path, values->rawquery);
	set(values, VARIABLE_PATH, path);
	set(values, VARIABLE_QUERY, input->query);
	set(values, VARIABLE_RAWQUERY, values->rawquery);
	set(values, VARIABLE_TARGET, values->target);
	set(values, VARIABLE_RAWTARGET, values->rawtarget);
	set(values, VARIABLE_BODY, input->body);
	return values->target != NULL && values->rawtarget != NULL;
}

static void values_free(struct values *values)
{
	free(values->rawquery);
	free(values->target);
	free(values->rawtarget);
	explicit_bzero(values, sizeof *values);
}

/* --- the signature ------------------------------------------------------------------------------------------------------- */

struct secret {
	unsigned char *bytes;
	size_t length;
};

static const char *read_secret(const struct sign_input *input, struct secret *secret)
{
	if (input->secret == NULL)
		return NULL;
	unsigned char *bytes = malloc(ENCODING_ROOM(strlen(input->secret)));
	size_t length = 0;
	if (bytes == NULL)
		return OUT_OF_MEMORY;
	bool good = encoding_read(input->scheme->secret, input->secret, bytes, &length);
	if (!good)
		length = strlen(input->secret); /* to be wiped */
	*secret = (struct secret){bytes, length};
	return good ? NULL : "the secret is not in its encoding";
}

static bool make_hmac(enum digest digest, const struct secret *secret, const char *message, size_t length, enum encoding as,
		      char out[ENCODING_ROOM(EVP_MAX_MD_SIZE)])
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned size = 0;

	if (HMAC(digest_of(digest), secret->bytes, (int)secret->length, (const unsigned char *)message, length, mac, &size) ==
	    NULL)
		return false;
	encoding_write(as, mac, size, out);
	return true;
}

static bool set_sealed(struct values *values, const struct sign_input *input, const struct secret *secret)
{
	if (input->passphrase == NULL || secret->bytes == NULL)
		return true;
	if (!make_hmac(DIGEST_SHA256, secret, input->passphrase, strlen(input->passphrase), ENCODING_BASE64, values->sealed))
		return false;
	set(values, VARIABLE_SEALED, values->sealed);
	return true;
}

static bool set_hash(struct values *values, const struct plan_prehash *hash)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	struct growing text = {NULL, 0, 0};
	unsigned size = 0;

	if (hash->of == NULL)
		return true;
	bool good = template_append(&text, hash->of, values->of) &&
		    EVP_Digest(text.text, text.length, digest, &size, digest_of(hash->digest), NULL) == 1;
	growing_free(&text);
	if (good)
		values->of[VARIABLE_HASH] =
		    (struct template_value){values->hash, encoding_write(hash->as, digest, size, values->hash)};
	return good;
}

static bool make_signature(struct values *values, const struct plan_scheme *scheme, const struct secret *secret,
			   struct signature *out)
{
	struct growing message = {NULL, 0, 0};

	if (scheme->digest == DIGEST_NONE)
		return true;
	out->text = malloc(ENCODING_ROOM(EVP_MAX_MD_SIZE));
	bool good = out->text != NULL && template_append(&message, scheme->message, values->of) &&
		    make_hmac(scheme->digest, secret, message.text, message.length, scheme->output, out->text);
	growing_free(&message);
	if (good)
		set(values, VARIABLE_SIGN, out->text);
	return good;
}

static bool make_headers(const struct values *values, const struct plan_pairs *headers, struct signature *out)
{
	for (size_t i = 0; i < headers->count && i < SIGN_HEADERS_MAX; i++) {
		struct growing value = {NULL, 0, 0};
		if (!template_append(&value, headers->items[i].value, values->of)) {
			growing_free(&value);
			return false;
		}
		out->headers[out->header_count++] = (struct plan_pair){headers->items[i].name, value.text};
	}
	return true;
}

static const char *sign_with(const struct sign_input *input, struct values *values, struct secret *secret,
			     struct signature *out)
{
	const char *wrong = read_secret(input, secret);

	if (wrong != NULL)
		return wrong;
	if (!set_target(values, input))
		return OUT_OF_MEMORY;
	set_early(values, input);
	set(values, VARIABLE_SECRET, input->secret);
	if (set_sealed(values, input, secret) && set_hash(values, &input->scheme->hash) &&
	    make_signature(values, input->scheme, secret, out) && make_headers(values, &input->scheme->headers, out))
		return NULL;
	return "libcrypto cannot make the signature";
}

const char *sign(const struct sign_input *input, struct signature *out)
{
	struct values values = {.rawquery = NULL};
	struct secret secret = {NULL, 0};

	*out = (struct signature){.text = NULL};
	const char *wrong = sign_with(input, &values, &secret, out);
	if (secret.bytes != NULL)
		explicit_bzero(secret.bytes, secret.length);
	free(secret.bytes);
	values_free(&values);
	return wrong;
}

char *sign_added(const struct sign_input *input, const char *template)
{
	struct values values = {.rawquery = NULL};
	struct growing text = {NULL, 0, 0};

	set_early(&values, input);
	if (!template_append(&text, template, values.of))
		growing_free(&text);
	values_free(&values);
	return text.text;
}

void signature_free(struct signature *signature)
{
	for (size_t i = 0; i < signature->header_count; i++) {
		char *value = (char *)(uintptr_t)signature->headers[i].value;
		explicit_bzero(value, strlen(value));
		free(value);
	}
	free(signature->text);
	*signature = (struct signature){.text = NULL};
}

/* A key is not to be read from the memory or the file that nonces are kept in. */
static uint64_t digest_key(const char *key)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned size = 0;
	uint64_t id = 0;

	EVP_Digest(key, strlen(key), digest, &size, EVP_sha256(), NULL);
	for (size_t i = 0; i < sizeof id && i < size; i++)
		id = id << 8 | digest[i];
	return id | 1; /* never 0 */
}

void sign_digest(const char *text, char out[SIGN_DIGEST_TEXT])
{
	unsigned char digest[EVP_MAX_MD_SIZE] = {0};
	char whole[ENCODING_ROOM(EVP_MAX_MD_SIZE)];

	EVP_Digest(text, strlen(text), digest, NULL, EVP_sha256(), NULL);
	encoding_write(ENCODING_HEX, digest, sizeof digest, whole);
	snprintf(out, SIGN_DIGEST_TEXT, "%.32s", whole);
}

static void wait_until_loaded(const struct nonces *nonces)
{
	const struct timespec pause = {.tv_nsec = LOAD_PAUSE};

	for (int n = 0; n < LOAD_TRIES && nonces->awaited && !nonces->loaded; n++)
		nanosleep(&pause, NULL);
}

uint64_t sign_nonce(const struct plan_signer *signer, const char *key, int64_t now_ns)
{
	static const int64_t unit[] = {[NONCE_MS] = 1000000, [NONCE_US] = 1000, [NONCE_NS] = 1};
	uint64_t now = (uint64_t)(now_ns / unit[signer->nonce]);

	if (signer->nonces == NULL)
		return now;
	wait_until_loaded(signer->nonces);
	return nonces_next(signer->nonces, digest_key(key), now);
}
