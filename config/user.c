#include "config/user.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool number(const char *text, unsigned *out)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 10);

	*out = (unsigned)value;
	return *text >= '0' && *text <= '9' && *end == '\0' && value < 0xffffffffu;
}

static bool find_group(const char *text, unsigned *gid, char why[256])
{
	if (number(text, gid))
		return true;
	const struct group *g = getgrnam(text);
	if (g == NULL) {
		snprintf(why, 256, "group not found in /etc/group");
		return false;
	}
	*gid = g->gr_gid;
	return true;
}

/* Supplementary groups of a user in the password file; a numeric user has none. */
static void find_groups(const char *name, struct plan_user *out)
{
	gid_t list[PLAN_GROUPS_MAX];
	int count = PLAN_GROUPS_MAX;

	if (name == NULL || getgrouplist(name, out->gid, list, &count) < 0) {
		list[0] = out->gid;
		count = 1;
	}
	for (int i = 0; i < count; i++)
		out->groups[i] = list[i];
	out->group_count = (size_t)count;
}

bool user_resolve(struct arena *arena, const char *text, struct plan_user *out, char why[256])
{
	char *copy = arena_strdup(arena, text), *group = strchr(copy, ':');
	const struct passwd *entry;

	if (group != NULL)
		*group++ = '\0';
	if (number(copy, &out->uid)) {
		entry = getpwuid(out->uid);
	} else {
		entry = getpwnam(copy);
		if (entry == NULL) {
			snprintf(why, 256, "user not found in /etc/passwd");
			return false;
		}
		out->uid = entry->pw_uid;
	}
	const char *name = entry != NULL ? arena_strdup(arena, entry->pw_name) : NULL;
	out->home = entry != NULL ? arena_strdup(arena, entry->pw_dir) : NULL;
	out->gid = entry != NULL ? entry->pw_gid : out->uid;
	if (group != NULL && !find_group(group, &out->gid, why))
		return false;
	/* as in docker run --user: UID:GID means exactly that group */
	find_groups(group == NULL ? name : NULL, out);
	out->set = true;
	return true;
}

bool user_become(struct plan_user *user, char why[256])
{
	if (!user->set || geteuid() == 0)
		return true;
	snprintf(why, 256, "cannot switch to uid %u, gid %u: tinysup runs as uid %u, gid %u, not as root", user->uid, user->gid,
		 geteuid(), getegid());
	user->set = false; /* nothing to do, or an error */
	return user->uid == geteuid() && user->gid == getegid();
}
