/*
 * Fills the plan's structs from a libconfig tree, as the schema's table says.
 */
#ifndef TINYSUP_CONFIG_READ_H
#define TINYSUP_CONFIG_READ_H

#include <libconfig.h>

#include "config/arena.h"
#include "config/config.h"
#include "config/errors.h"
#include "config/schema.h"
#include "config/source.h"

#define PATH_TEXT 256

/* A program that the configuration names. They are looked for once all of it is read: app.environment may hold PATH. */
struct named_program {
	struct named_program *next;
	const config_setting_t *setting; /* the word */
	const char *path;                /* of the setting */
	const char *name;
};

struct reader {
	struct arena *arena;
	struct errors *errors;
	struct errors *warnings; /* --check: what may differ in the container goes here; NULL: it is an error */
	const struct config_checks *judges;
	struct source *source;   /* empty: no file */
	const char *file;        /* the file the user named */
	config_setting_t *chain; /* shutdown.chain, noted on the way; NULL: none */
	bool unresolved;         /* the last read_text() gave the text as it is written: what it speaks of is not here */
	struct named_program *programs, **last_program; /* in the order of the file */
};

/* NULL for a group that is not there: only defaults are set. `out` is zeroed memory of the schema's size. */
void read_group(struct reader *reader, const struct schema *schema, config_setting_t *group, void *out, const char *path);

/*
 * A member of a group by its name; NULL: it has none. As libconfig's own, which takes each name for a path and looks for its
 * separators again and again: a fifth of the time that reading a file took.
 */
config_setting_t *read_member(const config_setting_t *group, const char *name);

/* Report something about a setting, at its own file and line. */
void read_error(struct reader *reader, const config_setting_t *setting, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The same where the setting is gone: by its line of the source. */
void read_error_at(struct reader *reader, int line, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Something that may differ between here and the container: a warning of --check's, an error otherwise. */
void read_doubt(struct reader *reader, const config_setting_t *setting, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* For --check only. */
void read_warn(struct reader *reader, const config_setting_t *setting, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/*
 * A setting that holds words: the string's expansion, or NULL after an error. --check has the text as it is written where it
 * cannot be expanded here (reader->unresolved).
 */
const char *read_text(struct reader *reader, const config_setting_t *setting, const char *path, bool *from_file);

#endif
