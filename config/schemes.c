#include "config/schemes.h"

/* As of 2026-11, from the exchanges' documentation. Hosts and paths are in no row: exchanges move them. */
enum preset { OWN, BINANCE, BYBIT, OKX, BITGET, BINGX, DELTA, KRAKEN, KRAKENFUTURES, GATE, KUCOIN, DERIBIT, PRESETS };

static const char *const words[PRESETS] = {
    [BINANCE] = "binance", [BYBIT] = "bybit",   [OKX] = "okx",         [BITGET] = "bitget",
    [BINGX] = "bingx",     [DELTA] = "delta",   [KRAKEN] = "kraken",   [KRAKENFUTURES] = "krakenfutures",
    [GATE] = "gate",       [KUCOIN] = "kucoin", [DERIBIT] = "deribit",
};
const struct names names_schemes = {.words = words, .count = PRESETS};

#define COUNTED(type, ...)                                                                                                     \
	{                                                                                                                      \
		(const type[]){__VA_ARGS__}, sizeof((const type[]){__VA_ARGS__}) / sizeof(type)                                \
	}
#define HEADERS(...) COUNTED(struct plan_pair, __VA_ARGS__)
#define ALL(...)     COUNTED(struct plan_json, __VA_ARGS__)
#define DISARMS(...) COUNTED(struct plan_disarm, __VA_ARGS__)
#define ENDS(...)    COUNTED(struct plan_nothing, __VA_ARGS__)
#define AT(path, ...)                                                                                                          \
	{                                                                                                                      \
		.pointer = (path), .age_below = MSEC_UNSET, __VA_ARGS__                                                        \
	}
#define TEXT(word)                                                                                                             \
	{                                                                                                                      \
		.type = VALUE_STRING, .string = (word)                                                                         \
	}
#define NUMBER(code)                                                                                                           \
	{                                                                                                                      \
		.type = VALUE_NUMBER, .number = (code)                                                                         \
	}
#define BOOL(truth)                                                                                                            \
	{                                                                                                                      \
		.type = VALUE_BOOL, .boolean = (truth)                                                                         \
	}
/* One of these values at a pointer. */
#define ONE(path, ...) AT(path, .one_of = COUNTED(struct plan_value, __VA_ARGS__))
#define ANY(path, ...) ALL(ONE(path, __VA_ARGS__))
/* Nothing, no member of a list. */
#define NONE(path) AT(path, .exists = BOOL(false))
/* What is said at a pointer; unless it is this. */
#define SAID(path)          AT(path, .exists = BOOL(true))
#define SAID_BUT(path, but) AT(path, .not_equals = but)

static const struct plan_scheme
    rows[PRESETS] =
	{
	    [BINANCE] =
		{
		    /* parameters are in the query, for POST too */
		    .add_query = "timestamp={ms}&recvWindow={recv}",
		    .message = "{query}{body}",
		    .output = ENCODING_HEX,
		    .sign_query = "signature",
		    .headers = HEADERS({"X-MBX-APIKEY", "{key}"}),
		    .body = BODY_NONE,
		    /* of a batch, each order that was refused has a code of its own */
		    .success = ALL(AT("/code", .equals = NUMBER(200), .optional = true),
				   AT("/*/code", .minimum = NUMBER(0), .optional = true)),
		    .verdicts =
			{
			    [VERDICT_NOTHING] = ANY("/code", NUMBER(-2011)),
			    [VERDICT_CLOCK] = ANY("/code", NUMBER(-1021), NUMBER(-5028)),
			    [VERDICT_RATE] = ANY("/code", NUMBER(-1003), NUMBER(-1015), NUMBER(-1034)),
			    [VERDICT_BUSY] = ANY("/code", NUMBER(-1004), NUMBER(-1008)),
			    [VERDICT_UNKNOWN] = ANY("/code", NUMBER(-1000), NUMBER(-1001), NUMBER(-1006), NUMBER(-1007)),
			    [VERDICT_KEY] = ANY("/code", NUMBER(-1022), NUMBER(-2014), NUMBER(-2015)),
			},
		    /* spot and margin, without an open order: 400. Of a single order it means that there is no such order */
		    .nothing_at = ENDS({"/openOrders", NULL}),
		    .reason = ALL(SAID("/code"), SAID("/msg"), AT("/*/code", .maximum = NUMBER(-1)), SAID("/*/msg")),
		    .unclear_5xx = true,
		    .disarms = DISARMS({"/countdownCancelAll", "countdownTime=0"}),
		},
	    [BYBIT] =
		{
		    .message = "{ms}{key}{recv}{query}{body}",
		    .output = ENCODING_HEX,
		    .headers = HEADERS({"X-BAPI-API-KEY", "{key}"}, {"X-BAPI-TIMESTAMP", "{ms}"},
				       {"X-BAPI-RECV-WINDOW", "{recv}"}, {"X-BAPI-SIGN", "{sign}"}),
		    .body = BODY_JSON,
		    .success =
			ALL(AT("/retCode", .equals = NUMBER(0)), AT("/result/success", .equals = TEXT("1"), .optional = true),
			    AT("/retExtInfo/list/*/code", .equals = NUMBER(0), .optional = true)),
		    .verdicts =
			{
			    [VERDICT_NOTHING] = ANY("/retCode", NUMBER(110017)),
			    [VERDICT_CLOCK] = ANY("/retCode", NUMBER(10002)),
			    [VERDICT_RATE] = ANY("/retCode", NUMBER(10006), NUMBER(10018), NUMBER(170222)),
			    [VERDICT_BUSY] = ANY("/retCode", NUMBER(10016)),
			    [VERDICT_UNKNOWN] = ANY("/retCode", NUMBER(5004), NUMBER(10000), NUMBER(170007)),
			    [VERDICT_KEY] = ANY("/retCode", NUMBER(10003), NUMBER(10004), NUMBER(10005), NUMBER(10010)),
			},
		    .reason =
			ALL(SAID_BUT("/retCode", NUMBER(0)), SAID_BUT("/retMsg", TEXT("OK")),
			    SAID_BUT("/retExtInfo/list/*/code", NUMBER(0)), SAID_BUT("/retExtInfo/list/*/msg", TEXT("OK"))),
		},
	    [OKX] =
		{
		    .message = "{iso}{method}{target}{body}",
		    .output = ENCODING_BASE64,
		    .headers = HEADERS({"OK-ACCESS-KEY", "{key}"}, {"OK-ACCESS-SIGN", "{sign}"},
				       {"OK-ACCESS-TIMESTAMP", "{iso}"}, {"OK-ACCESS-PASSPHRASE", "{passphrase}"}),
		    .body = BODY_JSON,
		    .success =
			ALL(AT("/code", .equals = TEXT("0")), AT("/data/*/sCode", .equals = TEXT("0"), .optional = true)),
		    .verdicts =
			{
			    [VERDICT_NOTHING] = ANY("/code", TEXT("51023")),
			    [VERDICT_CLOCK] = ANY("/code", TEXT("50102"), TEXT("50112")),
			    [VERDICT_RATE] = ANY("/code", TEXT("50011"), TEXT("50061")),
			    [VERDICT_BUSY] = ANY("/code", TEXT("50001"), TEXT("50013"), TEXT("50026")),
			    [VERDICT_UNKNOWN] = ANY("/code", TEXT("50004")),
			    [VERDICT_KEY] = ANY("/code", TEXT("50105"), TEXT("50111"), TEXT("50113")),
			},
		    .reason = ALL(SAID_BUT("/code", TEXT("0")), SAID("/msg"), SAID_BUT("/data/*/sCode", TEXT("0")),
				  SAID_BUT("/data/*/sMsg", TEXT(""))),
		    .disarms = DISARMS({"/trade/cancel-all-after", "timeOut=0"}),
		},
	    [BITGET] =
		{
		    .message = "{ms}{method}{rawtarget}{body}",
		    .output = ENCODING_BASE64,
		    .headers = HEADERS({"ACCESS-KEY", "{key}"}, {"ACCESS-SIGN", "{sign}"}, {"ACCESS-TIMESTAMP", "{ms}"},
				       {"ACCESS-PASSPHRASE", "{passphrase}"}),
		    .body = BODY_JSON,
		    .success = ALL(AT("/code", .equals = TEXT("00000")), NONE("/data/failureList/*"), NONE("/data/failure/*")),
		    .verdicts =
			{
			    [VERDICT_NOTHING] = ANY("/code", TEXT("22002")),
			    [VERDICT_CLOCK] = ANY("/code", TEXT("40004"), TEXT("40005"), TEXT("40008")),
			    [VERDICT_RATE] = ANY("/code", TEXT("429"), TEXT("1001")),
			    [VERDICT_BUSY] = ANY("/code", TEXT("40200"), TEXT("40604")),
			    [VERDICT_UNKNOWN] = ANY("/code", TEXT("40010"), TEXT("40015"), TEXT("500")),
			    [VERDICT_KEY] =
				ANY("/code", TEXT("40006"), TEXT("40009"), TEXT("40012"), TEXT("40014"), TEXT("40037")),
			},
		    /* all positions of a product, unless a side is named that may be the wrong one */
		    .nothing_at = ENDS({"/close-positions", "holdSide"}),
		    .reason = ALL(SAID_BUT("/code", TEXT("00000")), SAID_BUT("/msg", TEXT("success")),
				  SAID("/data/failureList/*/errorCode"), SAID("/data/failureList/*/errorMsg")),
		    .disarms = DISARMS({"/countdown-cancel-all", "countdown=0"}),
		},
	    [BINGX] =
		{
		    /* signed decoded, sent encoded */
		    .add_query = "timestamp={ms}",
		    .message = "{rawquery}",
		    .output = ENCODING_HEX,
		    .sign_query = "signature",
		    .headers = HEADERS({"X-BX-APIKEY", "{key}"}),
		    .body = BODY_NONE,
		    .success = ALL(AT("/code", .equals = NUMBER(0)), NONE("/data/failed/*")),
		    .verdicts =
			{
			    [VERDICT_NOTHING] = ANY("/code", NUMBER(80017)),
			    [VERDICT_CLOCK] = ANY("/code", NUMBER(100421)),
			    [VERDICT_RATE] = ANY("/code", NUMBER(100410), NUMBER(429)),
			    [VERDICT_UNKNOWN] = ANY("/code", NUMBER(100500)),
			    [VERDICT_KEY] = ANY("/code", NUMBER(100001), NUMBER(100004), NUMBER(100413), NUMBER(100419)),
			},
		    .nothing_at = ENDS({"/closeAllPositions", NULL}),
		    .reason = ALL(SAID_BUT("/code", NUMBER(0)), SAID("/msg"), SAID("/data/failed/*/errorCode"),
				  SAID("/data/failed/*/errorMessage")),
		    .disarms = DISARMS({"/cancelAllAfter", "type=CLOSE"}),
		},
	    [DELTA] =
		{
		    .message = "{method}{s}{target}{body}",
		    .output = ENCODING_HEX,
		    .headers = HEADERS({"api-key", "{key}"}, {"timestamp", "{s}"}, {"signature", "{sign}"}),
		    .body = BODY_JSON,
		    .success = ALL(AT("/success", .equals = BOOL(true))),
		    .verdicts =
			{
			    [VERDICT_CLOCK] =
				ALL(ONE("/error", TEXT("SignatureExpired")), ONE("/error/code", TEXT("SignatureExpired"))),
			    [VERDICT_KEY] =
				ALL(ONE("/error", TEXT("Signature Mismatch")), ONE("/error/code", TEXT("Signature Mismatch"))),
			    [VERDICT_BUSY] = ANY("/error/code", TEXT("unavailable")),
			},
		    .reason = ALL(SAID("/error"), SAID("/error/code"), SAID("/error/message")),
		    .disarms = DISARMS({"/v2/heartbeat", "ttl=0"}, {"/orders/cancel_after", "cancel_after=0"}),
		},
	    [KRAKEN] =
		{
		    /* no time, only a nonce that rises for ever */
		    .digest = DIGEST_SHA512,
		    .secret = ENCODING_BASE64,
		    .add_body = "nonce={nonce}",
		    .hash = {DIGEST_SHA256, "{nonce}{body}", ENCODING_RAW},
		    .message = "{path}{hash}",
		    .output = ENCODING_BASE64,
		    .headers = HEADERS({"API-Key", "{key}"}, {"API-Sign", "{sign}"}),
		    .body = BODY_FORM,
		    .success = ALL(AT("/error", .empty = BOOL(true)), NONE("/result/orders/*/error")),
		    .verdicts =
			{
			    [VERDICT_NONCE] = ANY("/error/*", TEXT("EAPI:Invalid nonce")),
			    [VERDICT_RATE] =
				ANY("/error/*", TEXT("EAPI:Rate limit exceeded"), TEXT("EOrder:Rate limit exceeded"),
				    TEXT("EGeneral:Too many requests"), TEXT("EGeneral:Temporary lockout")),
			    [VERDICT_BUSY] = ANY("/error/*", TEXT("EService:Unavailable"), TEXT("EService:Busy")),
			    [VERDICT_UNKNOWN] = ANY("/error/*", TEXT("EService:Timeout"), TEXT("EService:Deadline elapsed"),
						    TEXT("EGeneral:Internal error"), TEXT("EDatabase:Internal error")),
			    [VERDICT_KEY] = ANY("/error/*", TEXT("EAPI:Invalid key"), TEXT("EAPI:Invalid signature"),
						TEXT("EGeneral:Permission denied")),
			},
		    .reason = ALL(SAID("/error/*"), SAID("/result/orders/*/error")),
		    .disarms = DISARMS({"/CancelAllOrdersAfter", "timeout=0"}),
		},
	    [KRAKENFUTURES] =
		{
		    /* without the optional nonce, which a bot with the same key would have to exceed */
		    .digest = DIGEST_SHA512,
		    .secret = ENCODING_BASE64,
		    .hash = {DIGEST_SHA256, "{query}{body}{path}", ENCODING_RAW},
		    .message = "{hash}",
		    .output = ENCODING_BASE64,
		    .strip = "/derivatives",
		    .headers = HEADERS({"APIKey", "{key}"}, {"Authent", "{sign}"}),
		    .body = BODY_FORM,
		    .success = ALL(AT("/result", .equals = TEXT("success")),
				   AT("/cancelStatus/status", .optional = true,
				      .one_of = COUNTED(struct plan_value, TEXT("cancelled"), TEXT("noOrdersToCancel"))),
				   AT("/sendStatus/status", .optional = true, .equals = TEXT("placed")),
				   AT("/editStatus/status", .optional = true, .equals = TEXT("edited")),
				   AT("/batchStatus/*/status", .optional = true,
				      .one_of = COUNTED(struct plan_value, TEXT("placed"), TEXT("edited"), TEXT("cancelled")))),
		    .verdicts =
			{
			    [VERDICT_NONCE] = ANY("/error", TEXT("nonceBelowThreshold"), TEXT("nonceDuplicate")),
			    [VERDICT_RATE] = ANY("/error", TEXT("apiLimitExceeded")),
			    [VERDICT_BUSY] = ANY("/error", TEXT("unavailable"), TEXT("Unavailable")),
			    [VERDICT_UNKNOWN] = ANY("/error", TEXT("Server Error")),
			    [VERDICT_KEY] = ANY("/error", TEXT("authenticationError")),
			},
		    .reason = ALL(SAID("/error"), SAID("/cancelStatus/status"), SAID("/sendStatus/status"),
				  SAID("/editStatus/status"), SAID("/batchStatus/*/status")),
		    .disarms = DISARMS({"/cancelallordersafter", "timeout=0"}),
		},
	    [GATE] =
		{
		    .digest = DIGEST_SHA512,
		    .hash = {DIGEST_SHA512, "{body}", ENCODING_HEX},
		    .message = "{method}\n{path}\n{rawquery}\n{hash}\n{s}",
		    .output = ENCODING_HEX,
		    .headers = HEADERS({"KEY", "{key}"}, {"Timestamp", "{s}"}, {"SIGN", "{sign}"}),
		    .body = BODY_JSON,
		    /* an empty answer is none */
		    .success = ALL(SAID(""), NONE("/label"), AT("/*/succeeded", .optional = true, .equals = BOOL(true))),
		    .verdicts =
			{
			    [VERDICT_NOTHING] = ANY("/label", TEXT("POSITION_EMPTY")),
			    [VERDICT_CLOCK] = ANY("/label", TEXT("REQUEST_EXPIRED")),
			    [VERDICT_RATE] = ANY("/label", TEXT("TOO_MANY_REQUESTS"), TEXT("TOO_FAST")),
			    [VERDICT_BUSY] = ANY("/label", TEXT("TOO_BUSY")),
			    [VERDICT_UNKNOWN] = ANY("/label", TEXT("INTERNAL"), TEXT("SERVER_ERROR")),
			    [VERDICT_KEY] = ANY("/label", TEXT("INVALID_KEY"), TEXT("INVALID_SIGNATURE")),
			},
		    .reason = ALL(SAID("/label"), SAID("/message"), SAID_BUT("/*/label", TEXT("")),
				  SAID_BUT("/*/message", TEXT("")), SAID_BUT("/*/detail", TEXT(""))),
		    .disarms = DISARMS({"/countdown_cancel_all", "timeout=0"}),
		},
	    [KUCOIN] =
		{
		    .message = "{ms}{method}{target}{body}",
		    .output = ENCODING_BASE64,
		    .headers = HEADERS({"KC-API-KEY", "{key}"}, {"KC-API-SIGN", "{sign}"}, {"KC-API-TIMESTAMP", "{ms}"},
				       {"KC-API-PASSPHRASE", "{sealed}"}, {"KC-API-KEY-VERSION", "2"}),
		    .body = BODY_JSON,
		    .success = ALL(AT("/code", .equals = TEXT("200000")), NONE("/data/failedSymbols/*"),
				   NONE("/data/cancelFailedOrders/*"), NONE("/data/cancelFailedOrderIds/*"),
				   AT("/data/*/success", .optional = true, .equals = BOOL(true)),
				   AT("/data/*/code", .optional = true, .equals = TEXT("200000"))),
		    .verdicts =
			{
			    [VERDICT_NOTHING] = ANY("/code", TEXT("300009")),
			    [VERDICT_CLOCK] = ANY("/code", TEXT("400002")),
			    [VERDICT_RATE] = ANY("/code", TEXT("429000"), TEXT("1015")),
			    [VERDICT_UNKNOWN] = ANY("/code", TEXT("500000")),
			    [VERDICT_KEY] = ANY("/code", TEXT("400003"), TEXT("400004"), TEXT("400005"), TEXT("400006")),
			},
		    .reason = ALL(SAID_BUT("/code", TEXT("200000")), SAID("/msg"), SAID("/data/failedSymbols/*/error"),
				  SAID_BUT("/data/*/code", TEXT("200000")), SAID("/data/*/msg"), SAID("/data/*/failMsg")),
		    .disarms = DISARMS({"/dead-cancel-all", "timeout=-1"}, {"/dcp/set", "timeout=-1"}),
		},
	    [DERIBIT] =
		{
		    .message = "{ms}\n{nonce}\n{method}\n{target}\n{body}\n",
		    .output = ENCODING_HEX,
		    .headers = HEADERS({"Authorization", "deri-hmac-sha256 id={key},ts={ms},nonce={nonce},sig={sign}"}),
		    .body = BODY_JSON,
		    .success = ALL(SAID("/result"), NONE("/error"),
				   AT("/result/order/order_state", .optional = true, .not_equals = TEXT("rejected"))),
		    .verdicts =
			{
			    [VERDICT_RATE] = ANY("/error/code", NUMBER(10028), NUMBER(10047)),
			    [VERDICT_BUSY] = ANY("/error/code", NUMBER(10040), NUMBER(10041), NUMBER(11051), NUMBER(13028)),
			    [VERDICT_UNKNOWN] = ANY("/error/code", NUMBER(13888)),
			    /* of the clock, too */
			    [VERDICT_KEY] = ANY("/error/code", NUMBER(13004), NUMBER(13009)),
			},
		    .reason = ALL(SAID("/error/code"), SAID("/error/message"), SAID("/error/data/reason"),
				  SAID("/result/order/order_state")),
		},
};

const struct plan_scheme *scheme_of(unsigned preset)
{
	return &rows[preset];
}
