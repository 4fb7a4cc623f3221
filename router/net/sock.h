/* A non-blocking stream socket on the loop, for both sides of an exchange: what it waits for, and
 * the bytes that the kernel would not take yet (bounded; while there are any, the owner stops
 * reading from the other side). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <uv.h> /* UV_READABLE, UV_WRITABLE, UV_DISCONNECT */

#include "base/buf.h"

struct pipe;
struct loop;

enum {
	SOCK_OUT_MAX = 256 << 10,
	/* less than a segment of loopback's, whose rest would go out alone */
	SOCK_READ_MIN = 60 << 10,
	SOCK_READ_MAX = 4 * SOCK_READ_MIN,
};

struct sock {
	struct loop *loop;
	int fd;      /* owned; -1 after sock_release() and sock_close() */
	int events;  /* what it waits for */
	bool failed; /* the kernel reported an error: a read tells which */
	bool ended;  /* UV_DISCONNECT was told: no more will come */
	bool closing;
	bool lent;      /* another process has, or may have, the descriptor, too */
	bool listens;   /* dispatched last, after sockets and the control channel */
	bool exclusive; /* of the processes that wait for it, one is woken */
	struct sock *next_closing;
	struct buf out;
	size_t
	    read_size; /* how much to bring it at a time: more while it takes all, less when not */
	/* @events: of those it waits for; an error counts as UV_READABLE, whatever it waits for.
	 * May close or release the socket. */
	void (*on_event)(struct sock *s, int events);
	void (*on_closed)(struct sock *s);
};

/* TCP_NODELAY; nothing for other sockets. What a listener has, the sockets it accepts have, too. */
void sock_no_delay(int fd);

/* Takes over @fd, which is non-blocking. Nothing is registered until sock_want(): a socket that is
 * handed on at once costs no epoll call. */
void sock_init(struct sock *s, struct loop *l, int fd,
	       void (*on_event)(struct sock *s, int events));

/* Waits for these events from now on, none of which is told when it is 0, not even an error. With
 * UV_DISCONNECT (the other side has ended) they are told once for each piece of news, not as long
 * as it is so: bytes that are left in the kernel cost no wake-ups, and more of them is news. 0 or
 * -errno; -EPIPE: the socket has failed, no event will come (what is left in it can still be read).
 */
int sock_want(struct sock *s, int events);

/* Sends both slices, in order, after what is still pending; what the kernel does not take is kept.
 * 0 or -errno: -EMSGSIZE (SOCK_OUT_MAX: the owner did not heed sock_blocked()), -ENOMEM, or the
 * socket's error. */
int sock_send(struct sock *s, struct str first, struct str second);
/* Moves what waits in @from, at most .read_size bytes, to the socket, of which nothing is pending,
 * through
 * @p, which is open and empty; what the kernel does not take is kept. Returns the bytes moved, 0:
 * @from has ended, or -errno: -EAGAIN, -ENOMEM, or the error of either. @from is borrowed. */
ssize_t sock_splice(struct sock *s, int from, struct pipe *p);
/* Sends what is pending. 0 or -errno: then it is dropped, as nothing more can be sent. */
int sock_flush(struct sock *s);

static inline bool sock_blocked(const struct sock *s)
{
	return s->out.len > 0;
}

/* Gives the descriptor away; the socket only remains to be closed. */
int sock_release(struct sock *s);

/* Idempotent. @on_closed runs at the end of the loop's turn. */
void sock_close(struct sock *s, void (*on_closed)(struct sock *s));
