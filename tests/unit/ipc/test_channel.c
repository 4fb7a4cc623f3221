/* The channel: every frame arrives once and in order whatever the peer's pace, a descriptor is read
 * together with the last byte of its own frame, and every end is told once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/macros.h"
#include "ipc/channel.h"

enum { NODE_READ = 64 << 10, KERNEL_MAX = 1 << 20, TURNS = 1000 };

enum reaction { REACT_NOT, REACT_CLOSE };

struct end {
	struct channel ch;
	struct quota quota;
	enum reaction on_frame;
	struct buf payloads; /* of all frames, '|' after each */
	unsigned n_frames, n_blobs, n_read_ends, n_passed_over, n_ends, n_closed;
	size_t asked; /* for room, last */
	int err;
	int fds[512]; /* of each frame, -1 = none */
};

static void on_closed(struct channel *ch)
{
	container_of(ch, struct end, ch)->n_closed++;
}

static void on_frame(struct channel *ch, const struct channel_frame *f)
{
	struct end *e = container_of(ch, struct end, ch);

	assert_true(f->bytes.n > f->payload.n);
	assert_int_equal(buf_append(&e->payloads, f->payload.p, f->payload.n), 0);
	assert_int_equal(buf_append(&e->payloads, "|", 1), 0);
	if (e->n_frames < ARRAY_LEN(e->fds))
		e->fds[e->n_frames] = f->fd;
	e->n_frames++;
	if (f->blob) {
		assert_int_equal(f->blob->len, f->bytes.n);
		assert_ptr_equal(f->blob->bytes, f->bytes.p);
		e->n_blobs++;
	}
	if (e->on_frame == REACT_CLOSE)
		channel_close(ch, on_closed);
}

static void on_read_end(struct channel *ch)
{
	container_of(ch, struct end, ch)->n_read_ends++;
}

static void on_no_room(struct channel *ch, size_t n)
{
	struct end *e = container_of(ch, struct end, ch);

	e->n_passed_over += n == 0;
	e->asked = n ? n : e->asked;
}

static void on_end(struct channel *ch, int err)
{
	struct end *e = container_of(ch, struct end, ch);

	e->n_ends++;
	e->err = err;
}

static const struct channel_ops ops = { on_frame, on_read_end, on_no_room, on_end };

/* @e is a channel; @peer is the bare other end, as a worker has it. */
struct fixture {
	uv_loop_t loop;
	struct end e, other;
	int peer;
	struct buf got; /* all bytes read from @peer */
};

static void end_init(struct end *e, uv_loop_t *loop, int fd, enum serialization mode)
{
	*e = (struct end){ .payloads = BUF_INIT(SIZE_MAX / 2), .quota = { .max = 64 << 20 } };
	memset(e->fds, 0xff, sizeof(e->fds));
	assert_int_equal(channel_init(&e->ch, loop, fd, mode, &ops, &e->quota), 0);
}

static void end_free(struct end *e)
{
	channel_close(&e->ch, on_closed);
	assert_int_equal(e->quota.used, 0);
	buf_free(&e->payloads);
	for (size_t i = 0; i < ARRAY_LEN(e->fds); i++)
		fd_close(&e->fds[i]);
}

static int setup_mode(void **state, enum serialization mode)
{
	static struct fixture f;
	int sv[2];

	f.got = BUF_INIT(SIZE_MAX / 2);
	assert_int_equal(uv_loop_init(&f.loop), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	assert_int_equal(fd_set_nonblock(sv[1]), 0);
	end_init(&f.e, &f.loop, sv[0], mode);
	f.peer = sv[1];
	*state = &f;
	return 0;
}

static int setup(void **state)
{
	return setup_mode(state, SERIAL_JSON);
}

static int setup_advanced(void **state)
{
	return setup_mode(state, SERIAL_ADVANCED);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	end_free(&f->e);
	fd_close(&f->peer);
	buf_free(&f->got);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(f->e.n_closed, 1);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	return 0;
}

/* Both ends are channels. */
static int setup_pair(void **state)
{
	struct fixture *f;

	setup(state);
	f = *state;
	end_init(&f->other, &f->loop, fd_take(&f->peer), SERIAL_JSON);
	return 0;
}

static int teardown_pair(void **state)
{
	struct fixture *f = *state;

	end_free(&f->other);
	return teardown(state);
}

/* Frames */

static struct blob *framed(enum serialization mode, struct str payload)
{
	bool json = mode == SERIAL_JSON;
	struct blob *b = blob_new(payload.n + (json ? 1 : 4));

	assert_non_null(b);
	memcpy(b->bytes + (json ? 0 : 4), payload.p, payload.n);
	if (json)
		b->bytes[payload.n] = '\n';
	for (int i = 0; i < 4 && !json; i++)
		b->bytes[i] = (uint8_t)(payload.n >> (24 - 8 * i));
	return b;
}

static struct blob *frame_of_size(const struct fixture *f, size_t size)
{
	size_t n = size - (f->e.ch.mode == SERIAL_JSON ? 1 : 4);
	char *text = malloc(n);
	struct blob *b;

	assert_non_null(text);
	memset(text, 'x', n);
	if (f->e.ch.mode == SERIAL_ADVANCED)
		text[0] = '\xff';
	b = framed(f->e.ch.mode, (struct str){ text, n });
	free(text);
	return b;
}

static void send_sized(struct fixture *f, size_t size, int fd)
{
	struct blob *b = frame_of_size(f, size);

	assert_int_equal(channel_send(&f->e.ch, b, fd), 0);
	blob_unref(b);
}

static void send_number(struct channel *ch, unsigned n, int fd)
{
	char text[16];
	struct blob *b;

	(void)snprintf(text, sizeof(text), "%u", n);
	b = framed(ch->mode, str_of(text));
	assert_int_equal(channel_send(ch, b, fd), 0);
	blob_unref(b);
}

static void relay_number(struct channel *ch, unsigned n)
{
	char text[16];
	struct blob *b;

	(void)snprintf(text, sizeof(text), "%u", n);
	b = framed(ch->mode, str_of(text));
	assert_int_equal(channel_relay(ch, b), 0);
	blob_unref(b);
}

static void relay_sized(struct fixture *f, size_t size)
{
	struct blob *b = frame_of_size(f, size);

	assert_int_equal(channel_relay(&f->e.ch, b), 0);
	blob_unref(b);
}

static void assert_payloads(const struct end *e, const char *expected)
{
	assert_int_equal(e->payloads.len, strlen(expected));
	assert_memory_equal(e->payloads.p, expected, e->payloads.len);
}

static void assert_numbered(const struct end *e, unsigned n)
{
	char *expected = malloc(n * 12 + 1), *at = expected;

	assert_non_null(expected);
	*at = '\0';
	for (unsigned i = 0; i < n; i++)
		at += snprintf(at, 12, "%u|", i);
	assert_int_equal(e->n_frames, n);
	assert_payloads(e, expected);
	free(expected);
}

/* The peer */

static void peer_write(struct fixture *f, struct str bytes)
{
	assert_int_equal(write(f->peer, bytes.p, bytes.n), bytes.n);
}

static void peer_write_fd(struct fixture *f, struct str bytes, int fd)
{
	struct iovec iov = { (void *)bytes.p, bytes.n };
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	assert_int_equal(sendmsg(f->peer, &m, 0), bytes.n);
}

/* One read of at most @size bytes, as libuv does it: how many came, 0 when there is nothing. */
static size_t peer_read(struct fixture *f, size_t size, int *ret_fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov;
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *c;
	ssize_t n;

	assert_int_equal(buf_reserve(&f->got, size), 0);
	iov = (struct iovec){ f->got.p + f->got.len, size };
	n = recvmsg(f->peer, &m, MSG_CMSG_CLOEXEC);
	*ret_fd = -1;
	if (n <= 0)
		return 0;
	f->got.len += (size_t)n;
	c = CMSG_FIRSTHDR(&m);
	if (c)
		memcpy(ret_fd, CMSG_DATA(c), sizeof(int));
	return (size_t)n;
}

static void peer_drain(struct fixture *f)
{
	int fd;

	while (peer_read(f, NODE_READ, &fd) > 0)
		fd_close(&fd);
}

/* The loop */

static void turn(struct fixture *f)
{
	(void)uv_run(&f->loop, UV_RUN_NOWAIT);
}

static void turns(struct fixture *f)
{
	for (int i = 0; i < 10; i++)
		turn(f);
}

static void run_until(struct fixture *f, const unsigned *counter, unsigned n)
{
	for (int i = 0; i < TURNS && *counter < n; i++)
		turn(f);
	assert_int_equal(*counter, n);
}

static void peer_read_all(struct fixture *f, size_t size, size_t total)
{
	int fd;

	while (f->got.len < total) {
		turn(f);
		while (peer_read(f, size, &fd) > 0)
			assert_int_equal(fd, -1);
	}
}

static bool same_file(int a, int b)
{
	struct stat sa, sb;

	assert_int_equal(fstat(a, &sa), 0);
	assert_int_equal(fstat(b, &sb), 0);
	return sa.st_ino == sb.st_ino && sa.st_dev == sb.st_dev;
}

/* Receiving */

static void frames_arrive_in_batches_and_in_pieces(void **state)
{
	struct fixture *f = *state;

	peer_write(f, STR("1\n22\n333\n4"));
	run_until(f, &f->e.n_frames, 3);
	peer_write(f, STR("4"));
	turns(f);
	assert_payloads(&f->e, "1|22|333|");
	peer_write(f, STR("44\n5\n"));
	run_until(f, &f->e.n_frames, 5);
	assert_payloads(&f->e, "1|22|333|4444|5|");
}

static void advanced_frames_arrive_byte_by_byte(void **state)
{
	static const char bytes[] = "\0\0\0\x03\xff"
				    "ab"
				    "\0\0\0\x02\xff"
				    "c";
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(bytes) - 1; i++) {
		peer_write(f, (struct str){ bytes + i, 1 });
		turns(f);
	}
	assert_payloads(&f->e, "\xff"
			       "ab|\xff"
			       "c|");
}

/* All of @b, while the channel reads. */
static void peer_write_long(struct fixture *f, const struct blob *b)
{
	size_t written = 0;

	while (written < b->len) {
		ssize_t n = write(f->peer, b->bytes + written, b->len - written);

		if (n > 0)
			written += (size_t)n;
		turn(f);
	}
}

static void a_frame_longer_than_many_reads_arrives_whole(void **state)
{
	enum { SIZE = 3 << 20 };
	struct fixture *f = *state;
	struct blob *b = frame_of_size(f, SIZE);
	size_t prefix = f->e.ch.mode == SERIAL_ADVANCED ? 4 : 0;

	for (unsigned i = 1; i <= 3; i++) {
		peer_write_long(f, b);
		run_until(f, &f->e.n_frames, i);
		assert_int_equal(f->e.n_blobs, i);
		assert_memory_equal(f->e.payloads.p, b->bytes + prefix, SIZE - 4);
		buf_free(&f->e.payloads);
		assert_int_equal(f->e.quota.used, 0);
	}
	blob_unref(b);
}

static void a_frame_without_room_is_passed_over(void **state)
{
	struct fixture *f = *state;
	struct blob *large = frame_of_size(f, 3 << 20), *small = frame_of_size(f, 100);

	f->e.quota.max = 1 << 20;
	peer_write_long(f, small);
	peer_write_long(f, large);
	peer_write_long(f, small);
	peer_write_long(f, large);
	peer_write_long(f, small);
	run_until(f, &f->e.n_frames, 3);
	assert_int_equal(f->e.n_passed_over, 2);
	/* where the length is told, nobody is asked for what there cannot be */
	assert_int_equal(f->e.asked > 0, f->e.ch.mode == SERIAL_JSON);
	assert_int_equal(f->e.quota.used, 0);
	assert_int_equal(f->e.n_ends, 0);
	blob_unref(large);
	blob_unref(small);
}

static void half_a_frame_of_one_that_has_left_takes_no_room(void **state)
{
	struct fixture *f = *state;
	struct blob *large = frame_of_size(f, 3 << 20);

	for (size_t written = 0; written < 2 << 20;) {
		ssize_t n = write(f->peer, large->bytes + written, (2 << 20) - written);

		if (n > 0)
			written += (size_t)n;
		turn(f);
	}
	turns(f);
	assert_true(f->e.quota.used > 0);
	fd_close(&f->peer);
	run_until(f, &f->e.n_ends, 1);
	assert_int_equal(f->e.quota.used, 0);
	blob_unref(large);
}

static void every_read_ends_after_its_frames(void **state)
{
	struct fixture *f = *state;

	peer_write(f, STR("1\n2\n3"));
	turns(f);
	assert_int_equal(f->e.n_read_ends, 1);
	peer_write(f, STR("\n"));
	run_until(f, &f->e.n_frames, 3);
	assert_int_equal(f->e.n_read_ends, 2);
}

static void a_descriptor_comes_with_the_frame_it_ends(void **state)
{
	struct fixture *f = *state;
	auto_fd int sent = memfd_create("sent", 0);

	peer_write(f, STR("1\n2\n3"));
	peer_write_fd(f, STR("\n"), sent);
	peer_write(f, STR("4\n"));
	run_until(f, &f->e.n_frames, 4);
	assert_payloads(&f->e, "1|2|3|4|");
	assert_int_equal(f->e.fds[0], -1);
	assert_int_equal(f->e.fds[1], -1);
	assert_true(same_file(f->e.fds[2], sent));
	assert_int_equal(fcntl(f->e.fds[2], F_GETFD), FD_CLOEXEC);
	assert_int_equal(f->e.fds[3], -1);
}

static void a_descriptor_of_no_frame_is_closed(void **state)
{
	struct fixture *f = *state;
	int ends[2];
	char byte;

	assert_int_equal(pipe(ends), 0);
	peer_write_fd(f, STR("not the end"), ends[1]);
	fd_close(&ends[1]);
	turns(f);
	channel_close(&f->e.ch, on_closed);
	assert_int_equal(read(ends[0], &byte, 1), 0);
	fd_close(&ends[0]);
}

static void the_rest_of_the_dead_is_read_at_once(void **state)
{
	enum { N = 20, SIZE = 8000 };
	struct fixture *f = *state;
	struct blob *b = frame_of_size(f, SIZE);

	for (unsigned i = 0; i < N; i++)
		peer_write(f, (struct str){ (char *)b->bytes, b->len });
	peer_write(f, STR("half"));
	channel_read_rest(&f->e.ch);
	assert_int_equal(f->e.n_frames, N);
	assert_int_equal(f->e.n_ends, 0);
	fd_close(&f->peer);
	channel_read_rest(&f->e.ch);
	assert_int_equal(f->e.n_ends, 1);
	blob_unref(b);
}

/* Sending */

static void everything_arrives_in_order(void **state)
{
	enum { N = 20000 };
	struct fixture *f = *state;

	for (unsigned i = 0; i < N; i++)
		relay_number(&f->e.ch, i);
	run_until(f, &f->other.n_frames, N);
	assert_numbered(&f->other, N);
}

static void both_directions_at_once(void **state)
{
	enum { N = 20000 };
	struct fixture *f = *state;

	for (unsigned i = 0; i < N; i++) {
		relay_number(&f->e.ch, i);
		relay_number(&f->other.ch, i);
	}
	run_until(f, &f->other.n_frames, N);
	run_until(f, &f->e.n_frames, N);
	assert_numbered(&f->other, N);
	assert_numbered(&f->e, N);
}

static void partial_writes_lose_nothing(void **state)
{
	static const size_t sizes[] = { 100001, 5, 700000, 65536, 6, 65537, 1000000, 10 };
	struct fixture *f = *state;
	struct buf expected = BUF_INIT(SIZE_MAX / 2);

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct blob *b = frame_of_size(f, sizes[i]);

		b->bytes[b->len - 2] = (uint8_t)('a' + i);
		assert_int_equal(buf_append(&expected, b->bytes, b->len), 0);
		assert_int_equal(channel_send(&f->e.ch, b, -1), 0);
		blob_unref(b);
	}
	turns(f);
	peer_read_all(f, 777, expected.len);
	assert_int_equal(f->got.len, expected.len);
	assert_memory_equal(f->got.p, expected.p, expected.len);
	buf_free(&expected);
}

static void a_frame_shared_by_two_channels_is_freed_once(void **state)
{
	struct fixture *f = *state;
	struct blob *b = framed(SERIAL_JSON, STR("shared"));

	assert_int_equal(channel_send(&f->e.ch, b, -1), 0);
	assert_int_equal(channel_send(&f->other.ch, b, -1), 0);
	blob_unref(b);
	run_until(f, &f->e.n_frames, 1);
	run_until(f, &f->other.n_frames, 1);
	assert_payloads(&f->e, "shared|");
	assert_payloads(&f->other, "shared|");
}

/* Sends a plain frame of @before bytes and one of @size bytes with a descriptor, then another plain
 * one; the peer reads like Node. */
static void assert_fd_ends_its_frame(struct fixture *f, size_t before, size_t size)
{
	auto_fd int sent = memfd_create("sent", 0);
	size_t frame_end = f->got.len + before + size, total = frame_end + 100;
	unsigned n_fds = 0;

	send_sized(f, before, -1);
	send_sized(f, size, sent);
	send_sized(f, 100, -1);
	assert_true(fcntl(sent, F_GETFD) >= 0);
	while (f->got.len < total) {
		auto_fd int fd = -1;

		turn(f);
		if (peer_read(f, NODE_READ, &fd) == 0 || fd < 0)
			continue;
		n_fds++;
		assert_int_equal(f->got.len, frame_end);
		assert_true(same_file(fd, sent));
	}
	assert_int_equal(n_fds, 1);
}

static void a_descriptor_is_read_with_the_last_byte_of_its_frame(void **state)
{
	struct fixture *f = *state;

	assert_fd_ends_its_frame(f, 10, 20);
	assert_fd_ends_its_frame(f, 300000, 20);
	assert_fd_ends_its_frame(f, 10, 300000);
	for (size_t around = NODE_READ - 2; around <= NODE_READ + 2; around++) {
		assert_fd_ends_its_frame(f, around - 20, 20);
		assert_fd_ends_its_frame(f, 20, around - 20);
		assert_fd_ends_its_frame(f, around, 20);
	}
}

static void many_descriptors_are_pipelined_among_plain_frames(void **state)
{
	enum { N = 300 };
	struct fixture *f = *state;
	int sent[N];

	for (unsigned i = 0; i < N; i++) {
		sent[i] = i % 3 == 2 ? -1 : memfd_create("sent", 0);
		send_number(&f->e.ch, i, sent[i]);
	}
	run_until(f, &f->other.n_frames, N);
	assert_numbered(&f->other, N);
	for (unsigned i = 0; i < N; i++) {
		assert_int_equal(f->other.fds[i] >= 0, sent[i] >= 0);
		assert_true(sent[i] < 0 || same_file(f->other.fds[i], sent[i]));
		fd_close(&sent[i]);
	}
}

/* Two classes */

static void what_is_relayed_comes_last_and_in_order(void **state)
{
	struct fixture *f = *state;

	relay_number(&f->e.ch, 1);
	send_number(&f->e.ch, 7, -1);
	relay_number(&f->e.ch, 2);
	send_number(&f->e.ch, 8, -1);
	run_until(f, &f->other.n_frames, 4);
	assert_payloads(&f->other, "7|8|1|2|");
}

static void a_frame_that_has_begun_is_finished_first(void **state)
{
	enum { SIZE = 4 << 20 };
	struct fixture *f = *state;

	relay_sized(f, SIZE);
	relay_number(&f->e.ch, 1);
	turn(f); /* the kernel has taken the begin of it */
	send_number(&f->e.ch, 7, -1);
	send_number(&f->e.ch, 8, -1);
	run_until(f, &f->other.n_frames, 4);
	assert_int_equal(f->other.payloads.len, SIZE + 6);
	assert_memory_equal(f->other.payloads.p + SIZE, "7|8|1|", 6);
}

static void a_queue_is_written_before_the_loop_waits(void **state)
{
	struct fixture *f = *state;
	int fd;

	send_number(&f->e.ch, 1, -1);
	relay_number(&f->e.ch, 2);
	assert_int_equal(peer_read(f, NODE_READ, &fd), 0);
	turn(f);
	assert_int_equal(peer_read(f, NODE_READ, &fd), 4);
	assert_memory_equal(f->got.p, "1\n2\n", 4);
}

static void the_backlog_is_known_and_can_be_dropped(void **state)
{
	enum { N = 40, SIZE = 100000 };
	struct fixture *f = *state;
	size_t begun, left;

	assert_int_equal(channel_relayed_since_ms(&f->e.ch), 0);
	for (int i = 0; i < N; i++)
		relay_sized(f, SIZE);
	assert_int_equal(channel_relayed_bytes(&f->e.ch), N * SIZE);
	assert_true(channel_relayed_since_ms(&f->e.ch) > 0);
	turns(f);
	begun = (N * SIZE - channel_relayed_bytes(&f->e.ch)) / SIZE + 1;
	channel_drop_relayed(&f->e.ch);
	left = channel_relayed_bytes(&f->e.ch);
	assert_true(left == 0 || left == SIZE);
	send_number(&f->e.ch, 7, -1);
	peer_read_all(f, NODE_READ, begun * SIZE - (left ? 0 : SIZE) + 2);
	assert_memory_equal(f->got.p + f->got.len - 2, "7\n", 2);
	assert_int_equal(channel_relayed_bytes(&f->e.ch), 0);
}

static void frames_are_sent_when_the_kernel_has_them_whole(void **state)
{
	struct fixture *f = *state;
	uint64_t first, second;

	send_sized(f, 2 << 20, -1);
	first = channel_last_number(&f->e.ch);
	relay_sized(f, 1000);
	send_number(&f->e.ch, 1, -1);
	second = channel_last_number(&f->e.ch);
	turns(f);
	assert_int_equal(second, first + 1);
	assert_false(channel_has_sent(&f->e.ch, first));
	peer_read_all(f, NODE_READ, (2 << 20) + 2 + 1000);
	assert_true(channel_has_sent(&f->e.ch, first));
	assert_true(channel_has_sent(&f->e.ch, second));
}

static void one_that_does_not_read_is_answered_no_more(void **state)
{
	struct fixture *f = *state;
	struct blob *b = framed(SERIAL_JSON, STR("{}"));
	unsigned n = 0;

	while (channel_send(&f->e.ch, b, -1) == 0)
		assert_true(++n <= CHANNEL_OWN_FRAMES_MAX);
	assert_int_equal(channel_send(&f->e.ch, b, -1), -ENOBUFS);
	assert_int_equal(channel_relay(&f->e.ch, b), 0);
	blob_unref(b);
	turns(f);
	send_number(&f->e.ch, 1, -1);
}

static void a_descriptor_that_was_sent_is_still_its_owners(void **state)
{
	struct fixture *f = *state;
	auto_fd int sent = memfd_create("sent", 0);

	send_number(&f->e.ch, 0, sent);
	run_until(f, &f->other.n_frames, 1);
	assert_true(channel_has_sent(&f->e.ch, channel_last_number(&f->e.ch)));
	assert_true(f->other.fds[0] != sent && same_file(f->other.fds[0], sent));
}

/* Ends */

static void assert_ended(struct fixture *f, int err)
{
	struct blob *b = framed(f->e.ch.mode, STR("too late"));

	run_until(f, &f->e.n_ends, 1);
	turns(f);
	assert_int_equal(f->e.n_ends, 1);
	assert_int_equal(f->e.err, err);
	assert_int_equal(channel_send(&f->e.ch, b, -1), -EPIPE);
	blob_unref(b);
}

static void eof_is_told_once_after_the_last_frame(void **state)
{
	struct fixture *f = *state;

	peer_write(f, STR("last\nhalf a fra"));
	fd_close(&f->peer);
	assert_ended(f, 0);
	assert_payloads(&f->e, "last|");
}

static void the_last_words_are_heard_though_nobody_listens_any_more(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 8; i++)
		send_sized(f, 128 << 10, -1);
	peer_drain(f);
	peer_write(f, STR("last\n"));
	fd_close(&f->peer);
	run_until(f, &f->e.n_ends, 1);
	assert_payloads(&f->e, "last|");
}

static void a_peer_that_leaves_bytes_unread_ends_the_channel(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 8; i++)
		send_sized(f, 128 << 10, -1);
	peer_write(f, STR("last\n"));
	fd_close(&f->peer);
	run_until(f, &f->e.n_ends, 1);
	turns(f);
	assert_int_equal(f->e.n_ends, 1);
	assert_payloads(&f->e, "last|");
}

static void a_failing_send_is_told_from_the_loop(void **state)
{
	struct fixture *f = *state;

	fd_close(&f->peer);
	send_number(&f->e.ch, 1, -1);
	assert_int_equal(f->e.n_ends, 0);
	run_until(f, &f->e.n_ends, 1);
}

static void an_empty_line_is_a_frame(void **state)
{
	struct fixture *f = *state;

	peer_write(f, STR("1\n\n2\n"));
	run_until(f, &f->e.n_frames, 3);
	assert_payloads(&f->e, "1||2|");
}

static void what_is_no_length_in_front_of_a_value_is_garbage(void **state)
{
	static const struct str wrong[] = { STR("\0\0\0\0"), STR("\x7f\0\0\0"), STR("\0\0\0\x02no"),
					    STR("GET / HTTP/1.1\r\n") };

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct fixture *f = *state;

		peer_write(f, STR("\0\0\0\x01\xff"));
		peer_write(f, wrong[i]);
		assert_ended(f, -EBADMSG);
		assert_payloads(&f->e, "\xff|");
		(void)teardown(state);
		(void)setup_advanced(state);
	}
}

static void a_line_without_end_is_passed_over(void **state)
{
	static char piece[128 << 10];
	struct fixture *f = *state;

	f->e.quota.max = 4 << 20;
	memset(piece, 'x', sizeof(piece));
	for (size_t written = 0; written < 64 << 20;) {
		ssize_t n = write(f->peer, piece, sizeof(piece));

		if (n > 0)
			written += (size_t)n;
		turn(f);
	}
	turns(f);
	assert_int_equal(f->e.n_passed_over, 1);
	assert_int_equal(f->e.quota.used, 0);
	peer_write(f, STR("x\n1\n"));
	run_until(f, &f->e.n_frames, 1);
	assert_payloads(&f->e, "1|");
}

static void may_close_inside_on_frame(void **state)
{
	struct fixture *f = *state;

	f->e.on_frame = REACT_CLOSE;
	send_number(&f->e.ch, 1, -1);
	peer_write(f, STR("1\n2\n"));
	run_until(f, &f->e.n_closed, 1);
	assert_payloads(&f->e, "1|");
	assert_int_equal(f->e.n_ends, 0);
}

static void closing_drops_the_queue_but_no_descriptor(void **state)
{
	struct fixture *f = *state;
	auto_fd int lent = memfd_create("lent", 0);
	int fd;

	for (int i = 0; i < 8; i++)
		send_sized(f, 128 << 10, lent);
	channel_close(&f->e.ch, on_closed);
	channel_close(&f->e.ch, on_closed);
	assert_int_equal(f->e.n_closed, 0);
	run_until(f, &f->e.n_closed, 1);
	assert_true(fcntl(lent, F_GETFD) >= 0);
	while (peer_read(f, NODE_READ, &fd) > 0)
		fd_close(&fd);
	assert_true(f->got.len < 8 * (128 << 10));
}

static void a_socket_that_cannot_be_watched_is_closed(void **state)
{
	static uv_loop_t loop;
	struct quota quota = { .max = 0 };
	struct channel ch;
	int fd = memfd_create("no socket", 0);

	(void)state;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_true(channel_init(&ch, &loop, fd, SERIAL_JSON, &ops, &quota) < 0);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(uv_loop_close(&loop), 0);
}

/* Half a frame of the one before and what waits for it are gone. */
static void another_peer_takes_over(void **state)
{
	struct fixture *f = *state;
	int sv[2];

	peer_write(f, (struct str){ "1\n2", 3 });
	fd_close(&f->peer);
	run_until(f, &f->e.n_ends, 1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv), 0);
	f->peer = sv[1];
	assert_int_equal(channel_reopen(&f->e.ch, sv[0]), 0);
	assert_int_equal(fcntl(sv[0], F_GETFD), -1);
	peer_write(f, (struct str){ "3\n", 2 });
	run_until(f, &f->e.n_frames, 2);
	assert_payloads(&f->e, "1|3|");
	send_number(&f->e.ch, 4, -1);
	peer_read_all(f, NODE_READ, 2);
	assert_memory_equal(f->got.p, "4\n", 2);
}

#define JSON(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define ADVANCED(test) cmocka_unit_test_setup_teardown(test, setup_advanced, teardown)
#define PAIR(test) cmocka_unit_test_setup_teardown(test, setup_pair, teardown_pair)

int main(void)
{
	const struct CMUnitTest tests[] = {
		JSON(frames_arrive_in_batches_and_in_pieces),
		ADVANCED(advanced_frames_arrive_byte_by_byte),
		JSON(a_frame_longer_than_many_reads_arrives_whole),
		ADVANCED(a_frame_longer_than_many_reads_arrives_whole),
		JSON(a_frame_without_room_is_passed_over),
		ADVANCED(a_frame_without_room_is_passed_over),
		JSON(half_a_frame_of_one_that_has_left_takes_no_room),
		ADVANCED(half_a_frame_of_one_that_has_left_takes_no_room),
		JSON(every_read_ends_after_its_frames),
		JSON(the_rest_of_the_dead_is_read_at_once),
		JSON(a_descriptor_comes_with_the_frame_it_ends),
		JSON(a_descriptor_of_no_frame_is_closed),
		PAIR(everything_arrives_in_order),
		PAIR(both_directions_at_once),
		JSON(partial_writes_lose_nothing),
		ADVANCED(partial_writes_lose_nothing),
		PAIR(a_frame_shared_by_two_channels_is_freed_once),
		JSON(a_descriptor_is_read_with_the_last_byte_of_its_frame),
		ADVANCED(a_descriptor_is_read_with_the_last_byte_of_its_frame),
		PAIR(many_descriptors_are_pipelined_among_plain_frames),
		PAIR(what_is_relayed_comes_last_and_in_order),
		PAIR(a_frame_that_has_begun_is_finished_first),
		JSON(a_queue_is_written_before_the_loop_waits),
		JSON(the_backlog_is_known_and_can_be_dropped),
		JSON(frames_are_sent_when_the_kernel_has_them_whole),
		JSON(one_that_does_not_read_is_answered_no_more),
		PAIR(a_descriptor_that_was_sent_is_still_its_owners),
		JSON(another_peer_takes_over),
		JSON(eof_is_told_once_after_the_last_frame),
		JSON(the_last_words_are_heard_though_nobody_listens_any_more),
		JSON(a_peer_that_leaves_bytes_unread_ends_the_channel),
		JSON(a_failing_send_is_told_from_the_loop),
		JSON(an_empty_line_is_a_frame),
		ADVANCED(what_is_no_length_in_front_of_a_value_is_garbage),
		JSON(a_line_without_end_is_passed_over),
		JSON(may_close_inside_on_frame),
		JSON(closing_drops_the_queue_but_no_descriptor),
		cmocka_unit_test(a_socket_that_cannot_be_watched_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
