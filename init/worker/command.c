/* What is executed. Interpreters are chosen by the file's extension. */
#include "init/worker/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/macros.h"
#include "init/system/spawn.h"
#include "init/worker/single_executable.h"
#include "init/worker/starters.h"
#include "settings/interpreter.h"

#include "base/ban.h"

enum { WORD_MAX = 1 << 20 };

static const struct {
	const char *name;
	enum command_runtime runtime;
} runtimes[] = {
	{ "node", RUNTIME_NODE },    { "nodejs", RUNTIME_NODE },  { "bun", RUNTIME_BUN },
	{ "deno", RUNTIME_DENO },    { "python", RUNTIME_OTHER }, { "pypy", RUNTIME_OTHER },
	{ "ruby", RUNTIME_OTHER },   { "php", RUNTIME_OTHER },    { "perl", RUNTIME_OTHER },
	{ "java", RUNTIME_OTHER },   { "dotnet", RUNTIME_OTHER }, { "erl", RUNTIME_OTHER },
	{ "elixir", RUNTIME_OTHER },
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
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

int command_find(const char *name, char found[static COMMAND_PATH_MAX])
{
	const char *path = getenv("PATH");
	int result = -ENOENT;

	(void)snprintf(found, COMMAND_PATH_MAX, "%s", name);
	if (strchr(name, '/'))
		return check_executable(name);
	if (!path)
		path = SPAWN_PATH_DEFAULT;
	while (*path) {
		size_t n = strcspn(path, ":");
		int r;

		(void)snprintf(found, COMMAND_PATH_MAX, "%.*s/%s", (int)n, n ? path : ".", name);
		r = check_executable(found);
		if (r == 0)
			return 0;
		if (r == -EACCES)
			result = -EACCES;
		path += n + (path[n] == ':');
	}
	return result;
}

/* Without a version, as in python3.11. */
static size_t name_length(const char *program)
{
	size_t n = strcspn(program, "0123456789");

	return program[n + strspn(program + n, "0123456789.")] ? strlen(program) : n;
}

/* NULL: not by its name. */
static const enum command_runtime *runtime_named(const char *program)
{
	const char *base = base_name(program);
	size_t n = name_length(base);

	for (size_t i = 0; i < ARRAY_LEN(runtimes); i++)
		if (strlen(runtimes[i].name) == n && strncmp(base, runtimes[i].name, n) == 0)
			return &runtimes[i].runtime;
	return NULL;
}

/* Of a file by what stands behind #!: what names an interpreter that never becomes Node does not
 * either. */
static enum command_runtime runtime_of_script(const char *path)
{
	FILE *f = fopen(path, "re");
	char line[256] = "", *save = NULL;
	size_t n = f ? fread(line, 1, sizeof(line) - 1, f) : 0;

	if (f)
		(void)fclose(f);
	if (n < 2 || memcmp(line, "#!", 2) != 0)
		return RUNTIME_WRAPPER;
	line[strcspn(line, "\n")] = '\0';
	for (char *w = strtok_r(line + 2, " \t", &save); w; w = strtok_r(NULL, " \t", &save))
		if (strcmp(base_name(w), "env") != 0 && w[0] != '-')
			return runtime_named(w) && *runtime_named(w) == RUNTIME_OTHER
				   ? RUNTIME_OTHER
				   : RUNTIME_WRAPPER;
	return RUNTIME_WRAPPER;
}

/* Bun's own image has a link to it that is called node. */
static bool is_bun(const char *program)
{
	char found[COMMAND_PATH_MAX];
	char *file = command_find(program, found) == 0 ? realpath(found, NULL) : NULL;
	bool is = file && strcmp(base_name(file), "bun") == 0;

	free(file);
	return is;
}

static enum command_runtime runtime_of_node(const struct command *cmd)
{
	if (is_bun(cmd->argv[0]))
		return RUNTIME_BUN;
	return starters_run_by(cmd->argv) ? RUNTIME_WRAPPER : RUNTIME_NODE;
}

/* What nobody knows may become anything. */
static void find_runtime(struct command *cmd)
{
	const enum command_runtime *named = runtime_named(cmd->argv[0]);
	char found[COMMAND_PATH_MAX];

	if (named) {
		cmd->runtime = *named == RUNTIME_NODE ? runtime_of_node(cmd) : *named;
		return;
	}
	(void)command_find(cmd->argv[0], found);
	cmd->has_script_inside = single_executable_is_node(found);
	cmd->runtime = cmd->has_script_inside ? RUNTIME_NODE : runtime_of_script(found);
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
	char found[COMMAND_PATH_MAX];
	int r = command_find(program, found);

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
	interpreter = interpreter_for(words[0], INTERPRETER_OF_OURS);
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
	find_runtime(&cmd);
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
	char **argv = calloc(cmd->argc + 2, sizeof(*argv));

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
