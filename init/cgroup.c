/* Where the own cgroup is. Both generations are read the same way: its path from /proc/self/cgroup,
 * where the hierarchy is mounted from /proc/self/mountinfo. */
#include "init/cgroup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "base/ban.h"

enum { PATH_BUF = 4096 };

struct hierarchy {
	const char *controller;
	bool v2;
	char own[PATH_BUF];                   /* the own cgroup, as its namespace names it */
	char root[PATH_BUF], point[PATH_BUF]; /* the part that is mounted, and where */
};

static bool list_has(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; (p = strstr(p, word)); p += n)
		if ((p == list || p[-1] == ',') && (p[n] == ',' || p[n] == '\0'))
			return true;
	return false;
}

/* cgroups(7): "4:cpu,cpuacct:/path" (v1) or "0::/path" (v2). */
static bool take_own(char *line, struct hierarchy *h)
{
	char *controllers = strchr(line, ':'), *path;

	path = controllers ? strchr(++controllers, ':') : NULL;
	if (!path)
		return false;
	*path++ = '\0';
	if (h->v2 ? *controllers != '\0' : !list_has(controllers, h->controller))
		return false;
	(void)snprintf(h->own, sizeof(h->own), "%s", path);
	return true;
}

/* proc(5): blanks and backslashes of a path are \040 and \134 there. */
static void unescape(char *s)
{
	char *to = s;

	while (*s) {
		unsigned code;

		if (s[0] == '\\' && strspn(s + 1, "01234567") >= 3 &&
		    sscanf(s + 1, "%3o", &code) == 1) {
			*to++ = (char)code;
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

/* Where the own cgroup lies below the mount point; NULL when it does not. A path with ".." was made
 * outside of our namespace: of that mount only the top can be seen. */
static const char *below_mount(const struct hierarchy *h)
{
	size_t n = strcmp(h->root, "/") == 0 ? 0 : strlen(h->root);

	if (strncmp(h->root, "/..", 3) == 0 || strncmp(h->own, "/..", 3) == 0)
		return "";
	if (strncmp(h->own, h->root, n) != 0 || (h->own[n] != '/' && h->own[n] != '\0'))
		return NULL;
	return h->own + n;
}

/* proc(5): "ID PARENT MAJ:MIN ROOT POINT OPTIONS [FIELDS] - TYPE SOURCE SUPEROPTIONS". A mount that
 * holds the own cgroup ends the search; another one serves when there is none. */
static bool take_mount(char *line, struct hierarchy *h)
{
	char *tail = strstr(line, " - "), type[32], options[PATH_BUF];

	if (!tail || sscanf(tail, " - %31s %*s %4095s", type, options) != 2)
		return false;
	if (strcmp(type, h->v2 ? "cgroup2" : "cgroup") != 0 ||
	    (!h->v2 && !list_has(options, h->controller)))
		return false;
	if (sscanf(line, "%*s %*s %*s %4095s %4095s", h->root, h->point) != 2)
		return false;
	unescape(h->root);
	unescape(h->point);
	return below_mount(h) != NULL;
}

/* Gives the lines of /proc/self/@name to @take until it has what it wants. */
static void read_proc(const char *root, const char *name, bool (*take)(char *, struct hierarchy *),
		      struct hierarchy *h)
{
	char path[PATH_BUF], *line = NULL;
	size_t cap = 0;
	ssize_t n;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/proc/self/%s", root, name);
	f = fopen(path, "re");
	if (!f)
		return;
	while ((n = getline(&line, &cap, f)) > 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		if (take(line, h))
			break;
	}
	free(line);
	(void)fclose(f);
}

/* Every level from the own cgroup up to the mount's top. */
static void walk(const char *root, const struct hierarchy *h, cgroup_look_fn *look, void *ctx)
{
	const char *below = below_mount(h);
	char dir[PATH_BUF * 3];
	size_t top = (size_t)snprintf(dir, sizeof(dir), "%s%s", root, h->point);

	if (top >= sizeof(dir))
		return;
	(void)snprintf(dir + top, sizeof(dir) - top, "%s", below ? below : "");
	for (;;) {
		char *slash;

		look(dir, h->v2, ctx);
		slash = strrchr(dir, '/');
		if (!slash || (size_t)(slash - dir) < top)
			return;
		*slash = '\0';
	}
}

void cgroup_walk(const char *root, const char *controller, bool v2, cgroup_look_fn *look, void *ctx)
{
	struct hierarchy h = { .controller = controller, .v2 = v2 };

	read_proc(root, "cgroup", take_own, &h);
	if (h.own[0])
		read_proc(root, "mountinfo", take_mount, &h);
	if (h.point[0])
		walk(root, &h, look, ctx);
}

int cgroup_read_numbers(const char *dir, const char *name, double *first, double *second)
{
	char path[PATH_BUF * 3];
	FILE *f;
	int n;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return 0;
	f = fopen(path, "re");
	if (!f)
		return 0;
	n = fscanf(f, "%lf %lf", first, second);
	(void)fclose(f);
	return n;
}

/* Memory */

/* The number behind @key in a file of lines "KEY NUMBER", 0 when there is none. */
static uint64_t read_key(const char *dir, const char *name, const char *key)
{
	char path[PATH_BUF * 3], word[64];
	unsigned long long number, found = 0;
	FILE *f;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return 0;
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (fscanf(f, "%63s %llu", word, &number) == 2)
		if (strcmp(word, key) == 0) {
			found = number;
			break;
		}
	(void)fclose(f);
	return found;
}

static uint64_t read_bytes(const char *dir, const char *name)
{
	double bytes = 0, unused;

	if (cgroup_read_numbers(dir, name, &bytes, &unused) < 1 || bytes < 0)
		return 0;
	return bytes < 0x1p62 ? (uint64_t)bytes : 0; /* v1 says LONG_MAX, more or less, for none */
}

static const struct {
	const char *limit, *usage, *cache_key, *events;
} names[] = {
	[false] = { "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file",
		    "memory.oom_control" },
	[true] = { "memory.max", "memory.current", "inactive_file", "memory.events" },
};

struct look {
	struct cgroup_memory *ret;
	bool was_own;
};

static void look_at_share(const char *dir, bool v2, uint64_t limit, struct cgroup_memory *ret)
{
	uint64_t usage = read_bytes(dir, names[v2].usage),
		 cache = read_key(dir, "memory.stat", names[v2].cache_key);
	double share;

	usage = usage > cache ? usage - cache : 0;
	share = (double)usage / (double)limit;
	if (share < ret->share)
		return;
	ret->share = share;
	ret->usage = usage;
	ret->usage_limit = limit;
}

static void look_at_memory(const char *dir, bool v2, void *ctx)
{
	struct look *l = ctx;
	uint64_t limit = read_bytes(dir, names[v2].limit);

	if (!l->was_own)
		l->ret->oom_kills += read_key(dir, names[v2].events, "oom_kill");
	l->was_own = true;
	if (limit == 0)
		return;
	if (l->ret->limit == 0 || limit < l->ret->limit)
		l->ret->limit = limit;
	look_at_share(dir, v2, limit, l->ret);
}

void cgroup_memory(const char *root, struct cgroup_memory *ret)
{
	*ret = (struct cgroup_memory){ 0 };
	for (int v2 = 0; v2 <= 1; v2++) {
		struct look l = { .ret = ret };

		cgroup_walk(root, "memory", v2, look_at_memory, &l);
	}
}
