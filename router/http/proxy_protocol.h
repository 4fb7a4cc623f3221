/* The PROXY protocol, versions 1 and 2, as HAProxy's proxy-protocol.txt has it: what a load
 * balancer says of its client in front of the client's bytes. Pure functions; whatever is not
 * exactly a header is bad. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/ip.h"
#include "base/str.h"

enum { PROXY_HEADER_MAX = 4096 }; /* a longer header is bad */

struct proxy_header {
	size_t size;     /* bytes in front of the client's */
	bool has_client; /* false: the balancer speaks for itself, or does not say */
	struct ip client;
	bool tls; /* the client came by TLS */
};

enum proxy_parse_result {
	PROXY_COMPLETE = 1,
	PROXY_PARTIAL = 0,
	PROXY_BAD = -1,
};

/* @ret is set when PROXY_COMPLETE is returned. */
enum proxy_parse_result proxy_header_parse(struct str in, struct proxy_header *ret);
