/* Passed sockets and opened ones together; which connections are those of clients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "init/listen/frontend.h"
#include "init/system/notify.h"

enum { LISTEN_FIRST = 3, PASSED = 3 };

static struct frontend frontend;
static char path[] = "/tmp/sioinit-test-frontend-XXXXXX";

static void listen_at(int fd)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int s = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(s, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(s, 1), 0);
	if (s == fd)
		return;
	assert_int_equal(dup2(s, fd), fd);
	close(s);
}

/* Before anything else has opened descriptors. */
static int pass_sockets(void **state)
{
	char pid[16];

	(void)state;
	for (int i = 0; i < PASSED; i++)
		listen_at(LISTEN_FIRST + i);
	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	(void)setenv("LISTEN_PID", pid, 1);
	(void)setenv("LISTEN_FDS", "3", 1);
	(void)setenv("LISTEN_FDNAMES", "http-2:http:http", 1);
	notify_init();
	close(mkstemp(path));
	return unlink(path);
}

static void passed_and_opened_ones(void **state)
{
	struct config c = { .port = 1, .backlog = 1, .admin.off = true, .listen.n = 1 };
	char name[256], last[128];

	(void)state;
	(void)snprintf(c.listen.list[0].host, sizeof(c.listen.list[0].host), "%s", path);
	frontend_open(&frontend, &c, 1);
	assert_int_equal(frontend.n_http, PASSED + 1);
	assert_int_equal(frontend.admin, -1);
	frontend_name(&frontend, name, sizeof(name));
	(void)snprintf(last, sizeof(last), ", %s", path);
	assert_non_null(strstr(name, last));
	assert_int_equal(strncmp(name, "port ", 5), 0);
}

static void knows_its_clients(void **state)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr_storage a = { 0 };

	(void)state;
	for (size_t i = 0; i < frontend.n_http; i++)
		assert_true(frontend_has(&frontend, &frontend.http[i].at));
	assert_false(frontend_has(&frontend, &a));
	v6.sin6_port = ((struct sockaddr_in *)&frontend.http[0].at)->sin_port;
	memcpy(&a, &v6, sizeof(v6));
	assert_true(frontend_has(&frontend, &a));
	memset(&a, 0, sizeof(a));
	memcpy(&a, &un, sizeof(un));
	assert_false(frontend_has(&frontend, &a));
}

static void its_path_goes_with_it(void **state)
{
	(void)state;
	assert_int_equal(access(path, F_OK), 0);
	frontend_close(&frontend);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(frontend.n_http, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passed_and_opened_ones),
		cmocka_unit_test(knows_its_clients),
		cmocka_unit_test(its_path_goes_with_it),
	};

	return cmocka_run_group_tests(tests, pass_sockets, NULL);
}
