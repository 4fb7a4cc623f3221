/* fork and exec. What fails is reported through a pipe that a successful exec closes. */
#include "init/system/spawn.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macros.h"
#include "init/system/credentials.h"
#include "init/system/process_limits.h"
#include "init/system/terminal.h"

#include "base/ban.h"

enum { ARGS_MAX = 1024 };

static const char shell[] = "/bin/sh";

/* What the child says when it fails. */
struct report {
	enum spawn_step step;
	int err;
};

/* With all signals blocked; those that come meanwhile find the default action when they are
 * let in, last of all. */
static void reset_signals(void)
{
	for (int s = 1; s < NSIG; s++)
		if (s != SIGKILL && s != SIGSTOP)
			(void)signal(s, SIG_DFL);
}

static void let_signals_in(void)
{
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void take_stdio(const int stdio[3])
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (stdio[fd] >= 0)
			(void)dup2(stdio[fd], fd);
}

/* While it still has our rights. */
static int take_limits(const struct config *c, enum spawn_step *ret_step)
{
	static const struct {
		enum spawn_step step;
		int (*apply)(const struct config *c);
	} limits[] = { { SPAWN_OOM_SCORE_ADJ, process_limits_apply_oom_score_adj },
		       { SPAWN_NICE, process_limits_apply_nice },
		       { SPAWN_RLIMITS, process_limits_apply_rlimits } };

	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		int r = limits[i].apply(c);

		*ret_step = limits[i].step;
		if (r < 0)
			return r;
	}
	process_limits_apply_umask(c);
	return 0;
}

/* The death signal comes last: a change of credentials clears it. */
static int become(const struct spawn_request *rq)
{
	int r = rq->as ? credentials_assume(rq->as) : 0;

	if (r < 0)
		return r;
	if (rq->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	if (rq->cwd && chdir(rq->cwd) < 0)
		return -errno;
	return prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ? -errno : 0;
}

static bool is_elf(const char *path)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	char magic[SELFMAG];

	return fd >= 0 && read(fd, magic, SELFMAG) == SELFMAG &&
	       memcmp(magic, ELFMAG, SELFMAG) == 0;
}

/* A file without #! is the shell's, as execvp(3) has it; a program for another machine is not. */
static void exec_path(const char *path, char *const *argv)
{
	char *words[ARGS_MAX] = { (char *)shell, (char *)path };
	size_t n = 1;

	(void)execv(path, argv);
	if (errno != ENOEXEC || is_elf(path))
		return;
	for (; argv[n] && n + 2 < ARGS_MAX; n++)
		words[n + 1] = argv[n];
	if (!argv[n])
		(void)execv(shell, words);
	errno = ENOEXEC;
}

/* Where PATH says. Returns a negative errno: of what is there but cannot be executed, if there is
 * any. */
static int exec_file(const char *file, char *const *argv)
{
	const char *path = getenv("PATH");
	char found[PATH_MAX];
	int err = ENOENT;

	if (strchr(file, '/')) {
		exec_path(file, argv);
		return -errno;
	}
	if (!path)
		path = SPAWN_PATH_DEFAULT;
	while (*path) {
		size_t n = strcspn(path, ":");

		(void)snprintf(found, sizeof(found), "%.*s/%s", (int)n, n ? path : ".", file);
		exec_path(found, argv);
		if (errno == EACCES)
			err = EACCES;
		else if (errno != ENOENT && errno != ENOTDIR)
			return -errno;
		path += n + (path[n] == ':');
	}
	return -err;
}

static int prepare(const struct spawn_request *rq, enum spawn_step *ret_step)
{
	int r = rq->worker ? take_limits(rq->worker, ret_step) : 0;

	if (r < 0)
		return r;
	*ret_step = SPAWN_CREDENTIALS;
	return become(rq);
}

static void child(const struct spawn_request *rq, const char *file, pid_t parent, int report)
{
	struct report failed = { .step = SPAWN_CREDENTIALS };

	if (rq->own_group)
		(void)setpgid(0, 0);
	if (rq->terminal >= 0)
		terminal_set_foreground(rq->terminal, getpid());
	reset_signals();
	take_stdio(rq->stdio);
	failed.err = -prepare(rq, &failed.step);
	if (getppid() != parent)
		_exit(0);
	if (rq->inherit_fd >= 0)
		(void)fd_set_cloexec(rq->inherit_fd, 0);
	environ = (char **)rq->env;
	if (failed.err == 0) {
		failed.step = SPAWN_EXEC;
		let_signals_in();
		failed.err = -exec_file(file, rq->argv);
	}
	if (write(report, &failed, sizeof(failed)) < 0)
		_exit(126);
	_exit(failed.err == ENOENT ? 127 : 126);
}

/* A copy of us in which no signal is handled. */
static pid_t fork_deaf(const sigset_t *all, sigset_t *before)
{
	pid_t pid;
	int err;

	(void)sigprocmask(SIG_SETMASK, all, before);
	pid = fork();
	err = errno;
	if (pid != 0)
		(void)sigprocmask(SIG_SETMASK, before, NULL);
	return pid < 0 ? -err : pid;
}

static pid_t start(const struct spawn_request *rq, const char *file, bool is_self,
		   struct report *ret)
{
	pid_t parent = getpid(), pid;
	auto_fd int near = -1, far = -1;
	sigset_t all, before;
	int ends[2];

	*ret = (struct report){ .step = SPAWN_FORK };
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	near = ends[0];
	far = ends[1];
	(void)sigfillset(&all);
	pid = fork_deaf(&all, &before);
	if (pid < 0)
		return pid;
	if (pid == 0) {
		if (!is_self)
			process_limits_give_back();
		child(rq, file, parent, far);
	}
	fd_close(&far);
	return read(near, ret, sizeof(*ret)) == sizeof(*ret) ? -ret->err : pid;
}

static pid_t spawn_file(const struct spawn_request *rq, const char *file, bool is_self)
{
	struct report failed;
	pid_t pid = start(rq, file, is_self, &failed);

	if (pid < 0 && rq->ret_step)
		*rq->ret_step = failed.step;
	return pid;
}

pid_t spawn(const struct spawn_request *rq)
{
	return spawn_file(rq, rq->argv[0], false);
}

pid_t spawn_self(const struct spawn_request *rq)
{
	return spawn_file(rq, "/proc/self/exe", true);
}

static int is_private(const char *entry)
{
	static const char *const prefixes[] = {
		"SIOINIT_",        "LISTEN_FDS=",        "LISTEN_PID=",   "LISTEN_FDNAMES=",
		"NOTIFY_SOCKET=",  "WATCHDOG_USEC=",     "WATCHDOG_PID=", "NODE_CHANNEL_",
		"NODE_UNIQUE_ID=", "NODE_APP_INSTANCE=", "PORT=",         "LISTEN_PIDFDID=",
		"pm_id="
	};

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (strncmp(entry, prefixes[i], strlen(prefixes[i])) == 0)
			return 1;
	return 0;
}

static int is_replaced(const char *entry, char *const *extra)
{
	size_t n = strcspn(entry, "=") + 1;

	for (; *extra; extra++)
		if (strncmp(entry, *extra, n) == 0)
			return 1;
	return 0;
}

char **spawn_env(char *const *extra)
{
	return spawn_env_of(environ, extra);
}

char **spawn_env_of(char *const *ours, char *const *extra)
{
	size_t n = 1, at = 0;
	char **env;

	for (char *const *e = ours; *e; e++)
		n++;
	for (char *const *e = extra; *e; e++)
		n++;
	env = malloc(n * sizeof(*env));
	if (!env)
		return NULL;
	for (char *const *e = ours; *e; e++)
		if (!is_private(*e) && !is_replaced(*e, extra))
			env[at++] = *e;
	for (char *const *e = extra; *e; e++)
		env[at++] = (char *)*e;
	env[at] = NULL;
	return env;
}
