/* What is executed. Interpreters are chosen by the file's extension; the serialization by what the
 * runtime can bear. */
#include "init/worker/command.h"

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

#include "base/buf.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/str.h"
#include "init/system/spawn.h"

#include "base/ban.h"

enum { PATH_BUF = COMMAND_PATH_MAX, VERSION_WAIT_MS = 2000, WORD_MAX = 1 << 20 };

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
	{ "node", RUNTIME_NODE },       { "nodejs", RUNTIME_NODE },
	{ "bun", RUNTIME_BUN },         { "deno", RUNTIME_DENO },
	{ "python", RUNTIME_OTHER },    { "python3", RUNTIME_OTHER },
	{ "sh", RUNTIME_WRAPPER },      { "bash", RUNTIME_WRAPPER },
	{ "dash", RUNTIME_WRAPPER },    { "ash", RUNTIME_WRAPPER },
	{ "busybox", RUNTIME_WRAPPER }, { "env", RUNTIME_WRAPPER },
	{ "nice", RUNTIME_WRAPPER },    { "ionice", RUNTIME_WRAPPER },
	{ "taskset", RUNTIME_WRAPPER }, { "numactl", RUNTIME_WRAPPER },
	{ "stdbuf", RUNTIME_WRAPPER },  { "setpriv", RUNTIME_WRAPPER },
	{ "gosu", RUNTIME_WRAPPER },    { "su-exec", RUNTIME_WRAPPER },
	{ "strace", RUNTIME_WRAPPER },  { "npm", RUNTIME_WRAPPER },
	{ "npx", RUNTIME_WRAPPER },     { "yarn", RUNTIME_WRAPPER },
	{ "pnpm", RUNTIME_WRAPPER },    { "tsx", RUNTIME_WRAPPER },
	{ "ts-node", RUNTIME_WRAPPER },
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

/* As execvp(3) would: 0 and the file's name in @found, -ENOENT, -EACCES (there, but not
 * executable).
 */
static int find_in_path(const char *name, char found[static PATH_BUF])
{
	const char *path = getenv("PATH");
	int result = -ENOENT;

	(void)snprintf(found, PATH_BUF, "%s", name);
	if (strchr(name, '/'))
		return check_executable(name);
	if (!path)
		path = SPAWN_PATH_DEFAULT;
	while (*path) {
		size_t n = strcspn(path, ":");
		int r;

		(void)snprintf(found, PATH_BUF, "%.*s/%s", (int)n, n ? path : ".", name);
		r = check_executable(found);
		if (r == 0)
			return 0;
		if (r == -EACCES)
			result = -EACCES;
		path += n + (path[n] == ':');
	}
	return result;
}

void command_find(const char *name, char ret[static COMMAND_PATH_MAX])
{
	if (find_in_path(name, ret) < 0)
		(void)snprintf(ret, COMMAND_PATH_MAX, "%s", name);
}

/* NULL: not by its name. */
static const enum command_runtime *runtime_named(const char *program)
{
	for (size_t i = 0; i < ARRAY_LEN(runtimes); i++)
		if (strcmp(base_name(program), runtimes[i].name) == 0)
			return &runtimes[i].runtime;
	return NULL;
}

/* A script that names any of the runtimes behind #! may turn into it. */
static bool is_wrapper_script(const char *path)
{
	FILE *f = fopen(path, "re");
	char line[256] = "", *save = NULL;
	size_t n = f ? fread(line, 1, sizeof(line) - 1, f) : 0;

	if (f)
		(void)fclose(f);
	if (n < 2 || memcmp(line, "#!", 2) != 0)
		return false;
	line[strcspn(line, "\n")] = '\0';
	for (char *w = strtok_r(line + 2, " \t", &save); w; w = strtok_r(NULL, " \t", &save))
		if (strcmp(base_name(w), "env") != 0 && w[0] != '-')
			return runtime_named(w) && *runtime_named(w) != RUNTIME_OTHER;
	return false;
}

static enum command_runtime runtime_of(const char *program)
{
	const enum command_runtime *named = runtime_named(program);
	char found[PATH_BUF];

	if (named)
		return *named;
	return find_in_path(program, found) == 0 && is_wrapper_script(found) ? RUNTIME_WRAPPER
									     : RUNTIME_OTHER;
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
	char found[PATH_BUF];
	int r = find_in_path(program, found);

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

/* Reaching workers */

static const struct reach by_setting[] = {
	[CONFIG_DISPATCH_LISTEN] = { WORKER_STYLE_LISTEN, .cluster = true },
	[CONFIG_DISPATCH_STICKY] = { WORKER_STYLE_STICKY, .cluster = true },
	[CONFIG_DISPATCH_PORT] = { WORKER_STYLE_PORT, .port = true },
	[CONFIG_DISPATCH_UNIX] = { .style = WORKER_STYLE_UNIX },
};

/* Bun's node:cluster binds the app's port by itself, while its channel works as Node's, but for
 * pings, which kill it; Deno's loses sockets that follow another message closely, so there it only
 * relays. */
static const struct reach by_runtime[] = {
	[RUNTIME_NODE] = { .cluster = true, .why = "Node: by what it does on its channel" },
	[RUNTIME_BUN] = { .cluster = true, .port = true, .why = "Bun: by its channel or its port" },
	[RUNTIME_DENO] = { WORKER_STYLE_PORT, .port = true, .why = "Deno" },
	[RUNTIME_WRAPPER] = { .cluster = true,
			      .port = true,
			      .why = "whatever that starts: by its channel or its port" },
	[RUNTIME_OTHER] = { WORKER_STYLE_PORT, .port = true, .why = "no Node" },
};

static const struct {
	bool has_channel, answers_pings;
} abilities[] = {
	[RUNTIME_NODE] = { true, true },    [RUNTIME_BUN] = { true, false },
	[RUNTIME_DENO] = { true, false },   [RUNTIME_WRAPPER] = { false, true },
	[RUNTIME_OTHER] = { false, false },
};

static bool has_placeholder(const struct command *cmd, const char *placeholder)
{
	for (size_t i = 1; i < cmd->argc; i++)
		if (strstr(cmd->argv[i], placeholder))
			return true;
	return false;
}

static struct reach choose_reach(const struct config *c, const struct command *cmd)
{
	struct reach r = by_setting[c->dispatch];

	r.why = "by setting";
	if (c->dispatch != CONFIG_DISPATCH_AUTO)
		return r;
	if (has_placeholder(cmd, "{socket}"))
		return (struct reach){ WORKER_STYLE_UNIX, .why = "{socket} among the arguments" };
	if (has_placeholder(cmd, "{port}"))
		return (struct reach){ WORKER_STYLE_PORT, .port = true,
				       .why = "{port} among the arguments" };
	return by_runtime[cmd->runtime];
}

struct reach command_reach(const struct config *c, const struct command *cmd)
{
	struct reach r = choose_reach(c, cmd);

	r.channel = r.cluster || abilities[cmd->runtime].has_channel;
	r.pings = r.cluster && abilities[cmd->runtime].answers_pings;
	return r;
}

static int put_replaced(struct buf *out, const char *text, const char *from, const char *to)
{
	const char *at;
	int r = 0;

	while (r == 0 && (at = strstr(text, from))) {
		r = buf_append(out, text, (size_t)(at - text));
		if (r == 0)
			r = buf_append(out, to, strlen(to));
		text = at + strlen(from);
	}
	return r == 0 ? buf_append(out, text, strlen(text) + 1) : r;
}

/* NULL: no memory. */
static char *fill_in(const char *word, const char *port, const char *socket)
{
	struct buf half = BUF_INIT(WORD_MAX), whole = BUF_INIT(WORD_MAX);

	if (put_replaced(&half, word, "{port}", port) < 0 ||
	    put_replaced(&whole, half.p, "{socket}", socket) < 0)
		buf_free(&whole);
	buf_free(&half);
	return whole.p;
}

char **command_argv(const struct command *cmd, const char *port, const char *socket)
{
	char **argv = calloc(cmd->argc + 1, sizeof(*argv));

	for (size_t i = 0; argv && i < cmd->argc; i++) {
		argv[i] = fill_in(cmd->argv[i], port, socket);
		if (!argv[i]) {
			command_free_argv(argv);
			return NULL;
		}
	}
	return argv;
}

void command_free_argv(char **argv)
{
	for (char **w = argv; w && *w; w++)
		free(*w);
	free(argv);
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
	char version[64], found[PATH_BUF];

	if (cmd->runtime == RUNTIME_BUN)
		return (struct dialect){ SERIAL_JSON, false, "by runtime" };
	if (cmd->runtime == RUNTIME_DENO)
		return (struct dialect){ SERIAL_ADVANCED, false, "by runtime" };
	if (!is_node && find_in_path("node", found) < 0)
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
