/* proc(5), /proc/PID/stat. */
#include "ipc/process_usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

#include "base/ban.h"

enum { STAT_MAX = 1024 };

/* After the name, which is in parentheses and may have any of its own, utime and stime are the 12th
 * and 13th fields, vsize, in bytes, the 21st and rss, in pages, the 22nd. */
static void parse_stat(const char *line, struct process_usage *ret)
{
	const char *name_end = strrchr(line, ')');
	unsigned long user, system, bytes;
	long pages;

	if (!name_end || sscanf(name_end + 1,
				" %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d "
				"%*d %*d %*d %*u %lu %ld",
				&user, &system, &bytes, &pages) != 4)
		return;
	ret->cpu_s = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
	ret->virtual_bytes = bytes;
	ret->rss_bytes = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

void process_usage_read(uint64_t pid, struct process_usage *ret)
{
	char path[40], line[STAT_MAX];
	auto_fd int fd = -1;
	ssize_t n = -1;

	*ret = (struct process_usage){ 0 };
	(void)snprintf(path, sizeof(path), "/proc/%llu/stat", (unsigned long long)pid);
	if (pid)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		n = read(fd, line, sizeof(line) - 1);
	if (n < 0)
		return;
	line[n] = '\0';
	parse_stat(line, ret);
}

/* Of others it may be forbidden. */
static long count_entries(const char *path)
{
	DIR *dir = opendir(path);
	long n = 0;

	if (!dir)
		return -1;
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n - 2; /* . and .. */
}

/* Since Linux 6.2 the size of the folder is the number, which anybody may know. */
long process_fds(uint64_t pid)
{
	struct stat st;
	char path[40];

	(void)snprintf(path, sizeof(path), "/proc/%llu/fd", (unsigned long long)pid);
	if (!pid || stat(path, &st) < 0)
		return -1;
	return st.st_size > 0 ? (long)st.st_size : count_entries(path);
}
