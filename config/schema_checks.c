/* Schema of http, its parts and the checks. */
#include "config/schema_rows.h"

/* --- http and its parts ---------------------------------------------------------------------------------------------- */

#define OF struct plan_tls
static const struct key tls_keys[] = {
    KEY(verify, BOOL, "true", "verify the certificate and name of the server"),
    KEY(ca, STRING, NULL, "PEM file with CA certificates; default: $SSL_CERT_FILE, $SSL_CERT_DIR, then those of the image"),
    KEY(cert, STRING, NULL, "PEM file with the client certificate"),
    KEY(key, STRING, NULL, "PEM file with the client key"),
    KEY(server_name, STRING, NULL, "name to verify and to send (SNI); default: the host of the URL"),
    END,
};
const struct schema schema_tls = SCHEMA("tls", tls_keys, -1, .rule = rule_tls);
#undef OF

#define OF struct plan_json
static const struct key json_keys[] = {
    KEY(pointer, STRING, NULL,
	"JSON pointer (RFC 6901) to the value, such as \"/status\"; `*` is every member: see JSON ASSERTIONS",
	.flags = KEY_REQUIRED),
    KEY(equals, VALUE, NULL, "the value equals this string, number or boolean"),
    KEY(not_equals, VALUE, NULL, "the value differs from this one"),
    KEY(one_of, VALUES, NULL, "the value is one of these"),
    KEY(exists, VALUE, NULL, "true: the value exists; false: it does not"),
    KEY(empty, VALUE, NULL, "true: an array or object without members; false: one with members"),
    KEY(minimum, VALUE, NULL, "the number is at least this"),
    KEY(maximum, VALUE, NULL, "the number is at most this"),
    KEY(all_true, VALUE, NULL, "true: all members of the array or object are true; false: not all are"),
    KEY(age_below, DURATION, NULL, "the timestamp (Unix time or RFC 3339) is younger than this", ANY_TIME),
    KEY(optional, BOOL, "false", "a value that does not exist is fine, too"),
    END,
};
const struct schema schema_json = SCHEMA("json", json_keys, -1, .rule = rule_json);
#undef OF

#define OF struct plan_http
static const struct key http_keys[] = {
    KEY(url, TEXT, NULL, "URL, http:// or https://", .flags = KEY_REQUIRED),
    KEY(unix_socket, STRING, NULL, "connect to this Unix socket instead of the URL's host"),
    KEY(method, STRING, NULL, "request method; default: GET, or POST if there is a body"),
    KEY(headers, HEADERS, NULL, "request headers; an empty value removes a default header"),
    KEY(body, STRING, NULL, "request body"),
    KEY(basic_user, STRING, NULL, "user name for basic authentication"),
    KEY(basic_password, STRING, NULL, "password for basic authentication"),
    KEY(bearer, STRING, NULL, "bearer token"),
    KEY(status, RANGES, "200-399", "status codes that mean success, such as \"200-299,304\""),
    KEY(contains, STRING, NULL, "text that the body must contain"),
    KEY(matches, STRING, NULL, "POSIX extended regular expression that the body must match"),
    KEY(redirects, INT, "10", "maximum number of redirects to follow, on the same host only", .min = 0, .max = 10),
    KEY(max_body, SIZE, "10240", "maximum number of bytes of the body to read; the rest is ignored", .min = 0,
	.max = INT64_C(10) << 20),
    KEY(slower_than, DURATION, NULL, "fail if the response takes longer than this", ANY_TIME),
    KEY(tls, GROUP, NULL, "TLS settings", .group = &schema_tls),
    KEY(json, LIST, NULL, "assertions on the JSON body; all must hold", .group = &schema_json),
    KEY(sign, STRING, NULL, "sign the request: a name under `signers`; see SIGNED REQUESTS"),
    END,
};
const struct schema schema_http = SCHEMA("http", http_keys, -1, .rule = rule_http);
#undef OF

/* --- checks ------------------------------------------------------------------------------------------------------------ */

#define OF struct plan_tcp
static const struct key tcp_keys[] = {
    KEY(host, STRING, "127.0.0.1", "host name or address"),
    KEY(port, INT, NULL, "port", .min = 1, .max = 65535, .flags = KEY_REQUIRED),
    KEY(send, STRING, NULL, "bytes to send once connected"),
    KEY(expect, STRING, NULL, "bytes that the response must contain"),
    END,
};
const struct schema schema_tcp = SCHEMA("tcp", tcp_keys, -1, .rule = NULL);
#undef OF

#define OF struct plan_file
static const struct key file_keys[] = {
    KEY(path, STRING, NULL, "file that must exist", .flags = KEY_REQUIRED),
    KEY(max_age, DURATION, NULL, "maximum age of its last modification", ANY_TIME),
    END,
};
static const struct schema schema_file = SCHEMA("file", file_keys, -1, .rule = NULL);
#undef OF

#define OF struct plan_grpc
static const struct key grpc_keys[] = {
    KEY(address, STRING, NULL, "\"host:port\", \"[IPv6]:port\" or \"unix:/path\"", .flags = KEY_REQUIRED),
    KEY(service, STRING, "", "service name; empty: the server as a whole"),
    KEY(tls, GROUP, NULL, "TLS settings; without this group (an empty one is enough) the connection is not encrypted",
	.group = &schema_tls),
    END,
};
static const struct schema schema_grpc = SCHEMA("grpc", grpc_keys, -1, .rule = rule_grpc);
#undef OF

#define OF struct plan_notify
static const struct key notify_keys[] = {
    KEY(max_age, DURATION, NULL, "maximum age of the last WATCHDOG=1", .min = 1, .max = 86400000, .flags = KEY_REQUIRED),
    END,
};
static const struct schema schema_notify = SCHEMA("notify", notify_keys, -1, .rule = NULL);
#undef OF

#define OF struct plan_process
static const struct key process_keys[] = {
    KEY(max_rss, SIZE, "0", "maximum resident memory in bytes; 0: unlimited", .min = 0, .max = INT64_MAX),
    KEY(max_fds, INT, "0", "maximum number of open descriptors; 0: unlimited", .min = 0, .max = INT32_MAX),
    END,
};
static const struct schema schema_process = SCHEMA("process", process_keys, -1, .rule = NULL);
#undef OF

#define OF struct plan_check
static const struct key check_keys[] = {
    KEY(name, STRING, NULL, "name of the check in probes and messages", .flags = KEY_REQUIRED),
    KEY(http, GROUP, NULL, "an HTTP request", .group = &schema_http, .flags = KEY_OPTIONAL),
    KEY(tcp, GROUP, NULL, "a TCP connection", .group = &schema_tcp, .flags = KEY_OPTIONAL),
    KEY(grpc, GROUP, NULL, "a grpc.health.v1 request; SERVING means healthy", .group = &schema_grpc, .flags = KEY_OPTIONAL),
    KEY(exec, EXEC, NULL, "a program; exit code 0 means healthy"),
    KEY(file, GROUP, NULL, "existence and age of a file", .group = &schema_file, .flags = KEY_OPTIONAL),
    KEY(notify, GROUP, NULL, "age of the app's last WATCHDOG=1; requires app.notify", .group = &schema_notify,
	.flags = KEY_OPTIONAL),
    KEY(process, GROUP, NULL, "the app is running, within these limits", .group = &schema_process, .flags = KEY_OPTIONAL),
    KEY(timeout, DURATION, NULL,
	"timeout of the whole check, name resolution and redirects included; default: that of the probe, or 1s", .min = 1,
	.max = 240000),
    KEY(soft, BOOL, "false", "report the result without affecting the verdict"),
    END,
};
const struct schema schema_check = SCHEMA("check", check_keys, offsetof(OF, line), .rule = rule_check);
#undef OF
