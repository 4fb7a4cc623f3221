/* The unix socket of `sioinit status`, `reload`, `scale` and the like: one request of NUL-separated
 * words per connection, one answer: the exit code for the client as a digit, then text.
 *
 * Only our own user and root are answered (SO_PEERCRED, unix(7)). By default its name is abstract,
 * so that it needs no writable folder, and private to the PID namespace. */
#pragma once

#include <stddef.h>
#include <sys/types.h>
#include <uv.h>

#include "settings/config.h"

struct init;
struct admin_client;

struct admin_socket {
	uv_pipe_t listener;
	struct admin_client *clients;
	unsigned n_clients;
};

/* Listens as SIOINIT_ADMIN_SOCKET says; a failure is logged and everything else goes on. */
void admin_socket_open(struct init *in);
/* Closes; a file is removed. */
void admin_socket_close(struct init *in);

/* The reload that clients may wait for is over. */
void admin_socket_reload_over(struct init *in, bool ok);
