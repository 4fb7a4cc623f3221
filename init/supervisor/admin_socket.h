/* The unix socket of `sioinit status`, `reload`, `scale` and the like: one request of NUL-separated
 * words per connection, one answer: the exit code for the client as a digit, then text.
 *
 * Who is answered: admin_peer.h. By default its name is abstract (ipc/admin_address.h), so that it
 * needs no writable folder. */
#pragma once

#include <stddef.h>
#include <sys/types.h>
#include <uv.h>

#include "init/listen/sockets.h"
#include "settings/config.h"

struct init;
struct admin_client;

struct admin_socket {
	uv_pipe_t listener;
	struct admin_client *clients;
	unsigned n_clients;
	uid_t owner; /* answered besides root */
	struct socket_file file;
};

/* Listens as SIOINIT_ADMIN_SOCKET says; a failure is logged and everything else goes on. */
void admin_socket_open(struct init *in);
/* Removes the file that admin_socket_open() has made. */
void admin_socket_close(struct init *in);

/* The reload that clients may wait for is over. */
void admin_socket_reload_over(struct init *in, bool ok);
/* It came to nothing. */
void admin_socket_reload_refused(struct init *in);
