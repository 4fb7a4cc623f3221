/* From what was given to what is executed; the choice of the serialization. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/macros.h"
#include "init/worker/command.h"
#include "init/worker/dialect.h"
#include "init/worker/reach.h"
#include "init/worker/version_question.h"

static const char search_path[] = "/nowhere:bin:";
static char folder[] = "/tmp/sioinit-test-command-XXXXXX", *saved_path;
static struct command cmd;
static char err[512];
static int exit_code;

static void write_file(const char *name, mode_t mode, const char *text)
{
	FILE *f = fopen(name, "we");

	assert_non_null(f);
	(void)fputs(text, f);
	(void)fclose(f);
	assert_int_equal(chmod(name, mode), 0);
}

/* An ELF header, one segment, and in that the note that Node looks for. */
static void write_single_executable(const char *name)
{
	Elf64_Ehdr e = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64 },
			 .e_phoff = sizeof(e),
			 .e_phnum = 1 };
	Elf64_Phdr p = { .p_type = PT_NOTE, .p_offset = sizeof(e) + sizeof(p), .p_filesz = 28 };
	FILE *f = fopen(name, "we");

	assert_non_null(f);
	(void)fwrite(&e, sizeof(e), 1, f);
	(void)fwrite(&p, sizeof(p), 1, f);
	(void)fwrite("\16\0\0\0\0\0\0\0\0\0\0\0NODE_SEA_BLOB\0\0", 28, 1, f);
	(void)fclose(f);
	assert_int_equal(chmod(name, 0755), 0);
}

static int enter_folder(void **state)
{
	(void)state;
	saved_path = strdup(getenv("PATH"));
	if (!mkdtemp(folder) || chdir(folder) < 0 || mkdir("bin", 0755) < 0)
		return -1;
	write_file("bin/node", 0755, "#!/bin/sh\necho v22.14.0\n");
	write_file("bin/python3", 0755, "#!/bin/sh\n");
	write_file("bin/server", 0755, "#!/bin/sh\n");
	write_file("bin/plain", 0644, "x");
	write_file("bin/binary", 0755, "\177ELF");
	write_file("bin/cli", 0755, "#!/usr/bin/env -S node --flag\n");
	write_file("bin/gunicorn", 0755, "#!/venv/bin/python3\n");
	write_file("bin/python3.11", 0755, "#!/bin/sh\n");
	write_single_executable("bin/single");
	if (mkdir("oven", 0755) < 0 || symlink("bun", "oven/node") < 0)
		return -1;
	write_file("oven/bun", 0755, "\177ELF");
	write_file("worker.js", 0644, "");
	write_file("app.py", 0644, "");
	write_file("app.rb", 0644, "");
	write_file("run.sh", 0644, "");
	return setenv("PATH", search_path, 1);
}

static int leave_folder(void **state)
{
	static const char *const names[] = { "bin/gunicorn", "bin/python3.11", "bin/single",
					     "oven/bun",     "oven/node",      "bin/node",
					     "bin/python3",  "bin/server",     "bin/plain",
					     "worker.js",    "app.py",         "app.rb",
					     "run.sh",       "bin/binary",     "bin/cli" };

	(void)state;
	(void)setenv("PATH", saved_path, 1);
	free(saved_path);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)unlink(names[i]);
	(void)rmdir("bin");
	(void)rmdir("oven");
	return rmdir(folder);
}

static int resolve(const char *app, char *const *words)
{
	struct config c = { .app = app, .command = words };

	for (; words && words[c.command_len]; c.command_len++)
		;
	exit_code = -1;
	err[0] = '\0';
	return command_resolve(&c, &cmd, &exit_code, err, sizeof(err));
}

static void assert_resolved(char *const *words, const char *const *argv,
			    enum command_runtime runtime)
{
	assert_int_equal(resolve(NULL, words), 0);
	for (size_t i = 0; argv[i]; i++)
		assert_string_equal(cmd.argv[i], argv[i]);
	assert_null(argv[cmd.argc]);
	assert_null(cmd.argv[cmd.argc]);
	assert_int_equal(cmd.runtime, runtime);
	command_free(&cmd);
}

#define WORDS(...) ((char *[]){ __VA_ARGS__, NULL })
#define ARGV(...) ((const char *[]){ __VA_ARGS__, NULL })

static void finds_an_interpreter(void **state)
{
	(void)state;
	assert_resolved(WORDS("worker.js", "--x", "y"), ARGV("node", "worker.js", "--x", "y"),
			RUNTIME_NODE);
	assert_resolved(WORDS("./worker.js"), ARGV("node", "./worker.js"), RUNTIME_NODE);
	assert_resolved(WORDS("app.py"), ARGV("python3", "app.py"), RUNTIME_OTHER);
	assert_int_equal(resolve("worker.js", NULL), 0);
	assert_int_equal(cmd.argc, 2);
	assert_string_equal(cmd.argv[1], "worker.js");
	command_free(&cmd);
	command_free(&cmd);
}

static void leaves_a_command_alone(void **state)
{
	(void)state;
	assert_resolved(WORDS("node", "worker.js"), ARGV("node", "worker.js"), RUNTIME_NODE);
	assert_resolved(WORDS("server", "worker.js"), ARGV("server", "worker.js"), RUNTIME_WRAPPER);
	assert_resolved(WORDS("bin/binary"), ARGV("bin/binary"), RUNTIME_WRAPPER);
	assert_resolved(WORDS("bin/cli"), ARGV("bin/cli"), RUNTIME_WRAPPER);
	assert_resolved(WORDS("bin/gunicorn"), ARGV("bin/gunicorn"), RUNTIME_OTHER);
	assert_resolved(WORDS("bin/python3.11", "app.py"), ARGV("bin/python3.11", "app.py"),
			RUNTIME_OTHER);
	assert_resolved(WORDS("node", "--watch", "worker.js"), ARGV("node", "--watch", "worker.js"),
			RUNTIME_WRAPPER);
	assert_resolved(WORDS("oven/node", "worker.js"), ARGV("oven/node", "worker.js"),
			RUNTIME_BUN);
	assert_resolved(WORDS("bin/single"), ARGV("bin/single"), RUNTIME_NODE);
	assert_resolved(WORDS("bin/node", "-e", "1"), ARGV("bin/node", "-e", "1"), RUNTIME_NODE);
	assert_int_equal(resolve("worker.js", WORDS("server")), 0);
	assert_string_equal(cmd.argv[0], "server");
	command_free(&cmd);
}

static void assert_failed(char *const *words, int r, int code, const char *text)
{
	assert_int_equal(resolve(NULL, words), r);
	assert_int_equal(exit_code, code);
	assert_string_equal(err, text);
}

static void says_why_not(void **state)
{
	(void)state;
	assert_failed(
	    NULL, -EINVAL, EXIT_BAD_CONFIG,
	    "nothing to run: name a script (sioinit worker.js), a command, or set SIOINIT_APP");
	assert_failed(WORDS("gone.js"), -ENOENT, EXIT_NOT_FOUND,
		      "gone.js: no such file (a relative path starts in the working directory)");
	assert_failed(WORDS("gone"), -ENOENT, EXIT_NOT_FOUND, "gone: no such program in PATH");
	assert_failed(WORDS("./gone"), -ENOENT, EXIT_NOT_FOUND, "./gone: no such program");
	assert_failed(WORDS("plain"), -EACCES, EXIT_NOT_EXECUTABLE,
		      "plain: not executable (chmod +x, or name its interpreter)");
	assert_failed(WORDS("bin/plain"), -EACCES, EXIT_NOT_EXECUTABLE,
		      "bin/plain: not executable (chmod +x, or name its interpreter)");
	assert_failed(WORDS("/tmp"), -EACCES, EXIT_NOT_EXECUTABLE,
		      "/tmp: not executable (chmod +x, or name its interpreter)");
	assert_failed(
	    WORDS("app.rb"), -ENOEXEC, EXIT_NOT_EXECUTABLE,
	    "app.rb: not a program, and its extension names no interpreter; write one before it");
	assert_failed(
	    WORDS("./run.sh"), -ENOEXEC, EXIT_NOT_EXECUTABLE,
	    "./run.sh: not a program, and its extension names no interpreter; write one before it");
}

static void misses_the_interpreter(void **state)
{
	(void)state;
	(void)setenv("PATH", "/nowhere", 1);
	assert_failed(WORDS("worker.js"), -ENOENT, EXIT_NOT_FOUND, "node: no such program in PATH");
	(void)setenv("PATH", search_path, 1);
}

static void knows_the_stalling_versions(void **state)
{
	static const char *const stalling[] = { "v18.5.0",  "v18.20.8", "v19.9.0", "v20.0.0",
						"v20.18.3", "v21.7.0",  "v22.0.0", "v22.13.1",
						"v23.11.0", "",         "1.2",     "v16.20.2" };
	static const char *const sound[] = { "v18.0.0",    "v18.4.0",  "v20.19.0",
					     "v20.20.2\n", "v22.14.0", "v22.23.3\n",
					     "v24.0.0",    "v25.1.0",  "v26.10.0\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(stalling); i++)
		if (!dialect_stalls(stalling[i]))
			fail_msg("no unread bound for %s", stalling[i]);
	for (size_t i = 0; i < ARRAY_LEN(sound); i++)
		if (dialect_stalls(sound[i]))
			fail_msg("unread bound for %s", sound[i]);
}

static void assert_dialect(enum config_serialization setting, enum command_runtime runtime,
			   enum serialization mode, bool bound_unread)
{
	struct config c = { .serialization = setting };
	struct command k = { .argv = WORDS("node"), .argc = 1, .runtime = runtime };
	struct dialect d = dialect_choose(&c, &k);

	assert_int_equal(d.mode, mode);
	assert_int_equal(d.bound_unread, bound_unread);
	assert_int_equal(d.is_open, bound_unread);
	assert_true(strlen(d.why) > 0);
}

static void chooses_the_dialect(void **state)
{
	(void)state;
	assert_dialect(CONFIG_SERIAL_JSON, RUNTIME_NODE, SERIAL_JSON, false);
	assert_dialect(CONFIG_SERIAL_ADVANCED, RUNTIME_BUN, SERIAL_ADVANCED, false);
	assert_dialect(CONFIG_SERIAL_AUTO, RUNTIME_BUN, SERIAL_JSON, false);
	assert_dialect(CONFIG_SERIAL_AUTO, RUNTIME_DENO, SERIAL_ADVANCED, false);
	assert_dialect(CONFIG_SERIAL_AUTO, RUNTIME_OTHER, SERIAL_ADVANCED, true);
	assert_dialect(CONFIG_SERIAL_ADVANCED, RUNTIME_NODE, SERIAL_ADVANCED, true);
	assert_dialect(CONFIG_SERIAL_JSON, RUNTIME_NODE, SERIAL_JSON, false);
	(void)setenv("PATH", "/nowhere", 1);
	assert_dialect(CONFIG_SERIAL_AUTO, RUNTIME_OTHER, SERIAL_ADVANCED, false);
	(void)setenv("PATH", search_path, 1);
}

static int n_answers;
static char answered[64];

static void on_answer(const char *answer, void *ctx)
{
	(void)ctx;
	n_answers++;
	(void)snprintf(answered, sizeof(answered), "%s", answer);
}

/* Asks the node that @script is, and runs the loop to its end. */
static void ask(const char *script)
{
	struct version_question q = { .on_answer = on_answer };
	uv_loop_t loop;

	write_file("bin/node", 0755, script);
	n_answers = 0;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(version_question_ask(&q, &loop, "node", NULL), 0);
	assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(uv_loop_close(&loop), 0);
	assert_int_equal(n_answers, 1);
	assert_true(version_question_ended(&q, q.pid));
	assert_false(version_question_ended(&q, 1));
}

static void hears_the_version(void **state)
{
	struct version_question never = { 0 };

	(void)state;
	ask("#!/bin/sh\nprintf v20.18\nprintf '.1\\n'\nexec /bin/sleep 20\n");
	assert_string_equal(answered, "v20.18.1\n");
	ask("#!/bin/sh\n");
	assert_string_equal(answered, "");
	ask("#!/bin/sh\nwhile :; do printf 0123456789; done\n");
	assert_int_equal(strlen(answered), sizeof(never.answer) - 1);
	assert_false(version_question_ended(&never, 0));
}

static void does_not_wait_for_a_hanging_node(void **state)
{
	time_t start = time(NULL);

	(void)state;
	ask("#!/bin/sh\nprintf x\nexec /bin/sleep 20\n");
	assert_string_equal(answered, "x");
	assert_true(time(NULL) - start < 10);
}

static void has_nobody_to_ask(void **state)
{
	struct version_question q = { .on_answer = on_answer };
	uv_loop_t loop;

	(void)state;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(version_question_ask(&q, &loop, "./nothing", NULL), -ENOENT);
	assert_int_equal(uv_loop_close(&loop), 0);
	assert_false(version_question_ended(&q, 1));
}

/* Reaching workers */

static struct reach reach(enum config_dispatch setting, enum command_runtime runtime,
			  const char *argument)
{
	char *words[] = { "x", (char *)argument, NULL };
	const struct config c = { .dispatch = setting };
	const struct command command = { .argv = words, .argc = 2, .runtime = runtime };

	return command_reach(&c, &command);
}

static void chooses_how_workers_are_reached(void **state)
{
	static const struct {
		enum config_dispatch setting;
		enum command_runtime runtime;
		const char *argument;
		struct reach expected;
	} rows[] = {
		{ CONFIG_DISPATCH_AUTO, RUNTIME_NODE, "", { 0, 1, 0, 1, 0, 1, NULL } },
		{ CONFIG_DISPATCH_AUTO, RUNTIME_BUN, "", { 0, 1, 0, 1, 1, 0, NULL } },
		{ CONFIG_DISPATCH_AUTO,
		  RUNTIME_DENO,
		  "",
		  { WORKER_STYLE_PORT, 1, 0, 0, 1, 0, NULL } },
		{ CONFIG_DISPATCH_AUTO, RUNTIME_WRAPPER, "", { 0, 1, 1, 1, 1, 1, NULL } },
		{ CONFIG_DISPATCH_AUTO,
		  RUNTIME_OTHER,
		  "",
		  { WORKER_STYLE_PORT, 0, 0, 0, 1, 0, NULL } },
		{ CONFIG_DISPATCH_AUTO,
		  RUNTIME_NODE,
		  "-p={port}",
		  { WORKER_STYLE_PORT, 1, 0, 0, 1, 0, NULL } },
		{ CONFIG_DISPATCH_AUTO,
		  RUNTIME_OTHER,
		  "unix:{socket}",
		  { WORKER_STYLE_UNIX, 0, 0, 0, 0, 0, NULL } },
		{ CONFIG_DISPATCH_STICKY,
		  RUNTIME_NODE,
		  "{socket}",
		  { WORKER_STYLE_STICKY, 1, 0, 1, 0, 1, NULL } },
		{ CONFIG_DISPATCH_LISTEN,
		  RUNTIME_DENO,
		  "",
		  { WORKER_STYLE_LISTEN, 1, 0, 1, 0, 0, NULL } },
		{ CONFIG_DISPATCH_PORT,
		  RUNTIME_NODE,
		  "",
		  { WORKER_STYLE_PORT, 1, 0, 0, 1, 0, NULL } },
		{ CONFIG_DISPATCH_UNIX,
		  RUNTIME_WRAPPER,
		  "",
		  { WORKER_STYLE_UNIX, 0, 0, 0, 0, 0, NULL } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct reach got = reach(rows[i].setting, rows[i].runtime, rows[i].argument);

		assert_int_equal(got.style, rows[i].expected.style);
		assert_int_equal(got.channel, rows[i].expected.channel);
		assert_int_equal(got.claimed, rows[i].expected.claimed);
		assert_int_equal(got.cluster, rows[i].expected.cluster);
		assert_int_equal(got.port, rows[i].expected.port);
		assert_int_equal(got.pings, rows[i].expected.pings);
		assert_non_null(got.why);
	}
}

static void fills_in_the_placeholders(void **state)
{
	char *words[] = { "x", "--uds={socket}{port}{socket}", "{port", "{port}", "", NULL };
	const struct command command = { words, 5, RUNTIME_OTHER, false };
	char **argv = command_argv(&command, "80", "/s");

	(void)state;
	assert_non_null(argv);
	assert_string_equal(argv[0], "x");
	assert_string_equal(argv[1], "--uds=/s80/s");
	assert_string_equal(argv[2], "{port");
	assert_string_equal(argv[3], "80");
	assert_string_equal(argv[4], "");
	assert_null(argv[5]);
	command_free_argv(argv);
	command_free_argv(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_an_interpreter),
		cmocka_unit_test(leaves_a_command_alone),
		cmocka_unit_test(says_why_not),
		cmocka_unit_test(misses_the_interpreter),
		cmocka_unit_test(chooses_how_workers_are_reached),
		cmocka_unit_test(fills_in_the_placeholders),
		cmocka_unit_test(knows_the_stalling_versions),
		cmocka_unit_test(chooses_the_dialect),
		cmocka_unit_test(hears_the_version),
		cmocka_unit_test(has_nobody_to_ask),
		cmocka_unit_test(does_not_wait_for_a_hanging_node),
	};

	return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
