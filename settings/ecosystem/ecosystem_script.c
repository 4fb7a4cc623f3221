/* JavaScript is node's matter: it evaluates the file and says the value as JSON on a pipe of its
 * own, so that what the file itself prints cannot get in between. Before the first worker:
 * blocking, and what is killed here is reaped with all others, later. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "settings/ecosystem/ecosystem_tree.h"

#include "base/ban.h"

enum { ANSWER_FD = 3, ANSWER_MAX = 1 << 20, PIECE = 4096 };

/* import() reads CommonJS and modules alike; .json is what pm2 takes it for, an expression.
 * process.exit(): the file may have started timers. */
static const char evaluate[] =
    "const fs = require('fs'), file = require('path').resolve(process.argv.pop());"
    "const say = (value) => { fs.writeFileSync(3, JSON.stringify(value) ?? ''); process.exit(); };"
    "if (file.endsWith('.json'))"
    "  say(require('vm').runInThisContext('(' + fs.readFileSync(file, 'utf8') + ')', file));"
    "else"
    "  import(require('url').pathToFileURL(file)).then((m) => say(m.default ?? m));";

/* To the end. 0, -ETIMEDOUT, -EMSGSIZE, -errno. */
static int read_answer(int fd, int64_t deadline, struct buf *ret)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (;;) {
		int64_t left = deadline - clock_ms();
		char piece[PIECE];
		ssize_t k;
		int r;

		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)left) <= 0)
			continue;
		k = read(fd, piece, sizeof(piece));
		if (k == 0)
			return 0;
		if (k < 0 && errno != EINTR)
			return -errno;
		r = k > 0 ? buf_append(ret, piece, (size_t)k) : 0;
		if (r < 0)
			return r;
	}
}

/* The pid, in a group of its own, or -errno. The path stands there twice as Bun, where it is called
 * node, drops the first word behind the script of -e. */
static pid_t start_node(const char *path, int answer)
{
	char *argv[] = { "node", "-e", (char *)evaluate, "--", (char *)path, (char *)path, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	pid_t pid;
	int r;

	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	(void)posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	(void)posix_spawn_file_actions_adddup2(&actions, answer, ANSWER_FD);
	(void)posix_spawnattr_init(&attributes);
	(void)sigemptyset(&none);
	(void)posix_spawnattr_setsigmask(&attributes, &none);
	(void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
	r = posix_spawnp(&pid, argv[0], &actions, &attributes, argv, environ);
	(void)posix_spawnattr_destroy(&attributes);
	(void)posix_spawn_file_actions_destroy(&actions);
	return r ? -r : pid;
}

/* 0, or -errno as read_answer() or of starting node. */
static int run(const char *path, unsigned timeout_ms, struct buf *ret)
{
	int64_t deadline = clock_ms() + timeout_ms;
	auto_fd int near = -1, far = -1;
	int ends[2], r;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	near = ends[0];
	far = ends[1];
	pid = start_node(path, far);
	if (pid < 0)
		return pid;
	fd_close(&far);
	r = read_answer(near, deadline, ret);
	(void)kill(-pid, SIGKILL);
	return r;
}

static void explain(int r, unsigned timeout_ms, char *err, size_t err_size)
{
	if (r == -ENOENT)
		(void)snprintf(err, err_size, "node reads it, and there is no node in PATH");
	else if (r == -ETIMEDOUT)
		(void)snprintf(err, err_size, "node has not come to its end within %g s",
			       timeout_ms / 1000.0);
	else if (r < 0)
		(void)snprintf(err, err_size, "node cannot read it: %s", strerror(-r));
	else
		(void)snprintf(
		    err, err_size,
		    "node cannot read it (what it says is above), or it exports nothing");
}

json_t *ecosystem_tree_of_script(const char *path, unsigned timeout_ms, char *err, size_t err_size)
{
	struct buf answer = BUF_INIT(ANSWER_MAX);
	int r = run(path, timeout_ms, &answer);
	json_t *tree = NULL;

	if (r < 0 || answer.len == 0)
		explain(r, timeout_ms, err, err_size);
	else
		tree = ecosystem_tree_of_json(buf_str(&answer), err, err_size);
	buf_free(&answer);
	return tree;
}
