/* Which protocol the server of a worker speaks that the public port belongs to. Node's channel does
 * not say. Learned from its answers to requests, and asked for by a ClientHello when a client comes
 * who speaks no HTTP. */
#pragma once

#include <stdbool.h>

struct worker;
struct protocol_check;

enum protocol {
	PROTOCOL_UNKNOWN,
	PROTOCOL_HTTP,
	PROTOCOL_TLS,
	PROTOCOL_OTHER,  /* it has said something else */
	PROTOCOL_SILENT, /* it has closed, or said nothing for a second */
};

/* From the loop, once for a protocol_ask(): @w->protocol is known, or still UNKNOWN because nobody
 * could be asked. The worker may be on its way out. */
typedef void protocol_fn(void *ctx, struct worker *w);

/* Asks @w; nothing happens while it is being asked. 0, or -errno: it cannot be, on_known is not
 * called. @ctx is borrowed until on_known. */
int protocol_ask(struct worker *w, protocol_fn *on_known, void *ctx);
/* The worker is gone: whoever waits is told. Idempotent. */
void protocol_ask_stop(struct worker *w);

/* It has answered a request with @status. Servers of TLS (Go's, nginx) say 400 to plain HTTP, in
 * plain HTTP. */
void protocol_learn(struct worker *w, unsigned status);

/* Whether a connection that does not begin with HTTP is for it. */
bool protocol_is_not_http(enum protocol p);
