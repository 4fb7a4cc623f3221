/* The way of a request to the worker: its head rewritten, its body as it comes. */
#pragma once

#include "router/client/exchange_state.h"

/* Takes the head, which was parsed from the bytes peeked into frontend->io, from the client's
 * socket with the part of the body that is there, and sends them. */
struct step request_begin(struct exchange *x, const struct http_head *head);

/* The client's socket is readable: the next part of the body; or, when the request is complete, a
 * next request or the client's end. */
struct step request_more(struct exchange *x);

/* Sends the request that was kept once more. */
void request_send_again(struct exchange *x);

/* Passes on the client's end, behind all that is still to be sent. */
void request_pass_end(const struct exchange *x);
