/* What is said when a program cannot be executed, from its first bytes. */
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
#include <unistd.h>

#include "init/system/process_limits.h"
#include "init/worker/exec_failure.h"
#include "init/worker/group.h"

static char path[] = "/tmp/sioinit-exec-XXXXXX";

static void write_program(const void *bytes, size_t n)
{
	int fd;

	memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	(void)close(fd);
}

static int explain(enum spawn_step step, int err, char text[static 512])
{
	struct spawn_result failed = { step, err };
	int code = exec_failure_explain(path, &failed, text, 512);

	(void)unlink(path);
	return code;
}

static void expect(const char *program, int err, int code, const char *words)
{
	char text[512];

	write_program(program, strlen(program));
	assert_int_equal(explain(SPAWN_EXEC, err, text), code);
	assert_non_null(strstr(text, words));
	assert_null(strchr(text, '\n'));
}

static void scripts(void **state)
{
	(void)state;
	expect("#!/no/ruby -w\n", ENOENT, 127, "its interpreter /no/ruby (#!) is missing");
	expect("#! \t/no/ruby", ENOENT, 127, "its interpreter /no/ruby (#!) is missing");
	expect("#!/bin/sh\r\n", ENOENT, 127,
	       "\"/bin/sh\\r\": the file has the line ends of Windows");
	expect("#!\n", ENOENT, 127, "no such program");
	expect("#", ENOENT, 127, "no such program");
	expect("", ENOENT, 127, "no such program");
	expect("#!/bin/sh\n", EACCES, 126, "not executable");
	expect("x", E2BIG, 126, "too large");
	expect("x", ETXTBSY, 126, "Text file busy");
}

struct program {
	Elf64_Ehdr e;
	Elf64_Phdr p;
	char loader[64];
};

static struct program program_with(const char *loader)
{
	struct program p = { .e = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64 },
				    .e_machine = EM_AARCH64,
				    .e_phoff = offsetof(struct program, p),
				    .e_phnum = 1 },
			     .p = { .p_type = PT_INTERP,
				    .p_offset = offsetof(struct program, loader),
				    .p_filesz = strlen(loader) + 1 } };

	(void)snprintf(p.loader, sizeof(p.loader), "%s", loader);
	return p;
}

static void loaders(void **state)
{
	static const struct {
		const char *loader, *cause;
	} cases[] = { { "/lib/ld-musl-x86_64.so.1", "built on Alpine" },
		      { "/lib64/ld-linux-x86-64.so.2", "built for glibc" },
		      { "/opt/ld.so", "install it" } };
	char text[512];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct program p = program_with(cases[i].loader);

		write_program(&p, sizeof(p));
		assert_int_equal(explain(SPAWN_EXEC, ENOENT, text), 127);
		assert_non_null(strstr(text, cases[i].loader));
		assert_non_null(strstr(text, cases[i].cause));
	}
}

static void programs_that_lie(void **state)
{
	struct program p = program_with("/lib/ld.so"), q;
	char text[512];

	(void)state;
	for (size_t n = 0; n < sizeof(p); n++) {
		write_program(&p, n);
		assert_int_equal(explain(SPAWN_EXEC, ENOENT, text), 127);
	}
	q = p;
	q.e.e_phoff = UINT64_MAX - 8;
	q.e.e_phnum = UINT16_MAX;
	write_program(&q, sizeof(q));
	assert_int_equal(explain(SPAWN_EXEC, ENOENT, text), 127);
	q = p;
	q.p.p_offset = UINT64_MAX - 2;
	write_program(&q, sizeof(q));
	assert_int_equal(explain(SPAWN_EXEC, ENOENT, text), 127);
	write_program(&p, sizeof(p));
	assert_int_equal(explain(SPAWN_EXEC, ENOEXEC, text), 126);
	assert_non_null(strstr(text, "built for arm64"));
}

static void settings(void **state)
{
	char text[512];

	(void)state;
	assert_int_equal(explain(SPAWN_RLIMITS, EPERM, text), 78);
	assert_non_null(strstr(text, "SIOINIT_WORKER_RLIMITS"));
	assert_int_equal(explain(SPAWN_FORK, EAGAIN, text), 125);
	assert_int_equal(explain(SPAWN_CREDENTIALS, EPERM, text), 125);
}

static void a_leader_that_takes_the_signal(void **state)
{
	static const char plain[] =
	    "Name:\tsh\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000004000\n"
	    "SigCgt:\t0000000000010002\n";

	(void)state;
	assert_true(group_leader_takes(plain, 2));
	assert_true(group_leader_takes(plain, 17));
	assert_false(group_leader_takes(plain, 15));
	assert_false(group_leader_takes(plain, 0));
	assert_true(group_leader_takes("Name:\ttini\nSigBlk:\tfffffffe7ffbfeff\n", 15));
	assert_false(group_leader_takes("", 15));
}

static void oom_score(void **state)
{
	(void)state;
	assert_int_equal(process_limits_worker_oom_score_adj(0), 50);
	assert_int_equal(process_limits_worker_oom_score_adj(-997), -947);
	assert_int_equal(process_limits_worker_oom_score_adj(980), 1000);
	assert_int_equal(process_limits_worker_oom_score_adj(1000), 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scripts),
		cmocka_unit_test(loaders),
		cmocka_unit_test(programs_that_lie),
		cmocka_unit_test(settings),
		cmocka_unit_test(a_leader_that_takes_the_signal),
		cmocka_unit_test(oom_score),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
