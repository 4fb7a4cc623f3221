/* The places that the app's listen() and bind() calls ask for, shared by all workers as Node's
 * cluster primary does: the first worker that asks has them opened, the others get the same. */
#pragma once

#include <stdint.h>

#include "ipc/node.h"

struct credentials;

struct place {
	struct place *next;
	uint32_t id; /* listener id for the router; 0 is the app's first server */
	enum node_address_type type;
	char address[NODE_ADDRESS_MAX];
	int64_t port, index, flags; /* as asked */
	int64_t actual_port;
	int fd;        /* listening or bound, owned; -1 after primary_refuse() */
	int announced; /* the router has it */
};

struct primary {
	const struct credentials *as; /* whose rights the places are opened and closed with */
	struct place *places;
	uint32_t last_id;
};

/* The place that @q asks for, opened when it is new. NULL: *ret_err is a negative errno for the
 * app. */
struct place *primary_place(struct primary *p, const struct node_msg *q, int *ret_err);
/* Closes the places where clients connect. The app's UDP sockets are its own to close. */
void primary_refuse(struct primary *p);
void primary_close(struct primary *p);

/* A listening TCP socket, non-blocking and CLOEXEC; @host "" is any address, dual stack where there
 * is IPv6. fd or -errno. */
int primary_listen_tcp(const char *host, uint16_t port, int backlog);
/* @n such sockets for one address (SO_REUSEPORT), over which the kernel spreads the connections. A
 * port that anybody else listens on is in use, as for a single one. 0 or -errno, on which what is
 * open stays in @fds: the caller gives up. */
int primary_listen_each(const char *host, uint16_t port, int backlog, int *fds, unsigned n);
/* A listening unix socket; a stale one nobody listens on is replaced. fd or -errno. */
int primary_listen_unix(const char *path, int backlog);
