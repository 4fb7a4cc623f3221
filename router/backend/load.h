/* How much each worker has to do: what is known of it at the moment of choice, by all routers.
 * Sessions in the table, or sockets handed over and still open if these are more + requests in
 * flight + what was assigned since sockets were counted. Counting them is a look at /proc/PID/fd,
 * so it is done by a timer, after the choices. */
#pragma once

#include <stdint.h>

struct backend;
struct worker;

void load_init(struct backend *b);
void load_deinit(struct backend *b);

/* The load of @w now; counts again soon if what is known is old. */
uint32_t load_of(struct worker *w);
/* Of its event loop, as init has measured it last. */
uint32_t load_lag_ms(const struct worker *w);

/* Counts the sockets of all workers at once. */
void load_count_sockets(struct backend *b);

/* The worker is ready: the descriptors that it has open now are its own, not clients'. */
void load_on_ready(struct worker *w);

/* A new session begins at @w; it was given a request; it was given a session or a connection of its
 * own. */
void load_admitted(struct worker *w);
void load_asked(struct worker *w);
void load_assigned(struct worker *w);
/* @w is going to be given one, which waits; and does so no more. */
void load_waits(struct worker *w);
void load_waits_no_more(struct worker *w);

/* What the scoreboard says of the workers that have news, and only of them: see worker_has_news().
 * What init would not take before is said again. */
void load_publish(struct backend *b);
