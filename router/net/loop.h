/* The router's loop: one epoll set for the sockets, with libuv's loop (timers, control channel,
 * listeners) as one more descriptor in it, the way libuv documents embedding (uv_backend_fd()). A
 * uv_poll_t for each socket would cost five more system calls for every connection. */
#pragma once

#include <stdbool.h>
#include <uv.h>

struct sock;

struct poller {
	uv_loop_t *loop;
	int fd;
	struct sock *closing; /* to be freed when the events of this turn are dealt with */
	bool stopped;
};

/* 0 or -errno. */
int poller_init(struct poller *p, uv_loop_t *loop);
void poller_deinit(struct poller *p);

/* Runs until poller_stop(). @before_sleep is called once a turn. */
void poller_run(struct poller *p, void (*before_sleep)(void *ctx), void *ctx);
void poller_stop(struct poller *p);

/* For sock.c: @events (as sock_want()) from now on, 0 takes it out of the set. 0 or
 * -errno. */
int poller_set(struct poller *p, struct sock *s, int events);
/* For sock.c: s->on_closed() at the end of the turn. */
void poller_close_later(struct poller *p, struct sock *s);
