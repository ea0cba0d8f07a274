#include "config/schema_rows.h"

#define OF struct plan_heartbeat
static const struct key disarm_keys[] = {
    ROW("exec", disarm.exec, EXEC, NULL, "run a program; exit code 0 means success"),
    ROW("http", disarm.http, GROUP, NULL, "send an HTTP request", .group = &schema_http, .flags = KEY_OPTIONAL),
    ROW("tcp", disarm.tcp, GROUP, NULL, "connect, send and expect bytes", .group = &schema_tcp, .flags = KEY_OPTIONAL),
    ROW("timeout", disarm.timeout, DURATION, "5s", "timeout", .min = 1, .max = 600000),
    END,
};
static const struct schema schema_disarm = {.name = "disarm", .size = 0, .line_offset = -1, .keys = disarm_keys};

static const struct key heartbeat_keys[] = {
    ROW("name", beat.name, STRING, NULL, "name of the heartbeat in logs", .flags = KEY_REQUIRED),
    ROW("exec", beat.exec, EXEC, NULL, "run a program; exit code 0 means success"),
    ROW("http", beat.http, GROUP, NULL, "send an HTTP request", .group = &schema_http, .flags = KEY_OPTIONAL),
    ROW("tcp", beat.tcp, GROUP, NULL, "connect, send and expect bytes", .group = &schema_tcp, .flags = KEY_OPTIONAL),
    KEY(period, DURATION, NULL, "interval between the beginnings of two beats", .min = 100, .max = 86400000,
	.flags = KEY_REQUIRED),
    ROW("timeout", beat.timeout, DURATION, NULL,
	"timeout of a beat, at most `period`; default: 5s, or `period` if that is less", .min = 1, .max = 600000),
    ROW("while", gate, CHOICE, "ready",
	"send it while the app is ready, or live, or from the first arming or start to the end of the shutdown's chain "
	"(running)",
	.choices = &names_while),
    KEY(start, BOOL, "false", "recovery, start.chain and the app wait until it has succeeded"),
    KEY(failure_threshold, INT, "3", "it is lost after so many beats in a row that did not succeed", .min = 1, .max = 1000),
    KEY(on_failure, CHOICE, "none", "when it is lost: only log it, send an alert, or shut down",
	.choices = &names_beat_failures),
    {.name = "disarm",
     .type = KEY_GROUP,
     .group = &schema_disarm,
     .flags = KEY_OPTIONAL,
     .help = "sent at the end of a shutdown whose required steps have all succeeded"},
    ROW("user", beat.user, USER, NULL, "user or uid, optionally with :group; default: app.user"),
    ROW("environment", beat.environment, PAIRS, NULL, "environment variables for its programs"),
    END,
};
const struct schema schema_heartbeat = SCHEMA("heartbeat", heartbeat_keys, -1, .rule = NULL);
#undef OF
