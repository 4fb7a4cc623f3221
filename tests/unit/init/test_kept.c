/* Names of sockets that are kept: the address, and of a path the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "init/listen/kept.h"
#include "init/listen/sockets.h"

static char dir[] = "/tmp/sioinit-kept-XXXXXX", path[64];

static int make_dir(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/x.sock", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(dir);
}

static void assert_named(const char *host, uint16_t port, const char *note, const char *wanted)
{
	struct kept_name name;

	kept_name(&name, host, port, note);
	assert_string_equal(name.text, wanted);
}

static void an_address(void **state)
{
	(void)state;
	assert_named("", 8080, "", "8080");
	assert_named("127.0.0.1", 8080, "", "127.0.0.1 8080");
	assert_named("::1", 8080, "", "..1 8080");
	assert_named("::", 8080, " app 6only", ".. 8080 app 6only");
}

static void what_systemd_takes_for_no_name(void **state)
{
	char long_host[NOTIFY_KEPT_NAME_MAX + 1];

	(void)state;
	memset(long_host, '1', sizeof(long_host) - 1);
	long_host[sizeof(long_host) - 1] = '\0';
	assert_named(long_host, 8080, "", "");
	assert_named("1\n2", 8080, "", "");
}

static void a_path_is_its_file(void **state)
{
	struct kept_name before, same, after;
	int fd, other;

	(void)state;
	assert_named(path, 0, "", ""); /* none yet */
	fd = listen_unix(path, 1, 0, NULL);
	kept_name(&before, path, 0, "");
	kept_name(&same, path, 0, "");
	assert_string_equal(before.text, same.text);
	assert_int_equal(strncmp(before.text, path, strlen(path)), 0);
	(void)unlink(path);
	other = listen_unix(path, 1, 0, NULL);
	assert_true(other >= 0);
	kept_name(&after, path, 0, "");
	assert_string_not_equal(before.text, after.text);
	close(fd);
	close(other);
}

static void nothing_is_kept_without_a_manager(void **state)
{
	struct kept_name name;
	int fd;

	(void)state;
	kept_name(&name, "", 8080, "");
	assert_int_equal(kept_take(&name, &fd, 1), 0);
	assert_false(kept_add(&name, &fd, 1));
	assert_false(kept_make_room(8080));
	kept_remove(&name);
	kept_settle();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address),
		cmocka_unit_test(what_systemd_takes_for_no_name),
		cmocka_unit_test(a_path_is_its_file),
		cmocka_unit_test(nothing_is_kept_without_a_manager),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
