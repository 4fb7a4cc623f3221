/* Questions to workers. See question.h. */
#include "router/backend/question.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/macros.h"
#include "router/backend/pair.h"
#include "router/backend/workers.h"
#include "router/net/sock.h"

#include "base/ban.h"

enum { STATUS_LEN = sizeof("HTTP/1.1 200") - 1, DROP_SIZE = 4096, DROPS_A_TURN = 64 };
enum { TLS_ALERT = 0x15, TLS_HANDSHAKE = 0x16, TLS_RANDOM_SIZE = 32 };

/* Version 1.2, no session, no cipher suite but TLS_EMPTY_RENEGOTIATION_INFO_SCSV (RFC 5746, 3.3),
 * no compression, no extensions. */
static const char hello[] = "\x16\x03\x01\0\x2f"               /* a record of 47 bytes */
			    "\x01\0\0\x2b\x03\x03"             /* ClientHello of 43 bytes */
			    "sioinit: which protocol is this?" /* random */
			    "\0"                               /* no session */
			    "\0\x02\0\xff"                     /* cipher suites */
			    "\x01\0"                           /* compression */
			    "\0"; /* extensions: two bytes with the NUL */

_Static_assert(sizeof("sioinit: which protocol is this?") - 1 == TLS_RANDOM_SIZE, "its random");
_Static_assert(sizeof(hello) == 5 + 47, "its length");

struct question {
	struct sock sock;
	const char *path; /* borrowed, or NULL */
	bool hello;       /* is said instead */
	question_fn *on_answer;
	void *ctx;
	bool asked, answered;
	char status[STATUS_LEN];
	size_t len;
};

static void answer(struct question *q, int status)
{
	q->answered = true;
	q->on_answer(q->ctx, status);
}

static int write_question(const struct question *q, struct buf *out)
{
	if (q->hello)
		return buf_append(out, hello, sizeof(hello));
	return buf_printf(out, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
			  q->path);
}

static int send_question(struct question *q)
{
	struct buf out = BUF_INIT(SOCK_OUT_MAX);
	int r = write_question(q, &out);

	q->asked = true;
	if (r == 0)
		r = sock_send(&q->sock, buf_str(&out), (struct str){ 0 });
	buf_free(&out);
	return r < 0 ? r : sock_want(&q->sock, UV_READABLE);
}

/* What has become of the connect(): 0 or -errno. */
static int connect_result(int fd)
{
	int err = 0;
	socklen_t len = sizeof(err);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0 ? -errno : -err;
}

static void on_connected(struct question *q)
{
	int r = connect_result(q->sock.fd);
	bool asks = q->path || q->hello;

	if (r == 0 && asks)
		r = send_question(q);
	if (r < 0 || !asks)
		answer(q, r);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Of the beginning of a status line, or -EBADMSG. */
static int read_status(const char line[static STATUS_LEN])
{
	const char *code = line + STATUS_LEN - 3;

	if (!is_digit(code[0]) || !is_digit(code[1]) || !is_digit(code[2]))
		return -EBADMSG;
	return (code[0] - '0') * 100 + (code[1] - '0') * 10 + code[2] - '0';
}

/* Whether what has come may be the beginning of a status line. */
static bool may_be_http(const struct question *q)
{
	const struct str protocol = STR("HTTP/");

	return memcmp(q->status, protocol.p, q->len < protocol.n ? q->len : protocol.n) == 0;
}

static bool is_tls(const struct question *q)
{
	return q->status[0] == TLS_ALERT || q->status[0] == TLS_HANDSHAKE;
}

static void on_readable(struct question *q)
{
	ssize_t n = recv(q->sock.fd, q->status + q->len, STATUS_LEN - q->len, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR) && !q->sock.failed)
		return;
	if (n <= 0) {
		answer(q, n < 0 ? -errno : -ECONNRESET);
		return;
	}
	q->len += (size_t)n;
	if (!may_be_http(q))
		answer(q, is_tls(q) ? -EPROTO : -EBADMSG);
	else if (q->len == STATUS_LEN)
		answer(q, read_status(q->status));
}

static void drop_rest(struct question *q)
{
	char dropped[DROP_SIZE];
	ssize_t n = DROP_SIZE;

	for (int i = 0; i < DROPS_A_TURN && n == DROP_SIZE; i++)
		n = recv(q->sock.fd, dropped, sizeof(dropped), MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		(void)sock_want(&q->sock, 0);
}

static void on_event(struct sock *s, int events)
{
	struct question *q = container_of(s, struct question, sock);

	(void)events;
	if (q->answered)
		drop_rest(q);
	else if (q->asked)
		do /* after an error no further event tells of what is still to be read */
			on_readable(q);
		while (s->failed && !q->answered);
	else
		on_connected(q);
}

/* @what: path, hello, on_answer and ctx of the new question. */
static int begin(struct worker *w, enum question_way way, const struct question *what,
		 struct question **ret)
{
	auto_fd int fd =
	    way == QUESTION_OWN ? pair_dial(w) : pair_hand_over(w, HANDOFF_PROBE, 0, NULL);
	struct question *q;
	int r;

	if (fd < 0)
		return fd;
	q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	*q = *what;
	sock_init(&q->sock, w->backend->loop, fd_take(&fd), on_event);
	r = way == QUESTION_OWN ? sock_want(&q->sock, UV_WRITABLE) : send_question(q);
	if (r < 0)
		question_close(q);
	else
		*ret = q;
	return r;
}

int question_ask(struct worker *w, enum question_way way, const char *path, question_fn *on_answer,
		 void *ctx, struct question **ret)
{
	const struct question what = { .path = path, .on_answer = on_answer, .ctx = ctx };

	return begin(w, way, &what, ret);
}

int question_say_hello(struct worker *w, enum question_way way, question_fn *on_answer, void *ctx,
		       struct question **ret)
{
	const struct question what = { .hello = true, .on_answer = on_answer, .ctx = ctx };

	return begin(w, way, &what, ret);
}

static void on_closed(struct sock *s)
{
	free(container_of(s, struct question, sock));
}

void question_close(struct question *q)
{
	if (q)
		sock_close(&q->sock, on_closed);
}
