/* CPUs of a container. Both cgroup generations are read the same way: the own cgroup's path from
 * /proc/self/cgroup, where the hierarchy is mounted from /proc/self/mountinfo, then every level
 * from the own cgroup up to the mount's top. */
#include "init/cpus.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/ban.h"

enum { PATH_BUF = 4096, WORKERS_MAX = 1024 };

struct hierarchy {
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
	if (h->v2 ? *controllers != '\0' : !list_has(controllers, "cpu"))
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
	    (!h->v2 && !list_has(options, "cpu")))
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

/* One or two numbers at the start of @dir/@name; how many there are. */
static int read_numbers(const char *dir, const char *name, double *first, double *second)
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

/* CPUs that one level grants, 0 = no limit here ("max" in v2, -1 in v1). */
static double quota_at(const char *dir, bool v2)
{
	double quota = 0, period = 0, unused;
	bool known = v2 ? read_numbers(dir, "cpu.max", &quota, &period) == 2
			: read_numbers(dir, "cpu.cfs_quota_us", &quota, &unused) == 1 &&
			      read_numbers(dir, "cpu.cfs_period_us", &period, &unused) == 1;

	return known && quota > 0 && period > 0 ? quota / period : 0;
}

static double smallest_quota(const char *root, const struct hierarchy *h)
{
	const char *below = below_mount(h);
	char dir[PATH_BUF * 3];
	double least = 0;
	size_t top = (size_t)snprintf(dir, sizeof(dir), "%s%s", root, h->point);

	if (top >= sizeof(dir))
		return 0;
	(void)snprintf(dir + top, sizeof(dir) - top, "%s", below ? below : "");
	for (;;) {
		double quota = quota_at(dir, h->v2);
		char *slash;

		if (quota > 0 && (least == 0 || quota < least))
			least = quota;
		slash = strrchr(dir, '/');
		if (!slash || (size_t)(slash - dir) < top)
			return least;
		*slash = '\0';
	}
}

static double quota_of(const char *root, bool v2)
{
	struct hierarchy h = { .v2 = v2 };

	read_proc(root, "cgroup", take_own, &h);
	if (h.own[0])
		read_proc(root, "mountinfo", take_mount, &h);
	return h.point[0] ? smallest_quota(root, &h) : 0;
}

static unsigned affinity(void)
{
	cpu_set_t set;
	long online;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		return (unsigned)CPU_COUNT(&set);
	online = sysconf(_SC_NPROCESSORS_ONLN); /* more CPUs than a cpu_set_t holds */
	return online > 0 ? (unsigned)online : 1;
}

static unsigned round_up(double cpus)
{
	unsigned n = (unsigned)cpus;

	return (double)n < cpus ? n + 1 : n;
}

void cpus_detect(const char *root, struct cpus *ret)
{
	double v1 = quota_of(root, false), v2 = quota_of(root, true);
	bool by_v1 = v1 > 0 && (v2 == 0 || v1 < v2);
	unsigned n = affinity();

	*ret = (struct cpus){ .affinity = n, .count = n, .quota = by_v1 ? v1 : v2 };
	if (ret->quota > 0 && ret->quota < n)
		ret->count = round_up(ret->quota);
	if (ret->quota > 0)
		(void)snprintf(ret->why, sizeof(ret->why),
			       "cgroup quota %.4g CPUs (%s), affinity %u", ret->quota,
			       by_v1 ? "v1" : "v2", n);
	else
		(void)snprintf(ret->why, sizeof(ret->why), "no cgroup quota, affinity %u", n);
}

unsigned cpus_workers(const struct config *c, const struct cpus *cpus)
{
	unsigned n = c->workers.n, count = cpus->count;

	switch (c->workers.kind) {
	case WORKERS_AUTO:
		n = count;
		break;
	case WORKERS_LESS:
		n = count > n ? count - n : 1;
		break;
	case WORKERS_PERCENT:
		n = (count * n + 99) / 100;
		break;
	case WORKERS_FIXED:
		break;
	}
	return n < 1 ? 1 : n > WORKERS_MAX ? WORKERS_MAX : n;
}
