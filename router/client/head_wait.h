/* Looks at what has come from a client, without taking it: heads are only peeked at, so that what
 * is read from the socket is exactly what is passed on, and a connection can still be handed over
 * whole at its next request. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "router/http/first_byte.h"
#include "router/http/proxy_protocol.h"

struct frontend;

enum peek_kind {
	PEEK_NOTHING, /* has come yet */
	PEEK_PART,    /* .n bytes of it */
	PEEK_WHOLE,   /* it is there; of a request, in frontend->head */
	PEEK_BAD,     /* .status says how; of a PROXY header, it is none */
	PEEK_FOREIGN, /* it begins with no HTTP/1, .first says what; .status as of PEEK_BAD */
	PEEK_ENDED,   /* the client has: .why */
};

struct peek {
	enum peek_kind kind;
	size_t n;
	unsigned status;
	enum first_byte first;
	const char *why;
};

/* The head of a request on @fd, in frontend->head, whose slices are in frontend->io. */
struct peek peek_request(struct frontend *f, int fd);

/* The PROXY header in front of it; *ret is set when it is whole. */
struct peek peek_proxy_header(struct frontend *f, int fd, struct proxy_header *ret);

/* Takes the @n bytes of a PROXY header. False: they are not there. */
bool take_proxy_header(struct frontend *f, int fd, size_t n);

/* More than @had bytes of a head are in the kernel, now @n: it gets room for a whole one, if need
 * be. */
void head_make_room(const struct frontend *f, int fd, size_t had, size_t n);
