/* Who a client is: the peer, or the one that a PROXY header names. That decides what its forwarding
 * fields are worth. */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

#include "base/ip.h"
#include "ipc/control.h"
#include "router/backend/ends.h"
#include "router/http/forwarded.h"

struct http_head;

struct identity {
	struct ip ip;           /* not for a unix socket */
	uint16_t port;          /* 0: nobody knows */
	char addr[IP_TEXT_MAX]; /* "unix" for one */
	bool is_unix;
	bool trusted; /* a proxy whose word on its clients counts */
	bool tls;     /* as the PROXY header says */
	bool named;   /* by a PROXY header: the socket's own address is the balancer's */
};

/* @ip: NULL for a unix socket. */
void identity_set(struct identity *id, const struct ip *ip, const struct cidr_list *trusted);
void identity_of_peer(struct identity *id, const struct sockaddr_storage *peer,
		      const struct cidr_list *trusted);

/* The one whose request this is: itself, or whom a trusted proxy names. False: a trusted proxy on a
 * unix socket has named nobody. */
bool identity_of_request(const struct identity *id, const struct http_head *head,
			 const struct cidr_list *trusted, struct ip *ret);

/* Who it is, for a message with its socket, and the opposite for whoever gets that back. @id is
 * that of the socket's peer until then. */
void identity_describe(const struct identity *id, struct control_msg *m);
void identity_recall(struct identity *id, const struct control_msg *m,
		     const struct cidr_list *trusted);

/* The ends of its connection, whose socket is @fd, as an app may see them; none for a unix socket.
 * The port of a client that a PROXY header names is not known. */
struct ends identity_ends(const struct identity *id, int fd);

/* As the worker is told of it, which by itself may see the address: @is_seen; borrows @id. */
struct forwarded_peer identity_forwarded(const struct identity *id, bool is_seen);
