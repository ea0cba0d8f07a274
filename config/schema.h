/* The schema of the configuration: parsing, validation, defaults and the reference in tinysup.conf(5) come from its tables. */
#ifndef TINYSUP_CONFIG_SCHEMA_H
#define TINYSUP_CONFIG_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#include "config/names.h"
#include "config/plan.h"

enum key_type {
	KEY_BOOL,
	KEY_INT,      /* int, within min..max */
	KEY_SIZE,     /* int64_t bytes, within min..max */
	KEY_DURATION, /* msec_t, within min..max; MSEC_UNSET without a default */
	KEY_STRING,   /* const char *, NULL without a default */
	KEY_TEXT,     /* struct plan_text: shown unexpanded by --check */
	KEY_WORDING,  /* const char *, an alert's text: its variables are filled in when it is sent */
	KEY_CHOICE,   /* an enum: its word in `choices` */
	KEY_CHOICES,  /* unsigned, a mask of 1 << index */
	KEY_SIGNAL,   /* int */
	KEY_SIGNALS,  /* uint64_t, bit n-1 for signal n */
	KEY_UMASK,    /* int, an octal string; -1 without a default */
	KEY_USER,     /* struct plan_user */
	KEY_PAIRS,    /* struct plan_pairs: a group of NAME = "value" */
	KEY_HEADERS,  /* struct plan_pairs: the same, or an array of "Name: value" where one comes twice */
	KEY_EXEC,     /* struct plan_exec */
	KEY_NAMES,    /* struct plan_names */
	KEY_RANGES,   /* struct plan_ranges: "200-299,304" */
	KEY_CODES,    /* uint64_t[4], a bit for each exit code */
	KEY_VALUE,    /* struct plan_value */
	KEY_VALUES,   /* struct plan_values */
	KEY_REWRITE,  /* uint8_t[65] */
	KEY_GROUP,    /* a struct of its own at the offset */
	KEY_LIST,     /* a pointer and a count: a list of groups */
	KEY_MAP,      /* the same from a group of named groups; the first member of the struct is its name */
	KEY_CHAIN,    /* read by config/read_chain.c */
	KEY_CHECKS,   /* read by config/read_probes.c */
};

enum {
	KEY_REQUIRED = 1 << 0, /* required if its group is set */
	KEY_OPTIONAL = 1 << 1, /* KEY_GROUP: zeroed if not set */
	KEY_AUTO = 1 << 2,     /* KEY_DURATION: may be "auto" */
};

struct schema;

struct key {
	const char *name;
	enum key_type type;
	size_t offset;
	const char *fallback; /* the default as text; NULL: none */
	int64_t min, max;     /* milliseconds for durations */
	const struct names *choices;
	const struct schema *group;
	unsigned flags;
	const char *help;
};

struct reader;
struct config_setting_t;

/* A rule that tables cannot express: exactly one of several settings, the form of an address, an existing file. */
typedef void schema_rule(struct reader *reader, struct config_setting_t *group, void *out, const char *path);

struct schema {
	const char *name;       /* how the manual calls it */
	size_t size;            /* of the struct it fills */
	int line_offset;        /* offset of an int for the line; -1: none */
	const struct key *keys; /* ends with name == NULL */
	schema_rule *rule;      /* runs once the group is read; NULL: none */
};

/* A step as written, before alerts and parallel groups are expanded. */
struct step_text {
	struct plan_step step;
	struct plan_names alert;
	struct plan_names each;
	struct {
		int signal;
		msec_t timeout;
	} stop;
	struct {
		struct plan_exec exec;
		struct plan_http http;
		struct plan_tcp tcp;
		msec_t period, timeout;
	} wait;
	msec_t sleep;
	int signal;
};

extern const struct schema schema_root;  /* fills a struct plan */
extern const struct schema schema_step;  /* fills a struct step_text */
extern const struct schema schema_check; /* fills a struct plan_check */

#endif
