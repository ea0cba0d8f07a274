#include "config/programs.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_PATH "/bin:/usr/bin" /* of execvp(), without PATH */

static const char *search_path(const struct plan *plan)
{
	const struct plan_pairs *environment = &plan->app.environment;
	const char *path = getenv("PATH");

	for (size_t i = 0; i < environment->count; i++)
		if (environment->items[i].value != NULL && strcmp(environment->items[i].name, "PATH") == 0)
			path = environment->items[i].value;
	return path != NULL ? path : DEFAULT_PATH;
}

/* 0, or the errno of exec. */
static int executable(const char *file)
{
	struct stat status;

	if (stat(file, &status) != 0)
		return errno;
	if (!S_ISREG(status.st_mode))
		return EACCES;
	return access(file, X_OK) == 0 ? 0 : errno;
}

/* 0, ENOENT or EACCES. */
static int search(const char *path, const char *name)
{
	char file[PATH_MAX];
	int found = ENOENT;

	for (;;) {
		size_t length = strcspn(path, ":");
		snprintf(file, sizeof file, "%.*s%s%s", (int)length, path, length > 0 ? "/" : "", name);
		int error = executable(file);
		if (error == 0)
			return 0;
		if (error == EACCES)
			found = EACCES;
		if (path[length] == '\0')
			return found;
		path += length + 1;
	}
}

static int look(const struct plan *plan, const char *name)
{
	char file[PATH_MAX];

	if (strchr(name, '/') == NULL)
		return search(search_path(plan), name);
	if (*name == '/' || plan->app.directory == NULL)
		return executable(name);
	snprintf(file, sizeof file, "%s/%s", plan->app.directory, name);
	return executable(file);
}

void programs_look(struct reader *reader, const struct plan *plan)
{
	for (const struct named_program *program = reader->programs; program != NULL; program = program->next) {
		/* unexpanded, for messages */
		const char *shown = config_setting_get_string(program->setting);
		int error = strstr(program->name, "${") == NULL ? look(plan, program->name) : 0;
		if (error == ENOENT && strchr(program->name, '/') == NULL)
			read_warn(reader, program->setting, program->path, "%s: not found in PATH", shown);
		else if (error != 0)
			read_warn(reader, program->setting, program->path, "%s: %s", shown,
				  error == EACCES ? "not executable" : strerror(error));
	}
}
