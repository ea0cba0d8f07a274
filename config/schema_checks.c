/* The schema of what can be asked: http and its parts, and the checks. */
#include "config/schema_rows.h"

/* --- http and its parts ---------------------------------------------------------------------------------------------- */

#define OF struct plan_tls
static const struct key tls_keys[] = {
    KEY(verify, BOOL, "true", "check the server's certificate and name"),
    KEY(ca, STRING, NULL, "PEM file of the certificate authorities; default: SSL_CERT_FILE, SSL_CERT_DIR, the image's own"),
    KEY(cert, STRING, NULL, "PEM file of the client's certificate"),
    KEY(key, STRING, NULL, "PEM file of the client's key"),
    KEY(server_name, STRING, NULL, "name to verify and to send (SNI), where it is not the URL's host"),
    END,
};
const struct schema schema_tls = SCHEMA("tls", tls_keys, -1, .rule = rule_tls);
#undef OF

#define OF struct plan_json
static const struct key json_keys[] = {
    KEY(pointer, STRING, NULL, "where to look, an RFC 6901 pointer such as \"/status\"", .flags = KEY_REQUIRED),
    KEY(equals, VALUE, NULL, "the value there is this string, number or boolean"),
    KEY(not_equals, VALUE, NULL, "the value there is anything else"),
    KEY(one_of, VALUES, NULL, "the value there is one of these"),
    KEY(exists, VALUE, NULL, "true: the pointer leads somewhere; false: it does not"),
    KEY(minimum, VALUE, NULL, "the number there is at least this"),
    KEY(maximum, VALUE, NULL, "the number there is at most this"),
    KEY(all_true, VALUE, NULL, "true: every member of the array or object there is true"),
    KEY(age_below, DURATION, NULL, "the Unix time or RFC 3339 timestamp there is younger than this", ANY_TIME),
    END,
};
static const struct schema schema_json = SCHEMA("json", json_keys, -1, .rule = rule_json);
#undef OF

#define OF struct plan_http
static const struct key http_keys[] = {
    KEY(url, TEXT, NULL, "http:// or https://", .flags = KEY_REQUIRED),
    KEY(unix_socket, STRING, NULL, "connect to this Unix socket instead of the URL's host"),
    KEY(method, STRING, NULL, "default: GET, or POST where there is a body"),
    KEY(headers, HEADERS, NULL, "request headers; an empty value removes a default one"),
    KEY(body, STRING, NULL, "request body"),
    KEY(basic_user, STRING, NULL, "user of HTTP basic authentication"),
    KEY(basic_password, STRING, NULL, "its password"),
    KEY(bearer, STRING, NULL, "bearer token"),
    KEY(status, RANGES, "200-399", "statuses that are a success, such as \"200-299,304\""),
    KEY(contains, STRING, NULL, "text that must be in the body"),
    KEY(matches, STRING, NULL, "POSIX extended regular expression that must match the body"),
    KEY(redirects, INT, "10", "redirects to follow, on the same host only", .min = 0, .max = 10),
    KEY(max_body, SIZE, "10240", "bytes of the body that are read; the rest is ignored", .min = 0, .max = INT64_C(10) << 20),
    KEY(slower_than, DURATION, NULL, "an answer that takes longer than this fails", ANY_TIME),
    KEY(tls, GROUP, NULL, "TLS", .group = &schema_tls),
    KEY(json, LIST, NULL, "assertions on a JSON body; all must hold", .group = &schema_json),
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
    KEY(expect, STRING, NULL, "bytes that must come back"),
    END,
};
static const struct schema schema_tcp = SCHEMA("tcp", tcp_keys, -1, .rule = NULL);
#undef OF

#define OF struct plan_file
static const struct key file_keys[] = {
    KEY(path, STRING, NULL, "the file that must exist", .flags = KEY_REQUIRED),
    KEY(max_age, DURATION, NULL, "and must have been written within this time", ANY_TIME),
    END,
};
static const struct schema schema_file = SCHEMA("file", file_keys, -1, .rule = NULL);
#undef OF

#define OF struct plan_grpc
static const struct key grpc_keys[] = {
    KEY(address, STRING, NULL, "\"host:port\", \"[IPv6]:port\" or \"unix:/path\"", .flags = KEY_REQUIRED),
    KEY(service, STRING, "", "service name of grpc.health.v1; empty: the server as a whole"),
    KEY(tls, GROUP, NULL, "TLS; without this group, even an empty one, there is none", .group = &schema_tls),
    END,
};
static const struct schema schema_grpc = SCHEMA("grpc", grpc_keys, -1, .rule = rule_grpc);
#undef OF

#define OF struct plan_notify
static const struct key notify_keys[] = {
    KEY(max_age, DURATION, NULL, "the app's last WATCHDOG=1 must have come within this time", .min = 1, .max = 86400000,
	.flags = KEY_REQUIRED),
    END,
};
static const struct schema schema_notify = SCHEMA("notify", notify_keys, -1, .rule = NULL);
#undef OF

#define OF struct plan_process
static const struct key process_keys[] = {
    KEY(max_rss, SIZE, "0", "resident bytes that the app may have; 0: any", .min = 0, .max = INT64_MAX),
    KEY(max_fds, INT, "0", "descriptors that it may have open; 0: any", .min = 0, .max = INT32_MAX),
    END,
};
static const struct schema schema_process = SCHEMA("process", process_keys, -1, .rule = NULL);
#undef OF

#define OF struct plan_check
static const struct key check_keys[] = {
    KEY(name, STRING, NULL, "how probes and messages call it", .flags = KEY_REQUIRED),
    KEY(http, GROUP, NULL, "an HTTP request", .group = &schema_http, .flags = KEY_OPTIONAL),
    KEY(tcp, GROUP, NULL, "a TCP connection", .group = &schema_tcp, .flags = KEY_OPTIONAL),
    KEY(grpc, GROUP, NULL, "a call of grpc.health.v1; SERVING is healthy", .group = &schema_grpc, .flags = KEY_OPTIONAL),
    KEY(exec, EXEC, NULL, "a program; exit code 0 is healthy"),
    KEY(file, GROUP, NULL, "a file's presence and age", .group = &schema_file, .flags = KEY_OPTIONAL),
    KEY(notify, GROUP, NULL, "the app's own sign of life, WATCHDOG=1 (wants app.notify)", .group = &schema_notify,
	.flags = KEY_OPTIONAL),
    KEY(process, GROUP, NULL, "the app's process is there, with no more than this", .group = &schema_process,
	.flags = KEY_OPTIONAL),
    KEY(timeout, DURATION, NULL, "the whole check, name look-up and redirects included; default: the probe's, 1s without one",
	.min = 1, .max = 240000),
    KEY(soft, BOOL, "false", "reported, but never decides"),
    END,
};
const struct schema schema_check = SCHEMA("check", check_keys, offsetof(OF, line), .rule = rule_check);
#undef OF
