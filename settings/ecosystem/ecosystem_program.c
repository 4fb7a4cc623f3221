/* Where the script is, as pm2 looks for it: in the app's directory, then in PATH; what runs it; and
 * what pm2 tells an app of itself. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macros.h"
#include "settings/ecosystem/ecosystem_reader.h"
#include "settings/interpreter.h"

#include "base/ban.h"

enum { PATH_BUF = 4096 };

enum place { NOWHERE, IN_CWD, IN_PATH };

/* Paths */

/* One name of a path onto @dst, which has none but those of an absolute path. */
static void append_name(char dst[static PATH_BUF], const char *name, size_t n)
{
	size_t len = strlen(dst);

	if (n == 0 || (n == 1 && name[0] == '.'))
		return;
	if (n == 2 && memcmp(name, "..", 2) == 0)
		*(strrchr(dst, '/') ? strrchr(dst, '/') : dst) = '\0';
	else
		(void)snprintf(dst + len, PATH_BUF - len, "/%.*s", (int)n, name);
}

static void append_names(char dst[static PATH_BUF], const char *path)
{
	while (*path) {
		size_t n = strcspn(path, "/");

		append_name(dst, path, n);
		path += n + (path[n] == '/');
	}
}

/* @path as seen from @base, absolute and without . and .., whatever there is. */
static void resolve(const char *base, const char *path, char dst[static PATH_BUF])
{
	dst[0] = '\0';
	if (path[0] != '/')
		append_names(dst, base);
	append_names(dst, path);
	if (!dst[0])
		(void)snprintf(dst, PATH_BUF, "/");
}

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISDIR(st.st_mode) && access(path, X_OK) == 0;
}

static bool find_in_path(const char *name, char dst[static PATH_BUF])
{
	const char *path = getenv("PATH");

	while (path && *path && !strchr(name, '/')) {
		size_t n = strcspn(path, ":");

		(void)snprintf(dst, PATH_BUF, "%.*s/%s", (int)n, n ? path : ".", name);
		if (is_program(dst))
			return true;
		path += n + (path[n] == ':');
	}
	return false;
}

static enum place find_script(const char *cwd, const char *script, char dst[static PATH_BUF])
{
	resolve(cwd, script, dst);
	if (access(dst, F_OK) == 0)
		return IN_CWD;
	if (find_in_path(script, dst))
		return IN_PATH;
	resolve(cwd, script, dst);
	return NOWHERE;
}

/* The command */

static void replace_word(struct ecosystem_reader *r, size_t at, const char *word)
{
	char *copy = strdup(word);

	if (!copy) {
		ecosystem_fail(r, "out of memory");
		return;
	}
	free(r->eco->command[at]);
	r->eco->command[at] = copy;
}

static void insert_word(struct ecosystem_reader *r, size_t at, const char *word)
{
	struct ecosystem *e = r->eco;
	char **list = realloc(e->command, (e->command_len + 2) * sizeof(*list)),
	     *copy = strdup(word);

	if (list)
		e->command = list;
	if (!list || !copy) {
		free(copy);
		ecosystem_fail(r, "out of memory");
		return;
	}
	memmove(&list[at + 1], &list[at], (e->command_len + 1 - at) * sizeof(*list));
	list[at] = copy;
	e->command_len++;
	e->script_at += at <= e->script_at;
}

/* What starts the app as another process: Node's options would be its own, and be lost on the app.
 */
static bool only_starts_others(const char *path)
{
	static const char *const names[] = { "npm", "npx", "yarn", "pnpm" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(strrchr(path, '/') + 1, names[i]) == 0)
			return true;
	return false;
}

static void drop_interpreter(struct ecosystem_reader *r)
{
	struct ecosystem *e = r->eco;
	size_t n = e->script_at;

	for (size_t i = 0; i < n; i++)
		free(e->command[i]);
	memmove(e->command, e->command + n, (e->command_len + 1 - n) * sizeof(*e->command));
	e->command_len -= n;
	e->script_at = 0;
	e->bare = true;
}

static void run_by_node(struct ecosystem_reader *r)
{
	insert_word(r, 0, "node");
	r->eco->bare = false;
}

/* A program, or a script that says itself that it is for another interpreter than node. */
static bool runs_by_itself(const char *path)
{
	char head[128] = "", *end;
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, head, sizeof(head) - 1) < 2)
		return true;
	if (strncmp(head, "#!", 2) != 0)
		return strncmp(head, "\177ELF", 4) == 0;
	end = strchr(head, '\n');
	if (end)
		*end = '\0';
	return !strstr(head, "node");
}

/* A program of the app's is not to be looked for in PATH. */
static void name_here(struct ecosystem_reader *r)
{
	const char *script = r->eco->command[r->eco->script_at];
	char here[PATH_BUF];

	if (strchr(script, '/'))
		return;
	(void)snprintf(here, sizeof(here), "./%s", script);
	replace_word(r, r->eco->script_at, here);
}

/* A file of the app's that no interpreter was said for. bin/www, without an extension, is for node.
 */
static void settle_bare(struct ecosystem_reader *r, const char *path)
{
	const char *script = r->eco->command[r->eco->script_at], *dot = strrchr(script, '.');
	bool has_extension = dot && dot > script && !strchr(dot, '/');

	if (!has_extension && !runs_by_itself(path))
		run_by_node(r);
	else if (!interpreter_for(script, INTERPRETER_OF_OURS))
		name_here(r);
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

/* What is executed, without folders. */
static const char *runner(const struct ecosystem *e)
{
	const char *by = e->bare ? interpreter_for(e->command[0], INTERPRETER_OF_OURS) : NULL,
		   *program = by ? by : e->command[0], *slash = strrchr(program, '/');

	return slash ? slash + 1 : program;
}

static bool is_for_node(const struct ecosystem *e)
{
	return strcmp(runner(e), "node") == 0;
}

static void map_sources(struct ecosystem_reader *r)
{
	if (!r->eco->source_maps || !is_for_node(r->eco))
		return;
	if (r->eco->bare)
		run_by_node(r);
	insert_word(r, 1, "--enable-source-maps");
}

/* pm2 takes python for .py, and python3 where there is none. */
static void choose_python(struct ecosystem_reader *r)
{
	const char *by = interpreter_for(r->eco->command[r->eco->script_at], INTERPRETER_OF_PM2);
	char path[PATH_BUF];

	if (!r->eco->has_interpreter && by && strcmp(by, "python3") == 0 &&
	    find_in_path("python", path))
		replace_word(r, 0, "python");
}

static void settle_command(struct ecosystem_reader *r, enum place place, const char *path)
{
	struct ecosystem *e = r->eco;

	choose_python(r);
	if (e->bare && place == IN_CWD)
		settle_bare(r, path);
	else if (place == IN_CWD && e->script_at == 0)
		name_here(r);
	else if (!e->bare && place == IN_PATH && is_for_node(e) && only_starts_others(path))
		drop_interpreter(r);
	else if (!e->bare && place == IN_PATH)
		replace_word(r, e->script_at, path);
	map_sources(r);
}

/* Identity */

static const char *exec_mode(const struct ecosystem *e)
{
	if (e->exec_mode)
		return e->exec_mode;
	return e->has_instances && (is_for_node(e) || ends_with(e->command[0], "bun"))
		   ? "cluster_mode"
		   : "fork_mode";
}

static void identify(struct ecosystem_reader *r, const char *cwd, const char *path)
{
	struct ecosystem *e = r->eco;

	r->key = "as pm2";
	ecosystem_add_own(r, &e->identity, "name", e->app);
	ecosystem_add_own(r, &e->identity, "exec_mode", exec_mode(e));
	if (r->beside)
		ecosystem_add_own(r, &e->identity, "instances", "1");
	ecosystem_add_own(r, &e->identity, "pm_cwd", cwd);
	ecosystem_add_own(r, &e->identity, "pm_exec_path", path);
}

void ecosystem_settle_program(struct ecosystem_reader *r)
{
	struct ecosystem *e = r->eco;
	bool is_line = e->script_at == e->command_len;
	char *here = getcwd(NULL, 0), cwd[PATH_BUF], path[PATH_BUF];
	enum place place;

	if (!here) {
		ecosystem_fail(r, "working directory: %s", strerror(errno));
		return;
	}
	resolve(here, e->cwd ? e->cwd : ".", cwd);
	free(here);
	place = find_script(cwd, e->command[is_line ? 0 : e->script_at], path);
	if (!is_line)
		settle_command(r, place, path);
	identify(r, cwd, path);
}
