/* fork and exec. A failing exec reports its errno through a pipe that a successful one closes. */
#include "init/system/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macros.h"
#include "init/system/credentials.h"
#include "init/system/terminal.h"

#include "base/ban.h"

static void reset_signals(void)
{
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		if (s != SIGKILL && s != SIGSTOP)
			(void)signal(s, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void take_stdio(const int stdio[3])
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (stdio[fd] >= 0)
			(void)dup2(stdio[fd], fd);
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

static void child(const struct spawn_request *rq, const char *file, pid_t parent, int report)
{
	int err;

	if (rq->own_group)
		(void)setpgid(0, 0);
	if (rq->terminal >= 0)
		terminal_set_foreground(rq->terminal, getpid());
	reset_signals();
	take_stdio(rq->stdio);
	err = -become(rq);
	if (getppid() != parent)
		_exit(0);
	if (rq->inherit_fd >= 0)
		(void)fd_set_cloexec(rq->inherit_fd, 0);
	environ = (char **)rq->env;
	if (err == 0) {
		(void)execvp(file, rq->argv);
		err = errno;
	}
	if (write(report, &err, sizeof(err)) < 0)
		_exit(126);
	_exit(err == ENOENT ? 127 : 126);
}

static pid_t spawn_file(const struct spawn_request *rq, const char *file)
{
	pid_t parent = getpid(), pid;
	auto_fd int near = -1, far = -1;
	int ends[2], err;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	near = ends[0];
	far = ends[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		child(rq, file, parent, far);
	fd_close(&far);
	if (read(near, &err, sizeof(err)) == sizeof(err))
		return -err;
	return pid;
}

pid_t spawn(const struct spawn_request *rq)
{
	return spawn_file(rq, rq->argv[0]);
}

pid_t spawn_self(const struct spawn_request *rq)
{
	return spawn_file(rq, "/proc/self/exe");
}

static int is_private(const char *entry)
{
	static const char *const prefixes[] = {
		"SIOINIT_",        "LISTEN_FDS=",        "LISTEN_PID=",   "LISTEN_FDNAMES=",
		"NOTIFY_SOCKET=",  "WATCHDOG_USEC=",     "WATCHDOG_PID=", "NODE_CHANNEL_",
		"NODE_UNIQUE_ID=", "NODE_APP_INSTANCE=", "PORT=",         "LISTEN_PIDFDID="
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
