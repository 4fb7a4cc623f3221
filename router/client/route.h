/* What is to become of a request whose head is there: a pure decision, but for what it counts. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "router/session/sid.h"

struct frontend;
struct http_head;
struct identity;
struct worker;

/* The request, as far as it matters. */
struct route_request {
	const struct http_head *head;
	const struct identity *who; /* whose connection it is */
	struct ip ip;               /* whose request it is: identity_of_request() */
	bool has_ip;
	uint32_t refused_by; /* the worker that gave this connection back, or 0 */
};

enum route_kind {
	ROUTE_REFUSED,   /* .status */
	ROUTE_PROXIED,   /* to .worker, by an exchange */
	ROUTE_HAND_OVER, /* the connection, to .worker */
	ROUTE_WAIT, /* a WebSocket: whether .worker takes them there another one's answer tells */
};

struct route {
	enum route_kind kind;
	unsigned status;
	struct worker *worker;
	struct sid_request sid;
	bool is_first;   /* its answer tells whether .worker takes WebSockets there */
	const char *why; /* how the worker was chosen: a static text for the access log */
};

void route(struct frontend *f, const struct route_request *rq, struct route *ret);

/* After ROUTE_WAIT: to the same worker, in either way. */
void route_on(const struct frontend *f, const struct route_request *rq, struct worker *w,
	      struct route *ret);
