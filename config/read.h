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

/* A program in the configuration. Searched for at the end, because app.environment may set PATH. */
struct named_program {
	struct named_program *next;
	const config_setting_t *setting; /* the word */
	const char *path;                /* of the setting */
	const char *name;
};

struct reader {
	struct arena *arena;
	struct errors *errors;
	struct errors *warnings; /* --check: for what may differ in the container; NULL: an error */
	struct errors *spared;   /* --step: for secrets of signers, alerts and checks that are missing; NULL: an error */
	const struct config_checks *judges;
	const struct plan *plan;                        /* as far as it has been read */
	struct source *source;                          /* empty: no file */
	const char *file;                               /* the file the user named */
	config_setting_t *chain, *start_chain;          /* read later; NULL: none */
	const char *each;                               /* ${each} of the step that is read; NULL: none */
	bool used_each;                                 /* since `each` was set */
	bool unresolved;                                /* the last read_text() returned unexpanded text */
	struct named_program *programs, **last_program; /* in the order of the file */
};

/* group NULL: sets defaults only. out: zeroed memory of the schema's size. */
void read_group(struct reader *reader, const struct schema *schema, config_setting_t *group, void *out, const char *path);

/* Whether texts may be unexpanded: they contain a "${". */
static inline bool read_spares(const struct reader *reader)
{
	return reader->warnings != NULL || reader->spared != NULL;
}

/* A member of a group by its name, or NULL. Faster than libconfig's own, which parses each name as a path. */
config_setting_t *read_member(const config_setting_t *group, const char *name);

/* Reports an error at the file and line of a setting. */
void read_error(struct reader *reader, const config_setting_t *setting, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The same by line, if the setting is gone. */
void read_error_at(struct reader *reader, int line, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* What may differ in the container: a warning of --check, otherwise an error. */
void read_doubt(struct reader *reader, const config_setting_t *setting, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* For --check only. */
void read_warn(struct reader *reader, const config_setting_t *setting, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/*
 * The expanded string of a setting, or NULL after an error. With --check, the unexpanded text if it cannot be expanded here
 * (reader->unresolved).
 */
const char *read_text(struct reader *reader, const config_setting_t *setting, const char *path, bool *from_file);

#endif
