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
#include "init/system/spawn.h"

#include "base/ban.h"

#define SLOT "{slot}"

bool log_files_are_wanted(const struct config *c)
{
	return c->log_out || c->log_err || c->log_all;
}

bool log_file_path(const char *pattern, unsigned slot, char dst[static LOG_FILE_PATH_MAX])
{
	const char *at;
	size_t n = 0;

	for (; n < LOG_FILE_PATH_MAX && (at = strstr(pattern, SLOT)); pattern = at + strlen(SLOT))
		n += (size_t)snprintf(dst + n, LOG_FILE_PATH_MAX - n, "%.*s%u", (int)(at - pattern),
				      pattern, slot);
	if (n < LOG_FILE_PATH_MAX)
		n += (size_t)snprintf(dst + n, LOG_FILE_PATH_MAX - n, "%s", pattern);
	return n < LOG_FILE_PATH_MAX;
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
			die(EXIT_BAD_CONFIG,
			    "%s=\"%s\": %s: a file that the workers' user can write to is wanted",
			    files[i].name, files[i].pattern, strerror(-r));
	}
}

/* The writer's birth */

static void put(FILE *out, const char *name, const char *value)
{
	if (value)
		(void)fprintf(out, "%s=%s%c", name, value, '\0');
}

/* Each entry ends with NUL, and an empty one is the last. */
static char *print_env(const struct config *c, const struct credentials *as, int fd)
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	if (!out)
		return NULL;
	put(out, "SIOINIT_LOG_OUT", c->log_out);
	put(out, "SIOINIT_LOG_ERR", c->log_err);
	put(out, "SIOINIT_LOG_ALL", c->log_all);
	put(out, "SIOINIT_LOG_FORMAT", c->log_format ? "json" : NULL);
	put(out, "JOURNAL_STREAM", getenv("JOURNAL_STREAM"));
	put(out, "LD_LIBRARY_PATH", getenv("LD_LIBRARY_PATH"));
	if (as->change) {
		(void)fputs("SIOINIT_IDS=", out);
		credentials_print(as, out);
		(void)fputc('\0', out);
	}
	(void)fprintf(out, "SIOINIT_ROLE=logs%cSIOINIT_LOG_FD=%d%c%c", '\0', fd, '\0', '\0');
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

enum { ENTRIES_MAX = 10 };

pid_t log_files_start(const struct config *c, const struct credentials *as, int *ret_fd)
{
	char *argv[] = { (char *)"sioinit: logs", NULL }, *env[ENTRIES_MAX + 1], *text;
	struct spawn_request rq = {
		.argv = argv, .env = env, .own_group = 1, .terminal = -1, .stdio = { -1, -1, -1 }
	};
	int sv[2], n = 0;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
		return -errno;
	text = print_env(c, as, sv[1]);
	for (char *e = text; e && *e && n < ENTRIES_MAX; e += strlen(e) + 1)
		env[n++] = e;
	env[n] = NULL;
	rq.inherit_fd = sv[1];
	pid = text ? spawn_self(&rq) : -ENOMEM;
	free(text);
	(void)close(sv[1]);
	if (pid < 0)
		(void)close(sv[0]);
	else
		*ret_fd = sv[0];
	return pid;
}
