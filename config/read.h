/*
 * Fills the plan's structs from a libconfig tree, as the schema's table says.
 */
#ifndef TINYSUP_CONFIG_READ_H
#define TINYSUP_CONFIG_READ_H

#include <libconfig.h>

#include "config/arena.h"
#include "config/errors.h"
#include "config/schema.h"

#define PATH_TEXT 256

struct reader {
	struct arena *arena;
	struct errors *errors;
	const char *file;        /* the file the user named */
	config_setting_t *chain; /* shutdown.chain, noted on the way; NULL: none */
};

/* NULL for a group that is not there: only defaults are set. `out` is zeroed memory of the schema's size. */
void read_group(struct reader *reader, const struct schema *schema, config_setting_t *group, void *out, const char *path);

/* Report something about a setting, at its own file and line. */
void read_error(struct reader *reader, const config_setting_t *setting, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The file a setting stands in; included files have their own. */
const char *read_file_of(const struct reader *reader, const config_setting_t *setting);

/* A setting that holds words: the string's expansion, or NULL after an error. */
const char *read_text(struct reader *reader, const config_setting_t *setting, const char *path, bool *from_file);

#endif
