/* The control channel: every message survives the way, descriptors arrive, garbage ends the channel
 * and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macros.h"
#include "ipc/control.h"

static struct control_msg last;
static char last_text[512];
static char order[16]; /* .worker of the first, a digit each */
static int last_fd, n_fds, n_messages, n_ends, end_err;

static const uint32_t closes = UINT32_MAX; /* .worker of a message that makes its reader close */

/* The kernel, which may be short of something. */
static int sendmsg_error, n_sendmsg, n_recvmmsg;
static unsigned n_before_error; /* packets of a batch that it takes all the same */

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
	n_sendmsg++;
	if (!sendmsg_error)
		return syscall(SYS_sendmsg, fd, m, flags);
	errno = sendmsg_error;
	return -1;
}

int sendmmsg(int fd, struct mmsghdr *m, unsigned n, int flags)
{
	n_sendmsg++;
	if (!sendmsg_error || n_before_error) {
		n = n_before_error ? n_before_error : n;
		n_before_error = 0;
		return (int)syscall(SYS_sendmmsg, fd, m, n, flags);
	}
	errno = sendmsg_error;
	return -1;
}

int recvmmsg(int fd, struct mmsghdr *m, unsigned n, int flags, struct timespec *timeout)
{
	n_recvmmsg++;
	return (int)syscall(SYS_recvmmsg, fd, m, n, flags, timeout);
}

static void on_message(struct control *c, const struct control_msg *m, int fd)
{
	last = *m;
	memcpy(last_text, m->text.p ? m->text.p : "", m->text.n);
	last_fd = fd;
	n_fds += fd >= 0;
	if (m->type == CONTROL_HANDBACK)
		fd_close(&last_fd);
	if (n_messages + 1 < (int)sizeof(order))
		order[n_messages] = (char)('0' + m->worker % 10);
	n_messages++;
	if (m->worker == closes)
		control_close(c, NULL);
}

static void on_end(struct control *c, int err)
{
	if (n_ends++ == 0)
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

	n_messages = n_ends = sendmsg_error = n_sendmsg = n_recvmmsg = 0;
	last_fd = -1;
	n_fds = n_before_error = 0;
	memset(order, 0, sizeof(order));
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
				 .waited_ms = UINT32_MAX,
				 .visitor = UINT64_MAX - 1,
				 .address = { 1, UINT64_MAX },
				 .span = UINT64_MAX - 2,
				 .tls = 1 };

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
	assert_true(last.visitor == m.visitor);
	assert_memory_equal(last.address, m.address, sizeof(m.address));
	assert_true(last.span == m.span);
	assert_int_equal(last.tls, 1);
}

static void descriptors_travel(void **state)
{
	struct pair *p = *state;
	struct control_msg m = { .type = CONTROL_HANDOFF };
	int pipe_fds[2];
	char byte;

	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(control_send(&p->a, &m, pipe_fds[1]), 0);
	control_flush(&p->a);
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

static void on_time(uv_timer_t *t)
{
	(void)t;
}

/* How often the loop turns meanwhile. */
static unsigned turns_within(uv_loop_t *loop, uint64_t ms)
{
	unsigned turns = 0;
	uv_timer_t t;

	(void)uv_timer_init(loop, &t);
	(void)uv_timer_start(&t, on_time, ms, 0);
	while (uv_is_active((uv_handle_t *)&t)) {
		(void)uv_run(loop, UV_RUN_ONCE);
		turns++;
	}
	uv_close((uv_handle_t *)&t, NULL);
	(void)uv_run(loop, UV_RUN_NOWAIT);
	return turns;
}

static int lowest_free(void)
{
	int fd = dup(0);

	(void)close(fd);
	return fd;
}

/* With and without descriptors. */
static void what_is_sent_in_one_turn_is_one_call(void **state)
{
	enum { N = 7 };
	struct pair *p = *state;

	for (uint32_t i = 1; i <= N; i++) {
		struct control_msg m = { .type = CONTROL_HANDOFF, .worker = i };
		int fd = i % 3 ? -1 : open("/dev/null", O_RDONLY | O_CLOEXEC);

		assert_int_equal(control_send(&p->a, &m, fd), 0);
	}
	assert_int_equal(n_sendmsg, 0);
	(void)uv_run(&p->loop, UV_RUN_ONCE);
	assert_int_equal(n_sendmsg, 1);
	assert_int_equal(n_recvmmsg, 1);
	assert_int_equal(n_messages, N);
	assert_int_equal(last.worker, N);
	assert_int_equal(n_fds, N / 3);
}

static void what_is_lent_overtakes_nothing(void **state)
{
	struct pair *p = *state;
	struct control_msg first = { .type = CONTROL_SESSION, .worker = 1 },
			   second = { .type = CONTROL_HANDBACK, .worker = 2 },
			   third = { .type = CONTROL_SESSION, .worker = 3 };
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_int_equal(control_send(&p->a, &first, -1), 0);
	assert_int_equal(control_lend(&p->a, &second, fd), 0);
	assert_int_equal(control_send(&p->a, &third, -1), 0);
	while (n_messages < 3)
		(void)uv_run(&p->loop, UV_RUN_ONCE);
	assert_string_equal(order, "123");
	assert_true(fcntl(fd, F_GETFD) >= 0);
	(void)close(fd);
	(void)uv_run(&p->loop, UV_RUN_NOWAIT);
	assert_int_equal(uv_backend_timeout(&p->loop), -1); /* nothing is left to do */
}

/* Some of a batch are sent, the others wait, and what is sent later waits behind them. */
static void a_batch_that_is_cut_stays_in_order(void **state)
{
	struct pair *p = *state;
	struct control_msg m = { .type = CONTROL_HANDBACK };

	for (m.worker = 1; m.worker <= 3; m.worker++)
		assert_int_equal(control_send(&p->a, &m, open("/dev/null", O_RDONLY)), 0);
	sendmsg_error = ETOOMANYREFS;
	n_before_error = 1;
	control_flush(&p->a);
	assert_int_equal(p->a.queued, 2);
	assert_int_equal(control_send(&p->a, &m, -1), 0);
	assert_in_range(turns_within(&p->loop, 100), 1, 20);
	assert_string_equal(order, "1");
	sendmsg_error = 0;
	while (n_messages < 4)
		(void)uv_run(&p->loop, UV_RUN_ONCE);
	assert_string_equal(order, "1234");
	assert_int_equal(n_fds, 3);
}

static void a_batch_that_is_lost_ends_the_channel(void **state)
{
	struct pair *p = *state;
	struct control_msg m = { .type = CONTROL_HANDOFF };
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_int_equal(control_send(&p->a, &m, fd), 0);
	sendmsg_error = EMSGSIZE;
	(void)uv_run(&p->loop, UV_RUN_ONCE);
	assert_true(p->a.ended);
	assert_int_equal(end_err, -EMSGSIZE);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(control_send(&p->a, &m, -1), -EPIPE);
}

static void who_closes_hears_nothing_more(void **state)
{
	struct pair *p = *state;
	struct control_msg m = { .type = CONTROL_HANDOFF, .worker = closes };
	int free_before = lowest_free();

	assert_int_equal(control_send(&p->a, &m, -1), 0);
	assert_int_equal(control_send(&p->a, &m, open("/dev/null", O_RDONLY)), 0);
	while (n_messages == 0)
		(void)uv_run(&p->loop, UV_RUN_ONCE);
	assert_int_equal(n_messages, 1);
	assert_true(lowest_free() <= free_before);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void a_kernel_that_is_short_is_asked_less_and_less_often(void **state)
{
	static const int errors[] = { ETOOMANYREFS, ENOBUFS, ENOMEM };
	struct pair *p = *state;

	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		struct control_msg m = { .type = CONTROL_HANDOFF, .worker = 1 + (uint32_t)i };
		int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

		sendmsg_error = errors[i];
		n_messages = n_sendmsg = 0;
		assert_int_equal(control_send(&p->a, &m, fd), 0);
		assert_true(is_open(fd));
		assert_in_range(turns_within(&p->loop, 300), 1, 20);
		assert_in_range(n_sendmsg, 3, 20);
		sendmsg_error = 0;
		while (n_messages == 0)
			(void)uv_run(&p->loop, UV_RUN_ONCE);
		assert_int_equal(last.worker, m.worker);
		assert_true(last_fd >= 0);
		(void)close(last_fd);
		assert_int_equal(p->a.queued, 0);
	}
}

/* A peer that is stopped. */
static void a_peer_that_reads_nothing_costs_no_turns(void **state)
{
	struct pair *p = *state;
	struct control_msg m = { .type = CONTROL_SESSION };
	int r = 0;

	(void)uv_poll_stop(&p->b.poll);
	while (p->a.queued < CONTROL_QUEUE_MAX && r == 0)
		r = control_send(&p->a, &m, -1);
	assert_int_equal(r, 0);
	assert_in_range(turns_within(&p->loop, 100), 1, 5);
	assert_int_equal(control_send(&p->a, &m, open("/dev/null", O_RDONLY)), -ENOBUFS);
	assert_int_equal(p->a.queued, CONTROL_QUEUE_MAX);
	assert_int_equal(n_ends, 0);
}

static void a_peer_that_reads_nothing_has_few_descriptors_of_ours(void **state)
{
	enum { LIMIT = 64, MOST = LIMIT / CONTROL_QUEUED_FDS_SHARE };
	struct pair *p = *state;
	struct control_msg m = { .type = CONTROL_HANDBACK };
	struct rlimit before, low;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	low = before;
	low.rlim_cur = LIMIT;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	sendmsg_error = EAGAIN;
	for (int i = 0; i < MOST; i++)
		assert_int_equal(control_lend(&p->a, &m, null), 0);
	assert_int_equal(control_lend(&p->a, &m, null), -ENOBUFS);
	assert_int_equal(control_send(&p->a, &m, -1), 0);
	sendmsg_error = 0;
	while (p->a.queued > 0)
		(void)uv_run(&p->loop, UV_RUN_ONCE);
	assert_int_equal(control_lend(&p->a, &m, null), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	(void)close(null);
}

static void what_is_lent_stays_ours(void **state)
{
	struct pair *p = *state;
	struct control_msg m = { .type = CONTROL_HANDOFF };
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_int_equal(control_lend(&p->a, &m, fd), 0);
	sendmsg_error = ENOBUFS;
	assert_int_equal(control_lend(&p->a, &m, fd), 0);
	assert_int_equal(p->a.queued, 1);
	sendmsg_error = EPIPE;
	control_close(&p->a, NULL);
	assert_int_equal(control_lend(&p->a, &m, fd), -EPIPE);
	assert_true(is_open(fd));
	(void)close(fd);
}

static void send_fds(int sock, const char *bytes, size_t len, const int *fds, size_t n)
{
	union {
		char bytes[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { (void *)bytes, len };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.bytes,
			    .msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	assert_int_equal(sendmsg(sock, &m, 0), len);
}

static void two_descriptors_end_the_channel(void **state)
{
	struct pair *p = *state;
	uint8_t packet[CONTROL_PACKET_MAX];
	struct control_msg m = { .type = CONTROL_HANDOFF };
	int n = control_encode(&m, packet, sizeof(packet)), free_before = lowest_free();

	for (size_t fds = 2; fds <= 4 && n_ends == 0; fds++)
		send_fds(p->a.fd, (char *)packet, (size_t)n, (int[]){ 0, 1, 2, 0 }, fds);
	while (n_ends == 0)
		(void)uv_run(&p->loop, UV_RUN_ONCE);
	assert_int_equal(end_err, -EBADMSG);
	assert_int_equal(n_messages, 0);
	assert_true(lowest_free() <= free_before); /* none of them is ours */
}

static void a_packet_that_is_too_long_ends_the_channel(void **state)
{
	struct pair *p = *state;
	char packet[2 * CONTROL_PACKET_MAX] = { '\x80' }; /* an empty map, and more */

	assert_int_equal(send(p->a.fd, packet, sizeof(packet), 0), sizeof(packet));
	(void)uv_run(&p->loop, UV_RUN_ONCE);
	assert_int_equal(end_err, -EBADMSG);
	assert_int_equal(n_messages, 0);
}

static void a_descriptor_without_room_is_said_to_be_lost(void **state)
{
	struct pair *p = *state;
	struct control_msg m = { .type = CONTROL_HANDOFF, .worker = 5 };
	struct rlimit before, full;

	assert_int_equal(control_send(&p->a, &m, open("/dev/null", O_RDONLY)), 0);
	control_flush(&p->a);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	full = before;
	full.rlim_cur = (rlim_t)lowest_free();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &full), 0);
	(void)uv_run(&p->loop, UV_RUN_ONCE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(n_messages, 1);
	assert_int_equal(n_ends, 0);
	assert_int_equal(last.worker, 5);
	assert_int_equal(last_fd, -1);
	assert_true(last.fd_lost);
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
		cmocka_unit_test_setup_teardown(what_is_sent_in_one_turn_is_one_call, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_is_lent_overtakes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_batch_that_is_cut_stays_in_order, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_batch_that_is_lost_ends_the_channel, setup,
						teardown),
		cmocka_unit_test_setup_teardown(who_closes_hears_nothing_more, setup, teardown),
		cmocka_unit_test_setup_teardown(a_kernel_that_is_short_is_asked_less_and_less_often,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_peer_that_reads_nothing_costs_no_turns, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
		    a_peer_that_reads_nothing_has_few_descriptors_of_ours, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_lent_stays_ours, setup, teardown),
		cmocka_unit_test_setup_teardown(two_descriptors_end_the_channel, setup, teardown),
		cmocka_unit_test_setup_teardown(a_packet_that_is_too_long_ends_the_channel, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_descriptor_without_room_is_said_to_be_lost, setup,
						teardown),
		cmocka_unit_test_setup_teardown(garbage_ends_the_channel, setup, teardown),
		cmocka_unit_test_setup_teardown(the_end_is_told_once, setup, teardown),
		cmocka_unit_test(truncation_never_decodes_wrongly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
