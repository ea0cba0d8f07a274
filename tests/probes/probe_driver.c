/*
 * Runs one function of probes/ or hooks/ as a worker would, told by words, and prints the result as one JSON object.
 *
 *   probe_driver http URL [KEY=VALUE...]      timeout= method= body= header=Name:value user= password= bearer= status=LOW-HIGH
 *                                             contains= matches= redirects= max_body= slower_than= unix_socket= key= verify=no
 *                                             ca= cert= certkey= server_name= json=POINTER (equals "ok")
 *   probe_driver tcp HOST PORT TIMEOUT [SEND [EXPECT]]
 *   probe_driver exec TIMEOUT PROGRAM [ARG...]
 *   probe_driver file PATH [MAX_AGE]
 *   probe_driver alert TYPE URL TIMEOUT [SETTING=VALUE ...]
 *   probe_driver probe TARGET TIMEOUT text|json [CHECK...]    a URL, or checks: NAME=exec:PROGRAM, NAME=file:PATH,
 * NAME=tcp:HOST, NAME=none; a NAME that begins with ~ is soft; TARGET "-" is none
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/names.h"
#include "hooks/alert.h"
#include "probes/check.h"
#include "probes/http.h"
#include "probes/probe.h"
#include "probes/text.h"

#define LIST_MAX 32

static int print(const struct check_result *result)
{
	json_t *root = json_pack("{s:i, s:s, s:i, s:b, s:I, s:I, s:o}", "outcome", (int)result->outcome, "class",
				 failure_name(result->failure), "status", result->status, "sent", result->sent, "retry_after",
				 (json_int_t)result->retry_after, "took_us", (json_int_t)result->took_us, "message",
				 text_json(result->message));

	json_dumpf(root, stdout, JSON_COMPACT);
	json_decref(root);
	return 0;
}

/* The value of "KEY=VALUE" where word has that key; else NULL. */
static char *value_of(char *word, const char *key)
{
	size_t length = strlen(key);

	return strncmp(word, key, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

/* Ends text at the first `separator`; what comes after it, "" where there is none. */
static char *split(char *text, const char *separator)
{
	char *rest = text + strcspn(text, separator);

	if (*rest)
		*rest++ = '\0';
	return rest;
}

static int run_http(char **words)
{
	struct plan_pair headers[LIST_MAX];
	struct plan_range status = {200, 399};
	struct plan_json asserted[LIST_MAX];
	struct plan_http http = {
	    .url = {.value = words[0]},
	    .headers = {.items = headers},
	    .status = {.items = &status, .count = 1},
	    .redirects = 10,
	    .max_body = 10240,
	    .slower_than = MSEC_UNSET,
	    .tls = {.verify = true},
	    .json = {.items = asserted},
	};
	struct check_result result;
	const char *key = NULL;
	msec_t timeout = 2000;

	for (char *value; *++words;) {
		const struct {
			const char *name;
			const char **field;
		} strings[] = {
		    {"method", &http.method},
		    {"body", &http.body},
		    {"user", &http.basic_user},
		    {"bearer", &http.bearer},
		    {"contains", &http.contains},
		    {"password", &http.basic_password},
		    {"matches", &http.matches},
		    {"key", &key},
		    {"unix_socket", &http.unix_socket},
		    {"ca", &http.tls.ca},
		    {"cert", &http.tls.cert},
		    {"certkey", &http.tls.key},
		    {"server_name", &http.tls.server_name},
		};
		for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
			if ((value = value_of(*words, strings[i].name)))
				*strings[i].field = value;
		}
		if ((value = value_of(*words, "header")) && http.headers.count < LIST_MAX)
			headers[http.headers.count++] = (struct plan_pair){.value = split(value, ":"), .name = value};
		else if ((value = value_of(*words, "json")) && http.json.count < LIST_MAX)
			asserted[http.json.count++] = (struct plan_json){
			    .pointer = value, .equals = {.type = VALUE_STRING, .string = "ok"}, .age_below = MSEC_UNSET};
		else if ((value = value_of(*words, "status")))
			sscanf(value, "%d-%d", &status.low, &status.high);
		else if ((value = value_of(*words, "timeout")))
			timeout = atoi(value);
		else if ((value = value_of(*words, "redirects")))
			http.redirects = atoi(value);
		else if ((value = value_of(*words, "max_body")))
			http.max_body = atoi(value);
		else if ((value = value_of(*words, "slower_than")))
			http.slower_than = atoi(value);
		else if (value_of(*words, "verify"))
			http.tls.verify = false;
	}
	http_run(&http, key, timeout, &result);
	return print(&result);
}

static int run_check(struct plan_check check, msec_t timeout)
{
	struct check_result result;

	check_run(&check, 0, timeout, &result);
	return print(&result);
}

/* words: settings of the channel, and what the report says. */
static int run_alert(const char *type, const char *url, msec_t timeout, char **words)
{
	const char *recipients[LIST_MAX];
	struct plan_alert alert = {
	    .name = "alert",
	    .type = (enum alert_type)name_find(&names_alert_types, type),
	    .url = {.value = url},
	    .to = {.items = recipients},
	    .starttls = true,
	    .tls = {.verify = true},
	};
	struct plan_wording own = {.text = NULL};
	struct report report = {
	    .event = "shutdown",
	    .app = "paper-bot <&> \xff",
	    .host = "host-1",
	    .instance = "slot-1",
	    .reason = "stop",
	    .signal = "SIGTERM",
	    .shutdown_id = "0123456789abcdef0123456789abcdef",
	    .app_state = "running",
	    .notice = "",
	    .detail = "",
	    .tail = "",
	    .exit_code = -1,
	    .elapsed = 1234,
	    .deadline = 28000,
	    .step_count = 4,
	    .steps = {{"cancel", "ok", 200, "", 1, 1},
		      {"close", "failed", 3000, "status 503", 3, 3},
		      {"tell", "running", 0, "", 1, 1},
		      {"save", "pending", 0, "", 0, 1}},
	};
	struct {
		const char *name;
		const char **to;
	} const strings[] = {
	    {"token", &alert.token},       {"chat_id", &alert.chat_id}, {"routing_key", &alert.routing_key},
	    {"topic", &alert.topic},       {"from", &alert.from},       {"user", &alert.user},
	    {"password", &alert.password}, {"ca", &alert.tls.ca},       {"text", &own.text},
	    {"app", &report.app},          {"host", &report.host},      {"reason", &report.reason},
	    {"why", &report.steps[1].why}, {"tail", &report.tail},
	};
	struct check_result result;

	for (; *words != NULL; words++) {
		const char *value;
		for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
			if ((value = value_of(*words, strings[i].name)))
				*strings[i].to = value;
		if ((value = value_of(*words, "to")) && alert.to.count < LIST_MAX)
			recipients[alert.to.count++] = value;
		if ((value = value_of(*words, "level")))
			own.level = (enum alert_level)name_find(&names_alert_levels, value);
		if (value_of(*words, "plain"))
			alert.starttls = false;
	}
	alert_send(&alert, &own, &report, timeout, &result);
	return print(&result);
}

/* argv is where an exec check keeps its words. */
static struct plan_check read_check(char *word, char **argv)
{
	struct plan_check check = {.timeout = 300, .soft = *word == '~'};
	char *kind = split(word, "="), *value = split(kind, ":");

	check.name = word + check.soft;
	if (strcmp(kind, "exec") == 0) {
		argv[0] = value;
		check.exec.argv = argv;
		check.kind = CHECK_EXEC;
	} else if (strcmp(kind, "file") == 0) {
		check.file = (struct plan_file){.path = value, .max_age = MSEC_UNSET};
		check.kind = CHECK_FILE;
	} else if (strcmp(kind, "tcp") == 0) {
		check.tcp = (struct plan_tcp){.host = value, .port = 80};
		check.kind = CHECK_TCP;
	}
	return check;
}

static int run_probe(char **words)
{
	struct plan_check checks[LIST_MAX];
	char *argvs[LIST_MAX][2] = {{NULL}};
	struct plan plan = {.checks = {.items = checks}};
	const struct probe_options options = {
	    .target = strcmp(words[0], "-") == 0 ? NULL : words[0],
	    .timeout = atoi(words[1]),
	    .json = strcmp(words[2], "json") == 0,
	};

	if (options.target && probe_is_url(options.target))
		return probe_url(&options);
	for (size_t i = 0; words[i + 3] && i < LIST_MAX; i++, plan.checks.count++)
		checks[i] = read_check(words[i + 3], argvs[i]);
	return probe_checks(&plan, &options);
}

int main(int argc, char **argv)
{
	if (argc >= 3 && strcmp(argv[1], "http") == 0)
		return run_http(argv + 2);
	if (argc >= 5 && strcmp(argv[1], "tcp") == 0)
		return run_check((struct plan_check){.kind = CHECK_TCP,
						     .tcp = {.host = argv[2],
							     .port = atoi(argv[3]),
							     .send = argc > 5 ? argv[5] : NULL,
							     .expect = argc > 6 ? argv[6] : NULL}},
				 atoi(argv[4]));
	if (argc >= 4 && strcmp(argv[1], "exec") == 0)
		return run_check((struct plan_check){.kind = CHECK_EXEC, .exec = {.argv = argv + 3}}, atoi(argv[2]));
	if (argc >= 3 && strcmp(argv[1], "file") == 0)
		return run_check(
		    (struct plan_check){.kind = CHECK_FILE,
					.file = {.path = argv[2], .max_age = argc > 3 ? atoi(argv[3]) : MSEC_UNSET}},
		    1000);
	if (argc >= 5 && strcmp(argv[1], "alert") == 0)
		return run_alert(argv[2], argv[3], atoi(argv[4]), argv + 5);
	if (argc >= 5 && strcmp(argv[1], "probe") == 0)
		return run_probe(argv + 2);
	fputs("see the top of tests/probes/probe_driver.c\n", stderr);
	return 64;
}
