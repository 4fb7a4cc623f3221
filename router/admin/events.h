/* GET /events: the status as server-sent events (HTML Standard, 9.2), at once and then each second.
 *
 * One text a second is made for all viewers; without one there is no timer. Who is slow misses
 * events and never gets an old one late but for what the kernel holds. */
#pragma once

#include <uv.h>

#include "base/buf.h"

struct client;
struct events;

enum { EVENTS_VIEWERS_MAX = 32, EVENTS_INTERVAL_MS = 1000 };

/* Appends the status, one line of JSON. 0, -EMSGSIZE, -ENOMEM. */
typedef int events_make_fn(struct events *e, struct buf *out);

struct events {
	events_make_fn *make;
	uv_timer_t timer; /* active: there are viewers */
	struct client *viewers[EVENTS_VIEWERS_MAX];
	unsigned n;
	struct buf text; /* the last event */
};

/* @max: bytes of an event. */
void events_init(struct events *e, uv_loop_t *loop, events_make_fn *make, size_t max);
void events_close(struct events *e);

/* @c gets them from now on, the first one, behind @head, before this returns; it may be closed
 * then. 0, or -EBUSY: there are EVENTS_VIEWERS_MAX. -ENOMEM. */
int events_add(struct events *e, struct client *c, struct str head);

/* @c has left. */
void events_forget(struct events *e, const struct client *c);
