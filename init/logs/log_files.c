/* Paths, the check at the start, and the writer's birth. */
#include "init/logs/log_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "init/system/credentials.h"
#include "init/system/role.h"

#include "base/ban.h"

bool log_files_are_wanted(const struct config *c)
{
	return c->log_out || c->log_err || c->log_all;
}

static int make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		int r;

		*slash = '\0';
		r = mkdir(path, 0777);
		*slash = '/';
		if (r < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

int log_file_open(const char *pattern, unsigned slot, int flags)
{
	char path[LOG_FILE_PATH_MAX];
	int fd;

	if (!log_file_path(pattern, slot, path))
		return -ENAMETOOLONG;
	flags |= O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY;
	fd = open(path, flags, 0644);
	if (fd < 0 && errno == ENOENT && make_folders(path) == 0)
		fd = open(path, flags, 0644);
	return fd < 0 ? -errno : fd;
}

/* The check */

void log_files_check(const struct config *c, const struct credentials *as)
{
	const struct {
		const char *name, *pattern;
	} files[] = { { "SIOINIT_LOG_OUT", c->log_out },
		      { "SIOINIT_LOG_ERR", c->log_err },
		      { "SIOINIT_LOG_ALL", c->log_all } };

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		int r;

		if (!files[i].pattern)
			continue;
		r = credentials_act_as(as->change ? as : NULL);
		if (r == 0) {
			r = log_file_open(files[i].pattern, 0, O_NONBLOCK);
			credentials_resume();
		}
		if (r >= 0)
			(void)close(r);
		if (r < 0)
			die(EXIT_BAD_CONFIG, SIO_421,
			    "%s=\"%s\": %s: a file that the workers' user can write to is wanted",
			    files[i].name, files[i].pattern, strerror(-r));
	}
}

/* The writer's birth */

pid_t log_files_start(const struct config *c, const struct credentials *as, int *ret_fd)
{
	int sv[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
		return -errno;
	pid = role_start(&role_logs, c, as, sv[1]);
	(void)close(sv[1]);
	if (pid < 0)
		(void)close(sv[0]);
	else
		*ret_fd = sv[0];
	return pid;
}
