/* The sockets where clients and the platform are listened for: passed by the service manager, else
 * opened as the settings say. They are kept for every router that comes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "init/listen/socket_access.h"
#include "init/listen/sockets.h"
#include "ipc/scoreboard.h"
#include "settings/config.h"

enum { FRONTEND_MAX = 32 };

struct frontend {
	struct listening {
		int fds[ROUTERS_MAX]; /* owned; one for each router, or one for all */
		unsigned n_fds;
		struct sockaddr_storage at;
		struct socket_file file; /* which goes with us; of a kept one none */
		bool is_kept;            /* the service manager has it, too */
	} http[FRONTEND_MAX];
	size_t n_http;
	struct socket_access access; /* to what has a path */
	bool is_passed;     /* by the service manager, so that the public port was not opened */
	bool has_no_public; /* it is somebody else's, and nobody had set it */
	int admin;          /* owned, or -1 */
};

/* Dies with one line when one cannot be opened that somebody has set; the default port and the
 * default admin address are done without then, which is said. TCP sockets are opened for each of
 * @n_routers, and the kernel spreads the connections over them; one that was passed to us, or has a
 * path, is for all. */
void frontend_open(struct frontend *ret, const struct config *c, unsigned n_routers);
/* The end of listening: who comes now is refused, or waits for our successor where the service
 * manager holds the socket. What is known of the addresses stays, and so does the admin socket. */
void frontend_refuse(struct frontend *l);
void frontend_close(struct frontend *l);

/* The one where that router accepts; borrowed; -1 after frontend_refuse(). */
int frontend_socket(const struct listening *at, unsigned router);

/* Whether the service manager holds any of them: who is not accepted waits for our successor. */
bool frontend_outlives_us(const struct frontend *l);

/* Whether a connection with that local address has come in by one of @l's HTTP sockets. */
bool frontend_has(const struct frontend *l, const struct sockaddr_storage *local);

/* Whether workers are told the public port. */
bool frontend_tells_port(const struct frontend *l, const struct config *c);
/* Whether an app that asks for that TCP port asks for one of @l's. */
bool frontend_is_asked(const struct frontend *l, int64_t port);

/* Where it listens, for people: "port 8080, /run/x.sock". */
void frontend_name(const struct frontend *l, char *dst, size_t size);
