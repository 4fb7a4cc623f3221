/* Where the own cgroup is. Both generations are read the same way: its path from /proc/self/cgroup,
 * where the hierarchy is mounted from /proc/self/mountinfo. */
#include "init/system/cgroup.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/fd.h"

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

enum { STAT_BYTES = 8192, STAT_EVERY = 5 };

static const struct {
	const char *limit, *usage, *cache_key, *events;
} names[] = {
	[false] = { "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file",
		    "memory.oom_control" },
	[true] = { "memory.max", "memory.current", "inactive_file", "memory.events" },
};

/* -1: there is no such file. */
static int open_in(const char *dir, const char *name)
{
	char path[PATH_BUF * 3];

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return -1;
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* The file's text, "" when it cannot be read. */
static void read_text(int fd, char *dst, size_t size)
{
	ssize_t n = fd < 0 ? -1 : pread(fd, dst, size - 1, 0);

	dst[n < 0 ? 0 : n] = '\0';
}

/* The number behind @key in a file of lines "KEY NUMBER", 0 when there is none. */
static uint64_t read_key(int fd, const char *key)
{
	char text[STAT_BYTES];
	size_t n = strlen(key);

	read_text(fd, text, sizeof(text));
	for (char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, n) == 0 && line[n] == ' ')
			return strtoull(line + n, NULL, 10);
	}
	return 0;
}

static uint64_t read_bytes(int fd)
{
	char text[32];
	uint64_t bytes;

	read_text(fd, text, sizeof(text));
	bytes = strtoull(text, NULL, 10);
	return bytes < 1ULL << 62 ? bytes : 0; /* v1 says LONG_MAX, more or less, for none */
}

struct opening {
	struct cgroup_meter *meter;
	bool was_own;
};

static void open_level(const char *dir, bool v2, void *ctx)
{
	struct opening *o = ctx;
	struct cgroup_meter *m = o->meter;
	struct cgroup_level *l = &m->levels[m->n_levels];
	int events = o->was_own ? -1 : open_in(dir, names[v2].events);

	o->was_own = true;
	if (events >= 0)
		m->events[m->n_events++] = events;
	if (m->n_levels == CGROUP_LEVELS_MAX)
		return;
	*l = (struct cgroup_level){ .v2 = v2, .limit_fd = open_in(dir, names[v2].limit) };
	if (l->limit_fd < 0) /* the root of a hierarchy has none */
		return;
	l->usage_fd = open_in(dir, names[v2].usage);
	l->stat_fd = open_in(dir, "memory.stat");
	m->n_levels++;
}

void cgroup_meter_open(struct cgroup_meter *m, const char *root)
{
	cgroup_meter_close(m);
	for (int v2 = 0; v2 <= 1; v2++) {
		struct opening o = { .meter = m };

		cgroup_walk(root, "memory", v2, open_level, &o);
	}
}

void cgroup_meter_close(struct cgroup_meter *m)
{
	for (unsigned i = 0; i < m->n_levels; i++) {
		fd_close(&m->levels[i].limit_fd);
		fd_close(&m->levels[i].usage_fd);
		fd_close(&m->levels[i].stat_fd);
	}
	for (unsigned i = 0; i < m->n_events; i++)
		fd_close(&m->events[i]);
	*m = (struct cgroup_meter){ 0 };
}

uint64_t cgroup_meter_limit(struct cgroup_meter *m)
{
	uint64_t least = 0;

	for (unsigned i = 0; i < m->n_levels; i++) {
		struct cgroup_level *l = &m->levels[i];

		l->limit = read_bytes(l->limit_fd);
		if (l->limit && (least == 0 || l->limit < least))
			least = l->limit;
	}
	return least;
}

uint64_t cgroup_meter_oom_kills(const struct cgroup_meter *m)
{
	uint64_t kills = 0;

	for (unsigned i = 0; i < m->n_events; i++)
		kills += read_key(m->events[i], "oom_kill");
	return kills;
}

/* File pages of @l that can go at once. The kernel adds them up for every read, so as long as what
 * was so last leaves a quarter of @enough that number serves for a while. */
static uint64_t cache_of(struct cgroup_level *l, uint64_t usage, double enough)
{
	uint64_t used = usage > l->cache ? usage - l->cache : 0;

	if (l->stat_age == 0 || l->stat_age >= STAT_EVERY || (double)used >= enough * 0.75) {
		l->cache = read_key(l->stat_fd, names[l->v2].cache_key);
		l->stat_age = 0;
	}
	l->stat_age++;
	return l->cache;
}

static void look_at_level(struct cgroup_level *l, double share, struct cgroup_usage *ret)
{
	uint64_t usage = read_bytes(l->usage_fd), cache = 0;
	double enough = share * (double)l->limit, of_limit;

	if ((double)usage >= enough)
		cache = cache_of(l, usage, enough);
	usage = usage > cache ? usage - cache : 0;
	of_limit = (double)usage / (double)l->limit;
	if (of_limit >= ret->share)
		*ret = (struct cgroup_usage){ usage, l->limit, of_limit };
}

void cgroup_meter_usage(struct cgroup_meter *m, double share, struct cgroup_usage *ret)
{
	*ret = (struct cgroup_usage){ 0 };
	for (unsigned i = 0; i < m->n_levels; i++)
		if (m->levels[i].limit)
			look_at_level(&m->levels[i], share, ret);
}
