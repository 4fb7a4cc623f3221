/* CPUs of a container. Both cgroup generations are read the same way: the own cgroup's path from /proc/self/cgroup, where the
 * hierarchy is mounted from /proc/self/mountinfo, then every level from the own cgroup up to the mount's top. */
#include "init/cpus.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macros.h"

#include "base/ban.h"

enum { PATH_BUF = 4096, FILE_BUF = 65536, WORKERS_MAX = 1024 };

/* The whole file as text; false when it is not there or empty. */
static bool read_file(const char *path, char *dst, size_t size)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t k;

	if (fd < 0)
		return false;
	while (n + 1 < size && (k = read(fd, dst + n, size - 1 - n)) > 0)
		n += (size_t)k;
	dst[n] = '\0';
	return n > 0;
}

static bool list_has(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; (p = strstr(p, word)); p += n)
		if ((p == list || p[-1] == ',') && (p[n] == ',' || p[n] == '\0'))
			return true;
	return false;
}

/* /proc/self/cgroup: "4:cpu,cpuacct:/path" (v1) or "0::/path" (v2). */
static bool own_path(char *cgroups, bool v2, char *dst, size_t size)
{
	char *save, *line;

	for (line = strtok_r(cgroups, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;

		if (!path)
			continue;
		*path++ = '\0';
		controllers++;
		if (v2 ? *controllers == '\0' : list_has(controllers, "cpu")) {
			(void)snprintf(dst, size, "%s", path);
			return true;
		}
	}
	return false;
}

struct mount {
	char root[PATH_BUF], point[PATH_BUF];
};

/* proc(5): "ID PARENT MAJ:MIN ROOT POINT OPTIONS [FIELDS] - TYPE SOURCE SUPEROPTIONS" */
static bool find_mount(char *mountinfo, bool v2, struct mount *m)
{
	char *save, *line;

	for (line = strtok_r(mountinfo, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *tail = strstr(line, " - "), type[32], options[PATH_BUF];

		if (!tail || sscanf(tail, " - %31s %*s %4095s", type, options) != 2)
			continue;
		if (strcmp(type, v2 ? "cgroup2" : "cgroup") != 0 || (!v2 && !list_has(options, "cpu")))
			continue;
		if (sscanf(line, "%*s %*s %*s %4095s %4095s", m->root, m->point) == 2)
			return true;
	}
	return false;
}

/* CPUs that one level grants, 0 = no limit here. */
static double quota_at(const char *dir, bool v2)
{
	char path[PATH_BUF * 3 + 32], text[128];
	double quota, period = 0;

	if (v2) {
		(void)snprintf(path, sizeof(path), "%s/cpu.max", dir);
		if (!read_file(path, text, sizeof(text)) || sscanf(text, "%lf %lf", &quota, &period) != 2)
			return 0; /* also "max 100000" */
	} else {
		(void)snprintf(path, sizeof(path), "%s/cpu.cfs_quota_us", dir);
		if (!read_file(path, text, sizeof(text)) || sscanf(text, "%lf", &quota) != 1)
			return 0;
		(void)snprintf(path, sizeof(path), "%s/cpu.cfs_period_us", dir);
		if (!read_file(path, text, sizeof(text)) || sscanf(text, "%lf", &period) != 1)
			return 0;
	}
	return quota > 0 && period > 0 ? quota / period : 0;
}

/* Where the own cgroup lies below the mount point. A root with ".." was mounted from outside our namespace: only the top of
 * the mount can be seen. */
static const char *below_mount(const struct mount *m, const char *own)
{
	size_t n = strcmp(m->root, "/") == 0 ? 0 : strlen(m->root);

	if (strstr(m->root, "..") || strncmp(own, m->root, n) != 0)
		return "";
	return own + n;
}

static double smallest_quota(const char *root, const struct mount *m, const char *own, bool v2)
{
	char dir[PATH_BUF * 3];
	double least = 0;
	size_t top;

	top = (size_t)snprintf(dir, sizeof(dir), "%s%s", root, m->point);
	(void)snprintf(dir + top, sizeof(dir) - top, "%s", below_mount(m, own));
	for (;;) {
		double quota = quota_at(dir, v2);
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
	static char cgroups[FILE_BUF], mountinfo[FILE_BUF];
	static struct mount m;
	char path[PATH_BUF], own[PATH_BUF];

	(void)snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
	if (!read_file(path, cgroups, sizeof(cgroups)) || !own_path(cgroups, v2, own, sizeof(own)))
		return 0;
	(void)snprintf(path, sizeof(path), "%s/proc/self/mountinfo", root);
	if (!read_file(path, mountinfo, sizeof(mountinfo)) || !find_mount(mountinfo, v2, &m))
		return 0;
	return smallest_quota(root, &m, own, v2);
}

static unsigned affinity(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

static unsigned round_up(double cpus)
{
	unsigned n = (unsigned)cpus;

	return (double)n < cpus ? n + 1 : n;
}

void cpus_detect(const char *root, struct cpus *ret)
{
	double v1 = quota_of(root, false), v2 = quota_of(root, true);
	unsigned n = affinity();

	*ret = (struct cpus){ .affinity = n, .count = n, .quota = v1 > 0 && (v2 == 0 || v1 < v2) ? v1 : v2 };
	if (ret->quota > 0 && round_up(ret->quota) < n)
		ret->count = round_up(ret->quota);
	if (ret->quota > 0)
		(void)snprintf(ret->why, sizeof(ret->why), "cgroup quota %.4g CPUs, affinity %u", ret->quota, n);
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
