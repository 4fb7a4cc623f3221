/* The files are read here: in a static binary libc's own functions would load its name service as
 * plugins, which must be of the libc that it was linked with, and may not be there at all. */
#include "init/system/accounts.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ban.h"

enum { GROUPS_STEP = 32 };

/* @name NULL: by @uid */
static const struct passwd *find_in_file(const char *name, uid_t uid)
{
	FILE *f = fopen("/etc/passwd", "re");
	const struct passwd *p = NULL;

	while (f && (p = fgetpwent(f)))
		if (name ? strcmp(p->pw_name, name) == 0 : p->pw_uid == uid)
			break;
	if (f)
		(void)fclose(f);
	return p;
}

static const struct group *find_group_in_file(const char *name)
{
	FILE *f = fopen("/etc/group", "re");
	const struct group *g = NULL;

	while (f && (g = fgetgrent(f)) && strcmp(g->gr_name, name) != 0)
		;
	if (f)
		(void)fclose(f);
	return g;
}

#ifdef SIOINIT_HAVE_NSS

static const struct passwd *find(const char *name, uid_t uid)
{
	const struct passwd *p = find_in_file(name, uid);

	if (p)
		return p;
	return name ? getpwnam(name) : getpwuid(uid);
}

static const struct group *find_group(const char *name)
{
	const struct group *g = find_group_in_file(name);

	return g ? g : getgrnam(name);
}

int account_groups(const char *name, gid_t first, gid_t **ret, size_t *ret_n)
{
	gid_t *groups = NULL;
	int n = GROUPS_STEP, had;

	do {
		gid_t *more;

		had = n;
		more = realloc(groups, (size_t)n * sizeof(*more));
		if (!more) {
			free(groups);
			return -ENOMEM;
		}
		groups = more;
	} while (getgrouplist(name, first, groups, &n) < 0 && n > had);
	*ret = groups;
	*ret_n = (size_t)(n < had ? n : had);
	return 0;
}

#else

static const struct passwd *find(const char *name, uid_t uid)
{
	return find_in_file(name, uid);
}

static const struct group *find_group(const char *name)
{
	return find_group_in_file(name);
}

static bool has_member(const struct group *g, const char *name)
{
	char *const *member = g->gr_mem;

	while (*member && strcmp(*member, name) != 0)
		member++;
	return *member;
}

struct id_list {
	gid_t *ids;
	size_t n;
};

static bool has_id(const struct id_list *l, gid_t id)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->ids[i] == id)
			return true;
	return false;
}

static int add_id(struct id_list *l, gid_t id)
{
	if (has_id(l, id))
		return 0;
	if (l->n % GROUPS_STEP == 0) {
		gid_t *more = realloc(l->ids, (l->n + GROUPS_STEP) * sizeof(*more));

		if (!more)
			return -ENOMEM;
		l->ids = more;
	}
	l->ids[l->n++] = id;
	return 0;
}

int account_groups(const char *name, gid_t first, gid_t **ret, size_t *ret_n)
{
	struct id_list l = { 0 };
	int r = add_id(&l, first);
	FILE *f = fopen("/etc/group", "re");
	const struct group *g;

	while (r == 0 && f && (g = fgetgrent(f)))
		if (has_member(g, name))
			r = add_id(&l, g->gr_gid);
	if (f)
		(void)fclose(f);
	if (r < 0) {
		free(l.ids);
		return r;
	}
	*ret = l.ids;
	*ret_n = l.n;
	return 0;
}

#endif

static int take(const struct passwd *p, struct account *ret)
{
	if (!p)
		return -ENOENT;
	*ret = (struct account){ .uid = p->pw_uid, .gid = p->pw_gid };
	(void)snprintf(ret->name, sizeof(ret->name), "%s", p->pw_name);
	(void)snprintf(ret->home, sizeof(ret->home), "%s", p->pw_dir);
	return 0;
}

int account_by_name(const char *name, struct account *ret)
{
	return take(find(name, 0), ret);
}

int account_by_uid(uid_t uid, struct account *ret)
{
	return take(find(NULL, uid), ret);
}

int account_group(const char *name, gid_t *ret)
{
	const struct group *g = find_group(name);

	if (!g)
		return -ENOENT;
	*ret = g->gr_gid;
	return 0;
}
