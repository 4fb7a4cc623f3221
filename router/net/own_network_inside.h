/* The process inside a network of the router's own: see own_network.h. */
#pragma once

#include <stdint.h>
#include <sys/socket.h>

/* On a SOCK_SEQPACKET: an order, and its answer with the sockets as SCM_RIGHTS. The first answer,
 * which nobody has ordered, tells whether there is such a network. */
struct own_network_order {
	uint16_t family;
	uint16_t port; /* one that listens there; 0: as many as fit that do not */
	int32_t err;   /* of an answer: 0 or -errno */
};

/* Leaves the caller's network and user namespace, and serves @orders until they end. */
_Noreturn void own_network_inside(int orders, void (*confine)(void));
