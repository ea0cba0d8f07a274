/*
 * probes/sign: every vector of the exchanges, computed by others (ccxt, Python's hmac, openssl) or published by them;
 * templates, encodings, nonces.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/encoding.h"
#include "config/nonces.h"
#include "config/schemes.h"
#include "probes/sign.h"

#define TEST(name) static void name(void **state __attribute__((unused)))

#define KEY        "tinysup-test-key"
#define SECRET     "dGlueXN1cC10ZXN0LXNlY3JldC0wMTIzNDU2Nzg5YWJjZGVm"
#define PASSPHRASE "tinysup-pass"
#define NOW        INT64_C(1700000000123)

/* What a request is, before its scheme adds anything; and the signature it must have. */
struct vector {
	const char *scheme, *method, *path, *query, *body, *signature;
};

static const struct vector vectors[] = {
    {"binance", "DELETE", "/fapi/v1/allOpenOrders", "symbol=BTCUSDT", "",
     "8033649a921fb0fc2d25205d0d998c81a400f3b8e3c89b1cba3cf781e8897879"},
    {"binance", "DELETE", "/api/v3/openOrders", "symbol=BTCUSDT", "",
     "8033649a921fb0fc2d25205d0d998c81a400f3b8e3c89b1cba3cf781e8897879"},
    {"binance", "POST", "/dapi/v1/countdownCancelAll", "symbol=BTCUSD_PERP&countdownTime=0", "",
     "16748835124ccbe367d79411b3290d0acbcb44387b85ea28a3cc93cbbe6de83e"},
    {"binance", "DELETE", "/fapi/v1/allOpenOrders", "symbol=%E5%B8%81USDT", "",
     "ac7909a3aae44feea1abf5d5fa527ee5c1288b598d644e4dacf0038f17b5dfaa"},
    {"bybit", "POST", "/v5/order/cancel-all", "", "{\"category\":\"linear\",\"settleCoin\":\"USDT\"}",
     "fd3e5c1a5d9b1a87a32b9be967e0b62bd3d3b9d799d6a66be2cf1d47d9d5533e"},
    {"bybit", "GET", "/v5/order/realtime", "category=linear&settleCoin=USDT", "",
     "720e52db0995ee00c79bcc9830d594ac0c983a012f7e10cfa5383026c3bb6afe"},
    {"okx", "POST", "/api/v5/trade/cancel-all-after", "", "{\"timeOut\":\"10\"}",
     "r+uwKKKjK/th4kmIYQXE2jh2gekamWO4R5IeYHmNRSw="},
    {"okx", "GET", "/api/v5/trade/orders-pending", "instType=SWAP", "", "Vjty1D7DWcb62oy17XHixLH0lvJ19Bd8PnMyRc+bXxA="},
    {"bitget", "POST", "/api/v3/trade/close-positions", "", "{\"category\":\"USDT-FUTURES\"}",
     "Mx9nQhSxQKQ+aX/Ji0uzKfaSoRBzPCmSEwSO4gD0k30="},
    {"bitget", "POST", "/api/v2/mix/order/close-positions", "", "{\"productType\":\"USDT-FUTURES\"}",
     "/3oC/beQ/oNuOpTkIu62S/AMj3hSjh305/456IoG5OQ="},
    {"bingx", "POST", "/openApi/swap/v2/trade/closeAllPositions", "", "",
     "4516efd02a26fa9a12187797909517c02dba5900ee5f20c2d2689192f9697b0d"},
    {"delta", "DELETE", "/v2/orders/all", "", "", "ccdb49eea6673b40abd92c242478e7ea11a2d9eaad3d3d4c196756da1f4ce277"},
    {"delta", "DELETE", "/v2/orders/all", "", "{}", "28e394bf60f21b7832e9dd1b070f2714c431bcd28c945d4fb670b2bcd1354587"},
    {"delta", "GET", "/v2/heartbeat", "heartbeat_id=bot", "",
     "4c60b609b8153e3c85e89e5b5b657b3beae2b223584f1aa80b76c349fc216ec2"},
    {"kraken", "POST", "/0/private/CancelAll", "", "",
     "SMjz5BAIyP2GJD3AtVfymFw5QF+Vui+lV6AgOoxXcTQPCeO2WRTARIhVQ1MbI3ChglYQeOTsvvZbDtymYbbskw=="},
    {"kraken", "POST", "/0/private/CancelAllOrdersAfter", "", "timeout=60",
     "1HxpzHkiFz+9gRJI5oBa92xEqWneeCn258pa+Q8GE58YVrOqIDvwuyBOERqZb8uBa3J2QQaCMX4DIEyt5Q2N9Q=="},
    {"krakenfutures", "POST", "/derivatives/api/v3/cancelallordersafter", "", "timeout=60",
     "Wxh4GIvVhRb+XpvCMinWc1gxGUkFaBFb0enWHbB1U/m5040ZgGcApf5Ud1FC5T89C+2AyErIzeHdRuuWbFUGTg=="},
    {"gate", "DELETE", "/api/v4/futures/usdt/orders", "contract=BTC_USDT", "",
     "a1c3bc1770f1552b7a864c3b0aa594e4bb5330480c776f69232eaa3d291ec3114e9b178ce1822654431bd86b310a93b4a3711359cb624a0ad83265a00"
     "a16"
     "ae17"},
    {"gate", "POST", "/api/v4/futures/usdt/countdown_cancel_all", "", "{\"timeout\":30}",
     "27facd38cf09de8aa8845a551ee5aa5fe5a7cb96f98409377b4c72e2df8753a7b4bfd1ef2551d51906e6dbd7d0758219fd8ab703416fa04128a92fd4b"
     "1ea"
     "e9bd"},
    {"kucoin", "DELETE", "/api/v1/hf/orders/cancelAll", "", "", "kGaFHGaoKin8NQ6bcPJnPrd0Eb9OY23WWEG9ugcHS3Q="},
    {"kucoin", "DELETE", "/api/v3/orders", "symbol=XBTUSDTM", "", "yI9+toILmsAJ9a3b/UeemUyQZk/3YXAeSseysRBTcVs="},
    {"deribit", "GET", "/api/v2/private/cancel_all", "", "",
     "5e793853e2258040fe7ec1ebdc2b788d56ecf39f31d0a4c12cdda34385cdae52"},
};

static const struct plan_scheme *preset(const char *name)
{
	int found = name_find(&names_schemes, name);

	assert_true(found > 0);
	return scheme_of((unsigned)found);
}

static struct sign_input input_of(const struct plan_scheme *scheme)
{
	return (struct sign_input){.scheme = scheme,
				   .key = KEY,
				   .secret = SECRET,
				   .passphrase = PASSPHRASE,
				   .recv = 5000,
				   .now_ms = NOW,
				   .nonce = (uint64_t)NOW,
				   .method = "POST",
				   .path = "/",
				   .query = "",
				   .body = ""};
}

/* What http_sign() does with a URL's query and a body, without libcurl. */
static void sign_whole(struct sign_input *input, struct signature *out, char query[512], char body[512])
{
	const struct plan_scheme *scheme = input->scheme;
	char *added;

	snprintf(query, 512, "%s", input->query);
	snprintf(body, 512, "%s", input->body);
	if (scheme->add_query != NULL) {
		added = sign_added(input, scheme->add_query);
		snprintf(query, 512, "%s%s%s", input->query, *input->query ? "&" : "", added);
		free(added);
	}
	if (scheme->add_body != NULL) {
		added = sign_added(input, scheme->add_body);
		snprintf(body, 512, "%s%s%s", added, *input->body ? "&" : "", input->body);
		free(added);
	}
	input->query = query;
	input->body = body;
	assert_null(sign(input, out));
}

static void signs(const struct sign_input *input, const char *expected)
{
	struct sign_input copy = *input;
	struct signature signature;
	char query[512], body[512];

	sign_whole(&copy, &signature, query, body);
	assert_string_equal(signature.text, expected);
	signature_free(&signature);
}

TEST(every_vector_has_its_signature)
{
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		const struct vector *vector = &vectors[i];
		struct sign_input input = input_of(preset(vector->scheme));

		input.method = vector->method;
		input.path = vector->path;
		input.query = vector->query;
		input.body = vector->body;
		signs(&input, vector->signature);
	}
}

/* For vectors whose whole query is given. */
static struct plan_scheme without_additions(const char *name)
{
	struct plan_scheme scheme = *preset(name);

	scheme.add_query = scheme.add_body = NULL;
	return scheme;
}

TEST(vectors_in_another_order_of_parameters)
{
	struct plan_scheme binance = without_additions("binance"), bingx = without_additions("bingx");
	struct sign_input input = input_of(&binance);

	input.query = "timestamp=1700000000123&symbol=BTCUSDT&recvWindow=5000";
	signs(&input, "055d3e85b490e8f15286bd702237194695ebef0d4fc09a58521b0065170f3b7b");
	input.scheme = &bingx;
	input.query = "timeOut=10&timestamp=1700000000123&type=ACTIVATE";
	signs(&input, "4d542ce95d31615c387cafbb38e449f5087a723c44fca190185f10f274ef0fa9");
}

TEST(vectors_published_by_vendors)
{
	struct plan_scheme binance = without_additions("binance");
	struct plan_scheme bitmex = {.message = "{method}{target}{expires}{body}", .output = ENCODING_HEX, .lifetime = 5000};
	struct sign_input input = input_of(&binance);

	input.secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
	input.query =
	    "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559";
	signs(&input, "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71");

	input = input_of(preset("kraken"));
	input.secret = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg==";
	input.path = "/0/private/AddOrder";
	input.body = "ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25";
	input.nonce = 1616492376594;
	signs(&input, "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ==");

	input = input_of(&bitmex);
	input.method = "DELETE";
	input.path = "/api/v1/order/all";
	signs(&input, "0dd5c98951ce627959e71e9e6854028e9812bd855a1d1b0b438c60c147c10ba5");
	input.secret = "chNOOS4KvNXR_Xq4k4c9qsfoKWvnDecLATCRlcBwyKDYnWgO";
	input.method = "GET";
	input.path = "/api/v1/instrument";
	input.now_ms = INT64_C(1518064231000);
	signs(&input, "c7682d435d0cfe87c16098df34ef2eb5a549d4c5a3c2b1f0f77b8af73423bf00");

	input.scheme = preset("okx");
	input.path = "/api/v5/account/balance";
	input.now_ms = INT64_C(1607418537715);
	signs(&input, "PJ61e1nb2F2Qd7D8SPiaIcx2gjdELc+o0ygzre9z33k=");
}

TEST(kraken_futures_with_a_nonce_is_a_row_of_its_own)
{
	struct plan_scheme scheme = *preset("krakenfutures");
	struct sign_input input = input_of(&scheme);

	scheme.hash.of = "{query}{body}{nonce}{path}";
	input.path = "/derivatives/api/v3/cancelallordersafter";
	input.body = "timeout=60";
	signs(&input, "WXNDQVnLXpUWMh0J5WOlyH6mbPXBTS4sj8O63uXcyYhItptlJJQhcZL8lfGvQB+JK0aQs0+u40QjhuDOjt843A==");
}

static void has_headers(const char *name, const char *method, const char *path, const char *const *expected)
{
	struct sign_input input = input_of(preset(name));
	struct signature signature;
	char query[512], body[512], line[512];
	size_t i = 0;

	input.method = method;
	input.path = path;
	sign_whole(&input, &signature, query, body);
	for (; expected[i] != NULL; i++) {
		assert_true(i < signature.header_count);
		snprintf(line, sizeof line, "%s: %s", signature.headers[i].name, signature.headers[i].value);
		assert_string_equal(line, expected[i]);
	}
	assert_int_equal(i, signature.header_count);
	signature_free(&signature);
	assert_null(signature.text);
}

TEST(headers_carry_key_time_signature_and_passphrase)
{
	has_headers("binance", "POST", "/", (const char *const[]){"X-MBX-APIKEY: " KEY, NULL});
	has_headers("kucoin", "DELETE", "/api/v1/hf/orders/cancelAll",
		    (const char *const[]){
			"KC-API-KEY: " KEY,
			"KC-API-SIGN: kGaFHGaoKin8NQ6bcPJnPrd0Eb9OY23WWEG9ugcHS3Q=", "KC-API-TIMESTAMP: 1700000000123",
			"KC-API-PASSPHRASE: udx41K0bElI5oatQicaGlPa7WpuCJn9Kz1UaLyxbFEQ=", "KC-API-KEY-VERSION: 2", NULL});
	has_headers("deribit", "GET", "/api/v2/private/cancel_all",
		    (const char *const[]){"Authorization: deri-hmac-sha256 id=" KEY ",ts=1700000000123,nonce=1700000000123,sig="
					  "5e793853e2258040fe7ec1ebdc2b788d56ecf39f31d0a4c12cdda34385cdae52",
					  NULL});
	has_headers("delta", "DELETE", "/v2/orders/all",
		    (const char *const[]){"api-key: " KEY, "timestamp: 1700000000",
					  "signature: ccdb49eea6673b40abd92c242478e7ea11a2d9eaad3d3d4c196756da1f4ce277", NULL});
}

/* RFC 4231, test case 2, in all that a scheme may choose. */
TEST(digests_and_encodings_of_a_scheme)
{
	static const struct {
		enum digest digest;
		enum encoding output;
		const char *signature;
	} cases[] = {
	    {DIGEST_SHA256, ENCODING_HEX, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
	    {DIGEST_SHA384, ENCODING_HEX,
	     "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"},
	    {DIGEST_SHA512, ENCODING_HEX,
	     "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b6"
	     "36e070a"
	     "38bce737"},
	    {DIGEST_SHA256, ENCODING_BASE64, "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="},
	    {DIGEST_SHA256, ENCODING_BASE64URL, "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM"},
	};
	static const struct {
		enum encoding encoding;
		const char *text;
	} secrets[] = {
	    {ENCODING_RAW, "Jefe"}, {ENCODING_HEX, "4A656665"}, {ENCODING_BASE64, "SmVmZQ=="}, {ENCODING_BASE64URL, "SmVmZQ"}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (size_t j = 0; j < sizeof secrets / sizeof *secrets; j++) {
			const struct plan_scheme scheme = {.digest = cases[i].digest,
							   .secret = secrets[j].encoding,
							   .message = "what do ya want for nothing?",
							   .output = cases[i].output};
			struct sign_input input = input_of(&scheme);
			input.secret = secrets[j].text;
			signs(&input, cases[i].signature);
		}
}

TEST(a_scheme_may_sign_nothing)
{
	static const struct plan_pair headers[] = {{"A", "{key}"}, {"B", "{secret}"}, {"C", "{{{iso}}"}};
	const struct plan_scheme scheme = {.digest = DIGEST_NONE, .headers = {headers, 3}};
	const struct sign_input input = input_of(&scheme);
	struct signature signature;

	assert_null(sign(&input, &signature));
	assert_null(signature.text);
	assert_string_equal(signature.headers[0].value, KEY);
	assert_string_equal(signature.headers[1].value, SECRET);
	assert_string_equal(signature.headers[2].value, "{2023-11-14T22:13:20.123Z}");
	signature_free(&signature);
}

TEST(a_secret_that_is_not_in_its_encoding_signs_nothing)
{
	struct sign_input input = input_of(preset("kraken"));
	struct signature signature;

	input.secret = "not base64!";
	assert_string_equal(sign(&input, &signature), "the secret is not in its encoding");
	signature_free(&signature);
}

/* --- the parts ----------------------------------------------------------------------------------------------------------- */

TEST(queries_are_decoded_once)
{
	static const char *const pairs[][2] = {{"a%20b", "a b"}, {"%e5%B8%81", "\xe5\xb8\x81"},
					       {"a+b", "a+b"},   {"%2525", "%25"},
					       {"%", "%"},       {"%4", "%4"},
					       {"%zz", "%zz"},   {"%00x", "%00x"},
					       {"", ""},         {"x%41", "xA"},
					       {"%10", "\x10"},  {"100%", "100%"}};

	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		char text[32];
		snprintf(text, sizeof text, "%s", pairs[i][0]);
		sign_decode(text);
		assert_string_equal(text, pairs[i][1]);
	}
}

TEST(encodings_read_what_they_write)
{
	unsigned char bytes[256], back[ENCODING_ROOM(ENCODING_ROOM(256))];
	char text[ENCODING_ROOM(256)];

	for (int i = 0; i < 256; i++)
		bytes[i] = (unsigned char)(255 - i);
	for (int encoding = ENCODING_HEX; encoding <= ENCODING_BASE64URL; encoding++)
		for (size_t length = 0; length <= 256; length++) {
			size_t read = 999, written = encoding_write((enum encoding)encoding, bytes, length, text);
			assert_int_equal(written, strlen(text));
			assert_true(encoding_read((enum encoding)encoding, text, back, &read));
			assert_int_equal(read, length);
			assert_memory_equal(back, bytes, length);
		}
}

TEST(what_is_in_no_encoding_is_refused)
{
	static const struct {
		enum encoding encoding;
		const char *text;
	} bad[] = {
	    {ENCODING_HEX, "abc"},      {ENCODING_HEX, "0g"},          {ENCODING_HEX, "0x12"},      {ENCODING_BASE64, "a"},
	    {ENCODING_BASE64, "ab-_"},  {ENCODING_BASE64, "ab=c"},     {ENCODING_BASE64, "abcd="},  {ENCODING_BASE64, "ab c"},
	    {ENCODING_BASE64URL, "+/"}, {ENCODING_BASE64URL, "abcde"}, {ENCODING_BASE64, "YWJj\n"},
	};
	unsigned char out[64];
	size_t length;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(encoding_read(bad[i].encoding, bad[i].text, out, &length));
	assert_true(encoding_read(ENCODING_BASE64, "YWJjZA", out, &length)); /* no padding */
	assert_memory_equal(out, "abcd", length);
}

static void wrong_template(const char *text, unsigned allowed, const char *expected)
{
	char why[256] = "";

	assert_false(template_is_valid(text, allowed, why));
	assert_string_equal(why, expected);
}

TEST(templates_are_checked)
{
	char why[256];

	assert_true(template_is_valid("{ms}{method} plain } {{not}", TEMPLATE_MESSAGE, why));
	assert_true(template_is_valid("", TEMPLATE_ADDED, why));
	wrong_template("{nonse}", TEMPLATE_MESSAGE, "{nonse}: unknown variable; did you mean \"{nonce}\"?");
	wrong_template("{}", TEMPLATE_MESSAGE, "{}: unknown variable");
	wrong_template("a{ms", TEMPLATE_MESSAGE, "\"{\" without a closing \"}\": write {{ for a brace");
	wrong_template("{sign}", TEMPLATE_MESSAGE, "{sign} cannot be used here");
	wrong_template("{hash}", TEMPLATE_HASHED, "{hash} cannot be used here");
	wrong_template("{query}", TEMPLATE_ADDED, "{query} cannot be used here");
	wrong_template("{secret}", TEMPLATE_MESSAGE, "{secret} cannot be used here");
	assert_int_equal(template_uses("{ms}{{key}{sign}"), 1u << VARIABLE_MS | 1u << VARIABLE_SIGN);
	assert_int_equal(template_uses(NULL), 0);
}

TEST(presets_are_valid)
{
	char why[256] = "";

	for (unsigned i = 1; i < names_schemes.count; i++) {
		const struct plan_scheme *scheme = scheme_of(i);
		if (scheme->message == NULL || !template_is_valid(scheme->message, TEMPLATE_MESSAGE, why) ||
		    (scheme->hash.of != NULL && !template_is_valid(scheme->hash.of, TEMPLATE_HASHED, why)) ||
		    (scheme->add_query != NULL && !template_is_valid(scheme->add_query, TEMPLATE_ADDED, why)) ||
		    (scheme->add_body != NULL && !template_is_valid(scheme->add_body, TEMPLATE_ADDED, why)))
			fail_msg("%s: %s", name_of(&names_schemes, i), why);
		assert_true(scheme->headers.count > 0 && scheme->headers.count <= SIGN_HEADERS_MAX);
		for (size_t j = 0; j < scheme->headers.count; j++)
			if (!template_is_valid(scheme->headers.items[j].value, TEMPLATE_HEADER, why))
				fail_msg("%s: %s", name_of(&names_schemes, i), why);
	}
}

/* --- nonces -------------------------------------------------------------------------------------------------------------- */

TEST(a_nonce_is_the_time_in_its_unit_and_never_falls)
{
	struct plan_signer signer = {.nonce = NONCE_MS, .nonces = nonces_make()};
	const int64_t now = INT64_C(1700000000123456789);

	assert_non_null(signer.nonces);
	assert_int_equal(sign_nonce(&signer, KEY, now), 1700000000123);
	assert_int_equal(sign_nonce(&signer, KEY, now), 1700000000124);
	assert_int_equal(sign_nonce(&signer, KEY, now - INT64_C(3600000000000)), 1700000000125);
	assert_int_equal(sign_nonce(&signer, KEY, now + 10000000), 1700000000133);
	signer.nonce = NONCE_US;
	assert_int_equal(sign_nonce(&signer, KEY, now), 1700000000123456);
	signer.nonce = NONCE_NS;
	assert_int_equal(sign_nonce(&signer, KEY, now), now);
	munmap(signer.nonces, sizeof *signer.nonces);
}

TEST(signers_with_the_same_key_count_together)
{
	struct plan_signer one = {.nonce = NONCE_MS, .nonces = nonces_make()}, two = one;
	const int64_t now = INT64_C(1700000000123456789);

	assert_int_equal(sign_nonce(&one, "key", now), 1700000000123);
	assert_int_equal(sign_nonce(&two, "key", now), 1700000000124);
	assert_int_equal(sign_nonce(&two, "another", now), 1700000000123);
	munmap(one.nonces, sizeof *one.nonces);
}

TEST(more_keys_than_there_are_places)
{
	struct nonces *nonces = nonces_make();

	for (uint64_t key = 1; key <= NONCES_MAX; key++)
		assert_int_equal(nonces_next(nonces, key, 1000), 1000);
	assert_int_equal(nonces_next(nonces, NONCES_MAX + 1, 1000), 1001);
	nonces_raise(nonces, 7, 5000);
	nonces_raise(nonces, 7, 4000);
	assert_int_equal(nonces_next(nonces, 7, 1000), 5001);
	munmap(nonces, sizeof *nonces);
}

TEST(another_process_joins)
{
	struct nonces *mine = nonces_make();
	int status = -1;

	assert_int_equal(nonces_next(mine, 7, 1000), 1000);
	if (fork() == 0) { /* with a table of its own, as `tinysup --step` has it */
		munmap(mine, sizeof *mine);
		struct nonces *its = nonces_make();
		bool good =
		    nonces_join(its, getppid()) && nonces_next(its, 7, 1000) == 1001 && nonces_next(its, 7, 1000) == 1002;
		_exit(good ? 0 : 1);
	}
	wait(&status);
	assert_int_equal(status, 0);
	assert_int_equal(nonces_next(mine, 7, 1000), 1003);
	assert_false(nonces_join(mine, 1 << 30));
	munmap(mine, sizeof *mine);
}

#define WORKERS 8
#define EACH    2000

TEST(no_two_processes_get_the_same_nonce)
{
	uint64_t *shared = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const struct plan_signer signer = {.nonce = NONCE_MS, .nonces = nonces_make()};

	for (size_t worker = 0; worker < WORKERS; worker++)
		if (fork() == 0) {
			uint64_t *its = shared + worker * EACH;
			for (size_t i = 0; i < EACH; i++)
				its[i] = sign_nonce(&signer, KEY, NOW * 1000000);
			_exit(0);
		}
	for (size_t worker = 0; worker < WORKERS; worker++)
		wait(NULL);
	/* the time stands still: they are consecutive */
	assert_int_equal(sign_nonce(&signer, KEY, NOW * 1000000), NOW + WORKERS * EACH);
	for (size_t worker = 0; worker < WORKERS; worker++)
		for (size_t i = 1; i < EACH; i++)
			assert_true(shared[worker * EACH + i] > shared[worker * EACH + i - 1]);
	munmap(shared, 1 << 20);
	munmap(signer.nonces, sizeof *signer.nonces);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(another_process_joins), /* the first: a process has one table */
	    cmocka_unit_test(every_vector_has_its_signature),
	    cmocka_unit_test(vectors_in_another_order_of_parameters),
	    cmocka_unit_test(vectors_published_by_vendors),
	    cmocka_unit_test(kraken_futures_with_a_nonce_is_a_row_of_its_own),
	    cmocka_unit_test(headers_carry_key_time_signature_and_passphrase),
	    cmocka_unit_test(digests_and_encodings_of_a_scheme),
	    cmocka_unit_test(a_scheme_may_sign_nothing),
	    cmocka_unit_test(a_secret_that_is_not_in_its_encoding_signs_nothing),
	    cmocka_unit_test(queries_are_decoded_once),
	    cmocka_unit_test(encodings_read_what_they_write),
	    cmocka_unit_test(what_is_in_no_encoding_is_refused),
	    cmocka_unit_test(templates_are_checked),
	    cmocka_unit_test(presets_are_valid),
	    cmocka_unit_test(a_nonce_is_the_time_in_its_unit_and_never_falls),
	    cmocka_unit_test(signers_with_the_same_key_count_together),
	    cmocka_unit_test(more_keys_than_there_are_places),
	    cmocka_unit_test(no_two_processes_get_the_same_nonce),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
