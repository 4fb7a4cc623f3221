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
};

struct route {
	enum route_kind kind;
	unsigned status;
	struct worker *worker;
	struct sid_request sid;
	const char *why; /* how the worker was chosen: a static text for the access log */
};

void route(struct frontend *f, const struct route_request *rq, struct route *ret);
