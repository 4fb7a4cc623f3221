/* What is executed. Interpreters are chosen by the file's extension; the serialization by what the
 * runtime can bear. */
#include "init/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/str.h"

#include "base/ban.h"

enum { PATH_BUF = 4096, VERSION_WAIT_MS = 2000 };

static const struct {
	const char *extension, *interpreter;
} interpreters[] = {
	{ ".js", "node" }, { ".mjs", "node" }, { ".cjs", "node" },
	{ ".ts", "node" }, { ".mts", "node" }, { ".py", "python3" },
};

static const struct {
	const char *name;
	enum command_runtime runtime;
} runtimes[] = {
	{ "node", RUNTIME_NODE },
	{ "nodejs", RUNTIME_NODE },
	{ "bun", RUNTIME_BUN },
	{ "deno", RUNTIME_DENO },
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static const char *interpreter_for(const char *file)
{
	const char *dot = strrchr(base_name(file), '.');

	for (size_t i = 0; dot && i < ARRAY_LEN(interpreters); i++)
		if (strcmp(dot, interpreters[i].extension) == 0)
			return interpreters[i].interpreter;
	return NULL;
}

static int check_executable(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || access(path, X_OK) < 0)
		return -EACCES;
	return 0;
}

/* As execvp(3) would: 0, -ENOENT, -EACCES (found, but not executable). */
static int find_in_path(const char *name)
{
	const char *path = getenv("PATH");
	int result = -ENOENT;

	if (strchr(name, '/'))
		return check_executable(name);
	if (!path)
		path = "/usr/local/bin:/usr/bin:/bin";
	while (*path) {
		size_t n = strcspn(path, ":");
		char candidate[PATH_BUF];
		int r;

		(void)snprintf(candidate, sizeof(candidate), "%.*s/%s", (int)n, n ? path : ".",
			       name);
		r = check_executable(candidate);
		if (r == 0)
			return 0;
		if (r == -EACCES)
			result = -EACCES;
		path += n + (path[n] == ':');
	}
	return result;
}

static enum command_runtime runtime_of(const char *program)
{
	for (size_t i = 0; i < ARRAY_LEN(runtimes); i++)
		if (strcmp(base_name(program), runtimes[i].name) == 0)
			return runtimes[i].runtime;
	return RUNTIME_OTHER;
}

struct resolver {
	int *exit_code;
	char *err;
	size_t err_size;
};

static int fail(const struct resolver *rs, int code, int r, const char *fmt, const char *what)
{
	*rs->exit_code = code;
	(void)snprintf(rs->err, rs->err_size, fmt, what);
	return r;
}

static int check_program(const struct resolver *rs, const char *program)
{
	int r = find_in_path(program);

	/* a file such as app.rb, meant as a script */
	if (r < 0 && strchr(base_name(program), '.') && access(program, R_OK) == 0)
		return fail(rs, EXIT_NOT_EXECUTABLE, -ENOEXEC,
			    "%s: not a program, and its extension names no interpreter; write one "
			    "before it",
			    program);
	if (r == -EACCES)
		return fail(rs, EXIT_NOT_EXECUTABLE, r,
			    "%s: not executable (chmod +x, or name its interpreter)", program);
	if (r < 0)
		return fail(rs, EXIT_NOT_FOUND, -ENOENT,
			    strchr(program, '/') ? "%s: no such program"
						 : "%s: no such program in PATH",
			    program);
	return 0;
}

static int check_script(const struct resolver *rs, const char *script)
{
	if (access(script, F_OK) < 0)
		return fail(rs, EXIT_NOT_FOUND, -ENOENT,
			    "%s: no such file (a relative path starts in the working directory)",
			    script);
	if (access(script, R_OK) < 0)
		return fail(rs, EXIT_NOT_EXECUTABLE, -EACCES, "%s: not readable", script);
	return 0;
}

static int build_argv(struct command *cmd, const char *interpreter, char *const *words, size_t n)
{
	size_t at = 0;

	cmd->argv = calloc(n + 2, sizeof(*cmd->argv));
	if (!cmd->argv)
		return -ENOMEM;
	if (interpreter)
		cmd->argv[at++] = strdup(interpreter);
	for (size_t i = 0; i < n; i++)
		cmd->argv[at++] = strdup(words[i]);
	cmd->argc = at;
	for (size_t i = 0; i < at; i++)
		if (!cmd->argv[i])
			return -ENOMEM;
	return 0;
}

int command_resolve(const struct config *c, struct command *ret, int *ret_exit, char *err,
		    size_t err_size)
{
	struct resolver rs = { ret_exit, err, err_size };
	char *app[] = { (char *)c->app, NULL };
	char *const *words = c->command ? c->command : app;
	size_t n = c->command ? c->command_len : (c->app ? 1 : 0);
	struct command cmd = { 0 };
	const char *interpreter;
	int r;

	if (n == 0)
		return fail(
		    &rs, EXIT_BAD_CONFIG, -EINVAL,
		    "nothing to run: name a script (sioinit worker.js), a command, or set %s",
		    "SIOINIT_APP");
	interpreter = interpreter_for(words[0]);
	r = interpreter ? check_script(&rs, words[0]) : 0;
	if (r == 0)
		r = check_program(&rs, interpreter ? interpreter : words[0]);
	if (r < 0)
		return r;
	r = build_argv(&cmd, interpreter, words, n);
	if (r < 0) {
		command_free(&cmd);
		return fail(&rs, EXIT_OUR_FAILURE, r, "out of memory%s", "");
	}
	cmd.runtime = runtime_of(cmd.argv[0]);
	*ret = cmd;
	return 0;
}

void command_free(struct command *c)
{
	for (size_t i = 0; i < c->argc; i++)
		free(c->argv[i]);
	free(c->argv);
	*c = (struct command){ 0 };
}

/* Serialization */

/* Node lines where a read of the channel that ends inside a length prefix stalls it for ever: minor
 * versions from, to. Of the odd ones nobody knows. */
static const struct {
	unsigned major, from, to;
} stalling[] = { { 18, 5, 999 }, { 19, 0, 999 }, { 20, 0, 18 },
		 { 21, 0, 999 }, { 22, 0, 13 },  { 23, 0, 999 } };

struct dialect command_dialect_of_version(const char *version)
{
	struct dialect d = { SERIAL_ADVANCED, false, "keeps binary intact" };
	unsigned major, minor;

	if (sscanf(version, "v%u.%u", &major, &minor) != 2)
		return (struct dialect){ SERIAL_ADVANCED, true, "node --version gave no answer" };
	if (major < 18)
		return (struct dialect){ SERIAL_JSON, false, "this Node is too old" };
	for (size_t i = 0; i < ARRAY_LEN(stalling); i++)
		d.bound_unread |= major == stalling[i].major && minor >= stalling[i].from &&
				  minor <= stalling[i].to;
	if (d.bound_unread)
		d.why = "in small portions, which this Node version needs";
	return d;
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits for the first line or the end, VERSION_WAIT_MS in all; a NUL-terminated part of it when it
 * does not come. */
static void read_line(int fd, char *dst, size_t size)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t left, deadline = now_ms() + VERSION_WAIT_MS;
	size_t n = 0;

	while (n + 1 < size && !memchr(dst, '\n', n) && (left = deadline - now_ms()) > 0) {
		ssize_t k;

		if (poll(&p, 1, (int)left) <= 0)
			continue;
		k = read(fd, dst + n, size - 1 - n);
		if (k == 0 || (k < 0 && errno != EINTR))
			break;
		n += k > 0 ? (size_t)k : 0;
	}
	dst[n] = '\0';
}

/* `PROGRAM --version`. The child has said all or is too late: killed either way, and reaped with
 * all others, later. */
static void ask_version(const char *program, char *dst, size_t size)
{
	char *argv[] = { (char *)program, "--version", NULL };
	posix_spawn_file_actions_t actions;
	auto_fd int near = -1, far = -1;
	int ends[2];
	pid_t pid;

	dst[0] = '\0';
	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	near = ends[0];
	far = ends[1];
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_adddup2(&actions, far, STDOUT_FILENO);
	if (posix_spawnp(&pid, program, &actions, NULL, argv, environ) == 0) {
		fd_close(&far);
		read_line(near, dst, size);
		(void)kill(pid, SIGKILL);
	}
	(void)posix_spawn_file_actions_destroy(&actions);
}

static struct dialect detect_dialect(const struct command *cmd)
{
	bool is_node = cmd->runtime == RUNTIME_NODE;
	char version[64];

	if (cmd->runtime == RUNTIME_BUN)
		return (struct dialect){ SERIAL_JSON, false, "by runtime" };
	if (cmd->runtime == RUNTIME_DENO)
		return (struct dialect){ SERIAL_ADVANCED, false, "by runtime" };
	if (!is_node && find_in_path("node") < 0)
		return (struct dialect){ SERIAL_ADVANCED, false, "no node in PATH" };
	ask_version(is_node ? cmd->argv[0] : "node", version, sizeof(version));
	return command_dialect_of_version(version);
}

struct dialect command_dialect(const struct config *c, const struct command *cmd)
{
	struct dialect d = detect_dialect(cmd);

	if (c->serialization == CONFIG_SERIAL_AUTO)
		return d;
	d.mode = c->serialization == CONFIG_SERIAL_JSON ? SERIAL_JSON : SERIAL_ADVANCED;
	d.bound_unread = d.bound_unread && d.mode == SERIAL_ADVANCED;
	d.why = "by setting";
	return d;
}
