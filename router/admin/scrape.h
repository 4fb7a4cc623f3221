/* The app's own metrics for /metrics: init asks the workers (prom-client's cluster protocol) and
 * passes their answers on unread; here they are made one, on a thread of libuv's, since they may be
 * megabytes and the loop has clients to serve.
 *
 * One question at a time: who asks meanwhile gets the same answer, unless it is being written in
 * another format; then the next. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/str.h"
#include "ipc/metrics_text.h"

struct backend;
struct client;
struct control_msg;
struct scrape;

enum {
	SCRAPE_WAITING_MAX = 8,
	SCRAPE_TEXT_MAX = 16 << 20,
	SCRAPE_TIMEOUT_MS = 2000, /* for init, which waits for the workers for half of it */
};

/* What the app has, in one format, to the end of the answer; borrowed during the call. */
struct scrape_part {
	enum metrics_format format;
	struct str text; /* empty: nobody has answered in time, or there is no memory */
	bool is_apps;    /* there are metrics of the app in it */
};

/* @c has waited. */
typedef void scrape_finish_fn(struct scrape *s, struct client *c, const struct scrape_part *app);

struct scrape_waiter {
	struct client *client;
	enum metrics_format format;
};

struct scrape {
	struct backend *backend;
	scrape_finish_fn *finish;
	uint64_t token; /* of the question that init has, 0: none */
	uv_timer_t timer;
	struct scrape_waiter waiting[SCRAPE_WAITING_MAX];
	unsigned n_waiting;
	bool merging;
};

void scrape_init(struct scrape *s, struct backend *b, scrape_finish_fn *finish);
void scrape_close(struct scrape *s);

/* 0: .finish is called for @c when they are there, or when nobody answers. -EBUSY:
 * too many wait; or the -errno for which init cannot be asked. */
int scrape_await(struct scrape *s, struct client *c, enum metrics_format format);

/* @c waits no more. */
void scrape_forget(struct scrape *s, const struct client *c);

/* What init has collected (CONTROL_APP_METRICS); @fd is consumed, -1: nothing. */
void scrape_collected(struct scrape *s, const struct control_msg *m, int fd);
