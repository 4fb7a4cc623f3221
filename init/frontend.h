/* The sockets where clients and the platform are listened for: passed by the service manager, else
 * opened as the settings say. They are kept for every router that comes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "init/config.h"

enum { FRONTEND_MAX = 32 };

struct frontend {
	struct listening {
		int fd; /* owned */
		struct sockaddr_storage at;
		bool is_ours; /* its path goes with us */
	} http[FRONTEND_MAX];
	size_t n_http;
	int admin; /* owned, or -1 */
};

/* Dies with one line when one cannot be opened. */
void frontend_open(struct frontend *ret, const struct config *c);
void frontend_close(struct frontend *l);

/* Whether a connection with that local address has come in by one of @l's HTTP sockets. */
bool frontend_has(const struct frontend *l, const struct sockaddr_storage *local);

/* Where it listens, for people: "port 8080, /run/x.sock". */
void frontend_name(const struct frontend *l, char *dst, size_t size);
