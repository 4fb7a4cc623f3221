/* A network of the router's own, in which every address is local, so that a connection within it
 * may have any two ends: those that a client's has. A socket stays in the network it was made in,
 * whoever has it, so a process inside makes them in advance and does nothing else. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* For whoever wants it and has it not. */
#define OWN_NETWORK_NEEDS                                                                          \
	"it takes user namespaces, which Docker's seccomp profile, Kubernetes' RuntimeDefault "    \
	"and "                                                                                     \
	"user.max_user_namespaces=0 refuse"

enum { OWN_NETWORK_STOCK = 32, OWN_NETWORK_LISTENERS = 8, OWN_NETWORK_WAIT_MS = 1000 };

struct own_network {
	int maker; /* the process inside; -1: there is no such network */
	bool asked;
	sa_family_t family; /* of the stock: AF_INET6, also for IPv4, where the kernel has it */
	unsigned n_stock, n_listeners;
	int stock[OWN_NETWORK_STOCK];
	struct own_listener {
		sa_family_t family;
		uint16_t port;
		int fd;
	} listeners[OWN_NETWORK_LISTENERS];
};

/* Before there are threads. @confine: called by the process inside once it needs no more rights
 * than CAP_NET_BIND_SERVICE there. Waits OWN_NETWORK_WAIT_MS at most. 0 or -errno: what the kernel
 * or the container refuses; @n then is as one that is closed. */
int own_network_open(struct own_network *n, void (*confine)(void));
void own_network_close(struct own_network *n);

/* An unconnected socket of it, without a delay and non-blocking, owned by the caller; or -errno, as
 * -EMFILE. When the process inside does not answer in time the network is closed. */
int own_network_socket(struct own_network *n);

/* Who listens at that port of all its addresses; borrowed. IPv4 peers of an AF_INET6 one have
 * mapped addresses. -errno: as above, or -ENOSPC: there are too many. */
int own_network_listener(struct own_network *n, sa_family_t family, uint16_t port);
