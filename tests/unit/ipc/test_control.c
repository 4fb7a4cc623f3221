/* The control channel: every message survives the way, descriptors arrive, garbage ends the channel
 * and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/macros.h"
#include "ipc/control.h"

static struct control_msg last;
static char last_text[512];
static int last_fd, n_messages, n_ends, end_err;

static void on_message(struct control *c, const struct control_msg *m, int fd)
{
	(void)c;
	last = *m;
	memcpy(last_text, m->text.p ? m->text.p : "", m->text.n);
	last_fd = fd;
	n_messages++;
}

static void on_end(struct control *c, int err)
{
	n_ends++;
	end_err = err;
	control_close(c, NULL);
}

static const struct control_ops ops = { on_message, on_end };

struct pair {
	uv_loop_t loop;
	struct control a, b;
};

static int setup(void **state)
{
	static struct pair p;
	int sv[2];

	n_messages = n_ends = 0;
	last_fd = -1;
	assert_int_equal(uv_loop_init(&p.loop), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv), 0);
	assert_int_equal(control_init(&p.a, &p.loop, sv[0], &ops), 0);
	assert_int_equal(control_init(&p.b, &p.loop, sv[1], &ops), 0);
	*state = &p;
	return 0;
}

static int teardown(void **state)
{
	struct pair *p = *state;

	control_close(&p->a, NULL);
	control_close(&p->b, NULL);
	uv_run(&p->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&p->loop), 0);
	return 0;
}

static void every_field_survives(void **state)
{
	struct pair *p = *state;
	struct control_msg m = { .type = CONTROL_WORKER,
				 .worker = 7,
				 .slot = 3,
				 .pid = 4000000,
				 .port = 65535,
				 .state = 2,
				 .style = 1,
				 .kind = 3,
				 .listener = 9,
				 .token = UINT64_MAX,
				 .text = STR("a sid\0with anything"),
				 .router = 15,
				 .waited_ms = UINT32_MAX };

	assert_int_equal(control_send(&p->a, &m, -1), 0);
	uv_run(&p->loop, UV_RUN_ONCE);
	assert_int_equal(n_messages, 1);
	assert_memory_equal(last_text, m.text.p, m.text.n);
	assert_int_equal(last.text.n, m.text.n);
	last.text = m.text;
	assert_memory_equal(&last, &m, offsetof(struct control_msg, listener) + sizeof(m.listener));
	assert_true(last.token == UINT64_MAX);
	assert_int_equal(last.router, 15);
	assert_true(last.waited_ms == UINT32_MAX);
}

static void descriptors_travel(void **state)
{
	struct pair *p = *state;
	struct control_msg m = { .type = CONTROL_HANDOFF };
	int pipe_fds[2];
	char byte;

	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(control_send(&p->a, &m, pipe_fds[1]), 0);
	assert_int_equal(fcntl(pipe_fds[1], F_GETFD), -1); /* consumed */
	uv_run(&p->loop, UV_RUN_ONCE);
	assert_true(last_fd >= 0);
	assert_int_equal(fcntl(last_fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(write(last_fd, "x", 1), 1);
	assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
	close(last_fd);
	close(pipe_fds[0]);
}

static void a_full_kernel_queues_in_order(void **state)
{
	enum { N = 5000 };
	struct pair *p = *state;

	for (uint32_t i = 1; i <= N; i++) {
		struct control_msg m = { .type = CONTROL_SESSION, .worker = i };

		assert_int_equal(control_send(&p->a, &m, -1), 0);
	}
	assert_true(p->a.queued > 0);
	while (n_messages < N)
		uv_run(&p->loop, UV_RUN_ONCE);
	assert_int_equal(last.worker, N);
	assert_int_equal(p->a.queued, 0);
}

static void garbage_ends_the_channel(void **state)
{
	struct pair *p = *state;

	assert_int_equal(send(p->a.fd, "\xc1garbage", 8, 0), 8);
	uv_run(&p->loop, UV_RUN_ONCE);
	assert_int_equal(n_ends, 1);
	assert_int_equal(end_err, -EBADMSG);
	assert_int_equal(n_messages, 0);
}

static void the_end_is_told_once(void **state)
{
	struct pair *p = *state;
	struct control_msg m = { .type = CONTROL_UP };

	control_close(&p->a, NULL);
	while (n_ends == 0)
		uv_run(&p->loop, UV_RUN_ONCE);
	assert_int_equal(end_err, 0);
	assert_int_equal(control_send(&p->b, &m, -1), -EPIPE);
}

static void truncation_never_decodes_wrongly(void **state)
{
	struct control_msg m = { .type = CONTROL_SESSION,
				 .worker = 300,
				 .text = STR("abcdefghijklmnopqrst") },
			   out;
	uint8_t packet[CONTROL_PACKET_MAX];
	int n = control_encode(&m, packet, sizeof(packet));

	(void)state;
	assert_true(n > 0);
	for (int i = 0; i < n; i++)
		assert_int_equal(control_decode((struct str){ (char *)packet, (size_t)i }, &out),
				 -EBADMSG);
	assert_int_equal(control_encode(&m, packet, 10), -EMSGSIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_field_survives, setup, teardown),
		cmocka_unit_test_setup_teardown(descriptors_travel, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_kernel_queues_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(garbage_ends_the_channel, setup, teardown),
		cmocka_unit_test_setup_teardown(the_end_is_told_once, setup, teardown),
		cmocka_unit_test(truncation_never_decodes_wrongly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
