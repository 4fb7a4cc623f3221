/* Who is the client when proxies stand in between: X-Forwarded-For, -Proto, -Host and Forwarded
 * (RFC 7239). What a peer says is believed when it is a trusted proxy; what others say is dropped,
 * since apps believe these fields. Pure functions. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/ip.h"
#include "base/str.h"

struct http_head;

/* The near end of the connection that brought the request. */
struct forwarded_peer {
	struct str addr; /* IP text without port, or "unix" */
	bool trusted;    /* what it says of others counts */
	bool tls;        /* it came by TLS, as a PROXY header said */
	bool is_seen;    /* the next hop sees the address by itself: nothing is added */
};

/* Whether a field tells of a client behind a proxy: X-Forwarded-*, Forwarded, X-Real-IP. Some
 * servers read _ as -, so it is one here, too. */
bool forwarded_is_claim(struct str name);

/* Whether any field of @head is one. */
bool forwarded_has_claim(const struct http_head *head);

/* Whether forwarded_put() writes a field anew that would else be passed on as it is. */
bool forwarded_is_rewritten(struct str name, const struct forwarded_peer *peer);

/* Appends the fields: the address of the peer to what a trusted one said, its protocol and the Host
 * where nobody trusted said more. Of a peer that is seen only that it came by TLS. 0, -EMSGSIZE,
 * -ENOMEM. */
int forwarded_put(const struct http_head *head, const struct forwarded_peer *peer, struct buf *out);

/* Whether the client came by TLS: as a trusted peer's X-Forwarded-Proto says, or its Forwarded,
 * else the PROXY header. */
bool forwarded_is_tls(const struct http_head *head, const struct forwarded_peer *peer);

/* The client of a trusted peer: *ip becomes the rightmost address in the fields that is no trusted
 * proxy's, else the leftmost that follows on trusted ones; unchanged when there is none. */
void forwarded_client(const struct http_head *head, const struct cidr_list *trusted, struct ip *ip);
