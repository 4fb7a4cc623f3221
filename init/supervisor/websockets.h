/* WebSockets that were handed over, counted by client until they end: for
 * max-connections-per-address, which routers hold new clients to. They read the counts in the
 * scoreboard (scoreboard_websockets()).
 *
 * init closes its descriptor when a worker has taken a socket, and keeps a registration in an epoll
 * set, which lives as long as any descriptor of the socket does (epoll(7), question 6). It tells at
 * once when both directions have ended or the client has reset the connection. When the worker
 * closes a connection that is not at its end, the registration goes without a word; but
 * /proc/self/fdinfo lists those that are left (proc_pid_fdinfo(5)), each with the client that it
 * counts for. That list is read when somebody has been refused, when a worker has ended, and when a
 * set is full; a set at a time, as the kernel makes the whole list of a set in one system call
 * (about 0.4 ms for WEBSOCKET_SET_MAX). */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "ipc/scoreboard.h"

enum { WEBSOCKET_SET_MAX = 256, WEBSOCKET_SETS_MAX = 2048 };

struct websocket_set;

/* Zero-initialised: nothing is counted. */
struct websockets {
	bool on;                  /* they are counted */
	struct scoreboard *board; /* borrowed */
	uv_timer_t slice;         /* active: sets are being read */
	struct websocket_set *sets[WEBSOCKET_SETS_MAX];
	unsigned n_sets;
	unsigned filling; /* new registrations go to this set */
	unsigned oldest;  /* which set is read next to find room */
	unsigned unread;  /* sets below this are still to be read */
	uint64_t refused; /* those that routers had refused when sets were last read for them */
	bool told;        /* one was not counted; said once */
};

/* Where the kernel does not list the registrations nothing is counted, and the log says so. @loop
 * and @board outlive it. */
void websockets_init(struct websockets *ws, uv_loop_t *loop, struct scoreboard *board);

/* A hand-off (CONTROL_HANDOFF) of @router with its .visitor, 0 when it does not count: it counts
 * from now on, and the router is told that we have it (.websockets_received). Returns what the
 * other functions are told: @visitor, or 0 when it is not counted. */
uint64_t websockets_on_their_way(struct websockets *ws, unsigned router, uint64_t visitor);

/* The worker has it. @fd is borrowed; it need not stay open. */
void websockets_taken(struct websockets *ws, uint64_t visitor, int fd);

/* The worker has not taken it: the router that gets it back counts it. */
void websockets_returned(struct websockets *ws, uint64_t visitor);

/* Reads all sets, soon. */
void websockets_recount(struct websockets *ws);

/* Once a second: the same if a router has refused anybody since. */
void websockets_look(struct websockets *ws);

/* Forgets all; the loop has to turn once more before @ws may go. */
void websockets_close(struct websockets *ws);
