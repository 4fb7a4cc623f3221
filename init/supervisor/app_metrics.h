/* prom-client's cluster primary, as far as init goes: workers are asked for their metrics when the
 * router wants them, and what they answer is passed on unread, in a memfd that the router makes
 * text of.
 *
 * prom-client answers in a worker that has an AggregatorRegistry; a message that nobody reads waits
 * in the worker for ever. So a worker that has not answered yet is asked a few times only, the
 * first time when it becomes ready, and not waited for after that. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/str.h"

struct control_msg;
struct init;
struct node_msg;
struct worker;

enum {
	APP_METRICS_WAIT_MS = 1000,   /* for the workers */
	APP_METRICS_ASKS_MAX = 3,     /* of one that has never answered */
	APP_METRICS_ALWAYS_MAX = 100, /* ditto, with SIOINIT_APP_METRICS=on */
};

/* Takes what was collected to the router of that number; @fd is consumed, -1: nothing. */
typedef void app_metrics_deliver_fn(struct init *in, unsigned router, const struct control_msg *m,
				    int fd);

struct app_metrics {
	app_metrics_deliver_fn *deliver;
	bool always;        /* those that have never answered are asked on and waited for */
	bool enabled;       /* workers are asked at all */
	uint32_t last_id;   /* of a question */
	unsigned router;    /* who asks now */
	uint64_t token;     /* under which name, 0: nobody */
	unsigned n_awaited; /* answers that are to come */
	unsigned n_missing; /* that will not */
	int fd;             /* what has come, owned; -1: nothing */
	size_t size;
	uv_timer_t deadline;
};

/* Before the workers. In auto mode apps are asked in whose folders prom-client is installed: those
 * of the working directory and of the program's script, and all above them. */
void app_metrics_init(struct init *in, app_metrics_deliver_fn *deliver);
/* Whether prom-client is installed for a program in @folder, an absolute path. */
bool app_metrics_installed(const char *folder);

/* It has become ready. */
void app_metrics_worker_ready(struct init *in, struct worker *w);
/* Its answer (NODE_METRICS); @payload is borrowed. */
void app_metrics_answered(struct init *in, struct worker *w, const struct node_msg *m,
			  struct str payload);
/* It is gone. */
void app_metrics_worker_gone(struct init *in, struct worker *w);

/* A router asks; it gets CONTROL_APP_METRICS with this @token. Who asked before is forgotten: one
 * router has the admin address, and a new one has taken its place. */
void app_metrics_collect(struct init *in, unsigned router, uint64_t token);
