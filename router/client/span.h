/* Spans: what became of a sampled request and where its time went, as one line in the log when it
 * is over (docs/tracing.md). Only with SIOINIT_TRACE_SPANS; a request without one has NULL, which
 * all calls take, and costs nothing more than that.
 *
 *	begun ─(queue)─► given ─(wait)─► answered ─(response)─► ended
 *	     └──(queue)─► left ─(hand-off)─► taken, ended      the connection is the worker's
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/str.h"
#include "router/http/trace.h"

struct frontend;
struct http_head;

enum { SPAN_PATH_MAX = 128, SPANS_AWAY_MAX = 1024 };

enum span_mark {
	SPAN_BEGUN,    /* its head is there */
	SPAN_GIVEN,    /* it is sent to the worker; the last try counts */
	SPAN_ANSWERED, /* the first byte of an answer is there */
	SPAN_LEFT,     /* the connection is on its way to the worker */
	SPAN_TAKEN,    /* the worker has it */
	SPAN_ENDED,
	SPAN_N_MARKS,
};

struct span {
	struct span *prev, *next; /* in spans->away */
	struct trace trace;
	uint64_t id;
	struct timespec began;          /* CLOCK_REALTIME */
	uint64_t at_ns[SPAN_N_MARKS];   /* uv_hrtime(); 0: not, or not sampled */
	const char *route;              /* how its worker was chosen, a literal; NULL: it was not */
	bool is_engine;                 /* of Engine.IO: its path is one of few */
	unsigned slot, status, retries; /* status 0: none */
	char method[16];
	char path[SPAN_PATH_MAX + 1]; /* without the query, cut */
};

/* Those of connections that the workers have not taken yet. */
struct spans {
	struct span *away; /* in the order they left in */
	unsigned n_away;
};

void spans_deinit(struct spans *ss);

/* Of the request with @head, begun now. One that begins a trace which is not sampled has a span,
 * too, which knows the ids and writes nothing. NULL: it is in no trace, or not sampled; spans are
 * off; no memory. */
struct span *span_begin(struct frontend *f, const struct http_head *head);

void span_routed(struct span *s, unsigned slot, const char *route);
void span_mark(struct span *s, enum span_mark mark);
void span_status(struct span *s, unsigned status);
/* On to another try at the worker of @slot. */
void span_retried(struct span *s, unsigned slot);

/* Its request was answered after @ms, which counts in the histogram: its trace is the bucket's
 * exemplar. */
void span_exemplify(const struct span *s, struct frontend *f, uint64_t ms);

/* Writes it and frees it; *s becomes NULL. @outcome: a literal. */
void span_end(struct span **s, const char *outcome);

/* What init is to call it when its connection is handed over; 0: it is to say nothing. */
uint64_t span_handle(const struct span *s);
/* Its connection is on its way to the worker; *s becomes NULL. */
void span_hand_over(struct frontend *f, struct span **s);
/* The worker has it: the span ends. One that is not there is nobody's business. */
void span_taken(struct frontend *f, uint64_t handle);
/* The worker has not taken it: the span goes on. NULL: there was none. */
struct span *span_return(struct frontend *f, uint64_t handle);
