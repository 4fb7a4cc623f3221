/* The two ends of a client's connection, as an app that had accepted it would see them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/ip.h"

struct ends {
	sa_family_t family; /* of the socket; AF_UNSPEC: there is nothing to be seen */
	struct ip client, public;
	uint16_t client_port, public_port; /* client_port 0: nobody knows */
};

/* The public end of a client's socket; the rest is the caller's. One without addresses:
 * AF_UNSPEC. */
struct ends ends_of_socket(int fd);

/* Whether a connection with the ends of @a does for @b: all but the client's port is the same. */
bool ends_match(const struct ends *a, const struct ends *b);
