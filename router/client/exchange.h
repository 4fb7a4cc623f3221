/* One request and its answer between a client and a worker: the bodies passed on as they come with
 * back-pressure both ways, never more than one buffer (SOCK_OUT_MAX) per direction. Everything here
 * may end in one of exchange_ops: the caller must not touch the exchange afterwards. */
#pragma once

#include "router/backend/upstream.h"
#include "router/client/exchange_state.h"

struct sid_request;
struct worker;

/* For client connections: nothing is going on yet. Freed with exchange_free(). */
void exchange_init(struct exchange *x, const struct exchange_side *side);
void exchange_free(struct exchange *x);

/* Starts with @head, parsed from the bytes peeked into frontend->io, of the session @sid. Consumes
 * them from the client's socket. 503 when @w can't be reached. @is_first: exchange_ops tells when
 * it is known whether @w takes the upgrade. */
void exchange_start(struct exchange *x, struct worker *w, const struct http_head *head,
		    const struct sid_request *sid, bool is_first);

/* Starts to carry the bytes of a client that speaks no HTTP to @w and back. */
void exchange_start_tunnel(struct exchange *x, struct worker *w);

/* Goes on with a poll of another router's, all sent and not answered, on the connection @upstream
 * (consumed) to @w. @keep_alive: the client may send another request; @minor: of its HTTP/1.x.
 * False: no memory; nothing has begun. */
bool exchange_adopt(struct exchange *x, struct worker *w, int upstream, bool keep_alive,
		    unsigned minor);

/* Events on the client's socket during the exchange. Those on the worker's come by
 * exchange_upstream_ops. */
void exchange_on_client(struct exchange *x, int events);
extern const struct upstream_ops exchange_upstream_ops;

/* For deadlines_init(). */
void exchange_on_deadline(struct deadline *d);

/* Lets go of the worker's side, without a word to exchange_ops. Idempotent. */
void exchange_abort(struct exchange *x);
