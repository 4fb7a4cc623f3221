/* Peeking. See head_wait.h. An incomplete head costs no wake-ups: only more of it, or the client's
 * end, is told. (SO_RCVLOWAT would not do: under memory pressure and with small windows a socket is
 * readable below it.) A PROXY header is peeked at in the same way and then taken out, to its last
 * byte and no further. */
#include "router/client/head_wait.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "router/client/context.h"

#include "base/ban.h"

enum { ROOM_WITHOUT_ASKING = 32 << 10, SEGMENT_MAX = 64 << 10 };

static size_t head_max(const struct frontend *f)
{
	uint32_t max = frontend_conf(f)->max_head_bytes;

	return max < IO_SIZE ? max : IO_SIZE;
}

/* PEEK_PART with what is there, or why there is nothing. */
static struct peek look(struct frontend *f, int fd, size_t max)
{
	ssize_t n = recv(fd, f->io, max, MSG_PEEK | MSG_DONTWAIT);

	if (n > 0)
		return (struct peek){ PEEK_PART, .n = (size_t)n };
	if (n == 0)
		return (struct peek){ PEEK_ENDED, .why = "client closed" };
	if (errno == EAGAIN || errno == EINTR)
		return (struct peek){ .kind = PEEK_NOTHING };
	return (struct peek){ PEEK_ENDED, .why = strerror(errno) };
}

/* What a client says first who knows that the server speaks HTTP/2 (RFC 9113, 3.4). No server of
 * HTTP/1 takes it. */
static bool is_http2_preface(const char *bytes, size_t n)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

	return n >= sizeof(preface) - 1 && memcmp(bytes, preface, sizeof(preface) - 1) == 0;
}

static enum first_byte begins_with(const char *bytes, size_t n)
{
	return is_http2_preface(bytes, n) ? FIRST_BYTE_OTHER : first_byte_of(bytes[0]);
}

struct peek peek_request(struct frontend *f, int fd)
{
	size_t max = head_max(f);
	struct peek p = look(f, fd, max);
	enum http_parse_result result;

	if (p.kind != PEEK_PART)
		return p;
	p.first = begins_with(f->io, p.n);
	if (p.first != FIRST_BYTE_HTTP) {
		p.kind = PEEK_FOREIGN;
		p.status = 400;
		return p;
	}
	result = http_parse_request((struct str){ f->io, p.n }, max, &f->head);
	if (result == HTTP_HEAD_COMPLETE)
		p.kind = PEEK_WHOLE;
	else if (result != HTTP_HEAD_PARTIAL)
		p = (struct peek){ PEEK_BAD, .status = (unsigned)-result };
	return p;
}

struct peek peek_proxy_header(struct frontend *f, int fd, struct proxy_header *ret)
{
	struct peek p = look(f, fd, PROXY_HEADER_MAX);
	enum proxy_parse_result result;

	if (p.kind != PEEK_PART)
		return p;
	result = proxy_header_parse((struct str){ f->io, p.n }, ret);
	if (result == PROXY_COMPLETE)
		p.kind = PEEK_WHOLE;
	else if (result == PROXY_BAD)
		p.kind = PEEK_BAD;
	return p;
}

bool take_proxy_header(struct frontend *f, int fd, size_t n)
{
	return recv(fd, f->io, n, MSG_DONTWAIT) == (ssize_t)n;
}

/* The whole head has to fit into the kernel's buffer, which grows only as it is read from, or for
 * SO_RCVLOWAT (SO_RCVBUF would fix its size for good); no window is offered for less than a
 * segment, so that there is one more. */
void head_make_room(const struct frontend *f, int fd, size_t had, size_t n)
{
	int wanted = (int)head_max(f) + SEGMENT_MAX, one = 1;

	if (had > ROOM_WITHOUT_ASKING || n <= ROOM_WITHOUT_ASKING)
		return;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &wanted, sizeof(wanted));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &one, sizeof(one));
}
