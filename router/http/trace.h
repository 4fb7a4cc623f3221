/* What a request is called on its way through services: its id, in a field of the operator's
 * choice, and its place in a trace (W3C Trace Context, https://www.w3.org/TR/trace-context/,
 * version 00). What a client says of either goes into logs and heads of others, so its form is
 * checked. Pure functions over bytes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct http_field;
struct http_head;

enum {
	REQUEST_ID_MAX = 128,      /* bytes of an id that is kept */
	REQUEST_ID_MADE_SIZE = 33, /* 128 bits in hexadecimal, NUL */
	TRACEPARENT_SIZE = 56,     /* 00-TRACE-PARENT-FLAGS, NUL */
	TRACE_ID_LEN = 32,
	SPAN_ID_LEN = 16,
	TRACE_FIELDS_MAX = 2,
	TRACE_SAMPLED = 1, /* of the flags */
	TRACE_ALL = 1000000,
};

enum trace_mode {
	TRACE_OFF,  /* traceparent and tracestate are fields like others */
	TRACE_KEEP, /* those that are valid are passed on */
	TRACE_MAKE, /* and there always is a traceparent */
};

struct trace_rule {
	enum trace_mode mode;
	uint32_t sample; /* of the traces that are made: so many of TRACE_ALL */
};

enum trace_origin {
	TRACE_UNREAD, /* TRACE_OFF */
	TRACE_NONE,   /* in no trace */
	TRACE_KEPT,   /* the client's */
	TRACE_MADE,   /* begins here */
};

/* A request's place in its trace. */
struct trace {
	enum trace_origin origin;
	char id[TRACE_ID_LEN + 1];    /* empty: none */
	char parent[SPAN_ID_LEN + 1]; /* of TRACE_KEPT: the span of whoever asks; else empty */
	uint8_t flags;                /* TRACE_SAMPLED, and 2: the id is random */
};

/* Letters, digits and the punctuation that ids are written with, at most REQUEST_ID_MAX of them:
 * nothing that ends a line, a field or a quoted string, here or in what reads the logs. */
bool request_id_is_sound(struct str id);

/* The id of the @n-th request of a router whose @seed no other has. */
void request_id_make(uint64_t seed, uint64_t n, char dst[static REQUEST_ID_MADE_SIZE]);

/* The place of the request that has @head, the @n-th of a router as above. Whether a trace that is
 * made is sampled its id decides; that of others is decided already. */
void trace_of(const struct http_head *head, const struct trace_rule *rule, uint64_t seed,
	      uint64_t n, struct trace *ret);

/* Whether the trace @id is one of so many (@sample of TRACE_ALL), as TraceIdRatioBasedSampler of
 * OpenTelemetry for JavaScript says, so that the workers come to the same. @id is hexadecimal. */
bool trace_is_sampled(const char id[static TRACE_ID_LEN], uint32_t sample);

/* The two halves of the id of @t as numbers. */
void trace_halves(const struct trace *t, uint64_t ret[static 2]);

/* The id of a span of our own for that request; never 0. */
uint64_t trace_span_id(uint64_t seed, uint64_t n);

/* What the next hop is to get in place of the trace fields of a head whose trace is @t: up to
 * TRACE_FIELDS_MAX of them in @ret, where an empty value is a field that is left out; 0 when they
 * stay as they are. @span is the span that asks the next hop, 0: the client's as before (a trace
 * that is made needs one). The fields borrow @text. A tracestate without a valid traceparent is
 * nobody's (4.3). */
size_t trace_fields(const struct trace *t, uint64_t span, char text[static TRACEPARENT_SIZE],
		    struct http_field *ret);
