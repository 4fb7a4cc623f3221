/* The router's loop: one epoll set for the sockets, with libuv's loop (timers, control channel,
 * listeners) as one more descriptor in it, the way libuv documents embedding (uv_backend_fd()). A
 * uv_poll_t for each socket would cost five more system calls for every connection. */
#pragma once

#include <stdbool.h>
#include <uv.h>

struct sock;

struct loop {
	uv_loop_t *uv;
	int fd;
	struct sock *closing; /* to be freed when the events of this turn are dealt with */
	bool stopped;
};

/* 0 or -errno. */
int loop_init(struct loop *l, uv_loop_t *uv);
void loop_deinit(struct loop *l);

/* Runs until loop_stop(). @before_sleep is called once a turn. */
void loop_run(struct loop *l, void (*before_sleep)(void *ctx), void *ctx);
void loop_stop(struct loop *l);

/* For sock.c: @events (as sock_want()) from now on, 0 takes it out of the set. 0 or
 * -errno. */
int loop_set(struct loop *l, struct sock *s, int events);
/* For sock.c: s->on_closed() at the end of the turn. */
void loop_close_later(struct loop *l, struct sock *s);
