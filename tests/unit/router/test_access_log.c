/* Lines of router/client/access_log.c, and what becomes of them when nobody reads. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "router/client/access_log.h"

static struct access_entry *entry(struct str line)
{
	struct access_entry *e = calloc(1, sizeof(*e) + line.n);

	*e = (struct access_entry){
		.why = "sid", .status = 200, .slot = 3, .bytes = 12, .n = line.n
	};
	memcpy(e->addr, "10.0.0.1", 9);
	access_set_names(e, STR("abc\""), STR("0af7"));
	memcpy(e->line, line.p, line.n);
	return e;
}

static void assert_line(enum access_format format, struct access_entry *e, const char *expected)
{
	struct buf out = BUF_INIT(4096);

	assert_int_equal(access_print(format, e, 1764060000, 7, 1234, &out), 0);
	assert_int_equal(buf_append(&out, "", 1), 0);
	assert_string_equal(out.p, expected);
	buf_free(&out);
}

static void prints_three_formats(void **state)
{
	struct access_entry *e = entry(STR("GET /\"\n\xff HTTP/1.1"));

	(void)state;
	assert_line(ACCESS_COMMON, e,
		    "10.0.0.1 - - [25/Nov/2025:08:40:00 +0000] "
		    "\"GET /\\x22\\x0a\\xff HTTP/1.1\" 200 12");
	assert_line(ACCESS_LOGFMT, e,
		    "time=2025-11-25T08:40:00.007Z client=\"10.0.0.1\" "
		    "request=\"GET /\\x22\\x0a\\xff HTTP/1.1\" status=200 bytes=12 us=1234 "
		    "worker=3 route=\"sid\" id=\"abc\\x22\" trace=\"0af7\"");
	assert_line(
	    ACCESS_JSON, e,
	    "{\"time\":\"2025-11-25T08:40:00.007Z\",\"client\":\"10.0.0.1\","
	    "\"request\":\"GET /\\u0022\\u000a\\u00ff HTTP/1.1\",\"status\":200,\"bytes\":12,"
	    "\"us\":1234,\"worker\":3,\"route\":\"sid\",\"id\":\"abc\\u0022\",\"trace\":\"0af7\"}");
	free(e);
}

static void leaves_out_what_is_not_known(void **state)
{
	struct access_entry *e = entry((struct str){ "", 0 });

	(void)state;
	e->status = 0;
	e->slot = ACCESS_NO_SLOT;
	e->id[0] = e->trace[0] = '\0';
	assert_line(ACCESS_COMMON, e, "10.0.0.1 - - [25/Nov/2025:08:40:00 +0000] \"-\" - -");
	assert_line(ACCESS_JSON, e,
		    "{\"time\":\"2025-11-25T08:40:00.007Z\",\"client\":\"10.0.0.1\",\"us\":1234,"
		    "\"route\":\"sid\"}");
	free(e);
}

static void log_lines(struct access_log *log, unsigned from, unsigned to)
{
	char line[64];

	for (unsigned i = from; i < to; i++) {
		struct access_entry *e;

		(void)snprintf(line, sizeof(line), "GET /%u HTTP/1.1", i);
		e = access_begin(log, "10.0.0.1", str_of(line));
		assert_non_null(e);
		access_end(log, &e);
		assert_null(e);
	}
}

/* Reads whole lines, numbered upwards; the number of them. */
static unsigned read_lines(int fd)
{
	static char text[1 << 20];
	size_t n = 0;
	ssize_t k;
	unsigned lines = 0;
	int last = -1;

	while ((k = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)k;
	text[n] = '\0';
	for (char *at = text; *at; at = strchr(at, '\n') + 1, lines++) {
		const char *slash = strstr(at, "GET /");

		assert_non_null(slash);
		assert_non_null(strchr(at, '\n'));
		assert_true(atoi(slash + 5) > last);
		last = atoi(slash + 5);
	}
	return lines;
}

/* A pipe that nobody reads: whole lines arrive or none of them, and the writer never waits. */
static void fill_a_pipe(int pipe_fds[2])
{
	struct access_log log;
	uv_loop_t loop;
	char path[32];
	unsigned got;

	assert_int_equal(uv_loop_init(&loop), 0);
	(void)snprintf(path, sizeof(path), "/dev/fd/%d", pipe_fds[1]);
	access_log_open(&log, &loop, ACCESS_LOGFMT, path);
	assert_int_equal(log.format, ACCESS_LOGFMT);
	assert_int_equal(fcntl(pipe_fds[1], F_GETFL) & O_NONBLOCK, 0);
	log_lines(&log, 0, 10000);
	assert_true(log.lost > 0);
	assert_true(log.pending.len <= ACCESS_PENDING_MAX);
	assert_int_equal(fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK), 0);
	got = read_lines(pipe_fds[0]);
	access_log_close(&log);
	got += read_lines(pipe_fds[0]);
	assert_true(got > 500 && got < 10000);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
}

static void loses_lines_not_time(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	fill_a_pipe(fds);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void writes_to_a_pipe_of_another_user(void **state)
{
	int fds[2];

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(seteuid(65534), 0);
	fill_a_pipe(fds);
	assert_int_equal(seteuid(0), 0);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prints_three_formats),
		cmocka_unit_test(leaves_out_what_is_not_known),
		cmocka_unit_test(loses_lines_not_time),
		cmocka_unit_test(writes_to_a_pipe_of_another_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
