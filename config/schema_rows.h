/* Macros for the schema's tables. For the schema's files only. */
#ifndef TINYSUP_CONFIG_SCHEMA_ROWS_H
#define TINYSUP_CONFIG_SCHEMA_ROWS_H

#include "config/rules.h"
#include "config/schema.h"

/* What every row has, then what only some have. */
#define KEY(field, kind, default_, help_, ...)                                                                                 \
	{                                                                                                                      \
		.name = #field, .type = KEY_##kind, .offset = offsetof(OF, field), .fallback = default_, .help = help_,        \
		__VA_ARGS__                                                                                                    \
	}
/* A row whose name is not its field's. */
#define ROW(name_, field, kind, default_, help_, ...)                                                                          \
	{                                                                                                                      \
		.name = name_, .type = KEY_##kind, .offset = offsetof(OF, field), .fallback = default_, .help = help_,         \
		__VA_ARGS__                                                                                                    \
	}
#define END                                                                                                                    \
	{                                                                                                                      \
		.name = NULL                                                                                                   \
	}
#define SCHEMA(title, keys_, line, ...)                                                                                        \
	{                                                                                                                      \
		.name = title, .size = sizeof(OF), .line_offset = line, .keys = keys_, __VA_ARGS__                             \
	}
#define SECONDS(low, high) .min = INT64_C(1000) * (low), .max = INT64_C(1000) * (high)
#define ANY_TIME           SECONDS(0, 86400)

/* The parts that more than one file's tables name. */
extern const struct schema schema_tls, schema_http, schema_tcp, schema_json, schema_signer, schema_heartbeat;

#endif
