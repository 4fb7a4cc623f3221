/* The app's own metrics for /metrics: init asks the workers (prom-client's cluster protocol) and
 * passes their answers on unread; here they are made one, on a thread of libuv's, since they may be
 * megabytes and the loop has clients to serve.
 *
 * One question at a time: who asks meanwhile gets the same answer. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/str.h"

struct backend;
struct client;
struct control_msg;
struct scrape;

enum {
	SCRAPE_WAITING_MAX = 8,
	SCRAPE_TEXT_MAX = 16 << 20,
	SCRAPE_TIMEOUT_MS = 2000, /* for init, which waits for the workers for half of it */
};

/* @c has waited: @app is what the app has, empty when nobody answers. */
typedef void scrape_finish_fn(struct scrape *s, struct client *c, struct str app);

struct scrape {
	struct backend *backend;
	scrape_finish_fn *finish;
	uint64_t token; /* of the question that init has, 0: none */
	uv_timer_t timer;
	struct client *waiting[SCRAPE_WAITING_MAX];
	unsigned n_waiting;
	bool merging;
};

void scrape_init(struct scrape *s, struct backend *b, scrape_finish_fn *finish);
void scrape_close(struct scrape *s);

/* The app may have some: init knows. */
bool scrape_has_app_part(const struct scrape *s);

/* 0: .finish is called for @c when they are there, or when nobody answers. -EBUSY:
 * too many wait; or the -errno for which init cannot be asked. */
int scrape_await(struct scrape *s, struct client *c);

/* @c waits no more. */
void scrape_forget(struct scrape *s, const struct client *c);

/* What init has collected (CONTROL_APP_METRICS); @fd is consumed, -1: nothing. */
void scrape_collected(struct scrape *s, const struct control_msg *m, int fd);
