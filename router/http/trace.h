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
	TRACE_FIELDS_MAX = 2,
};

enum trace_mode {
	TRACE_OFF,  /* traceparent and tracestate are fields like others */
	TRACE_KEEP, /* those that are valid are passed on */
	TRACE_MAKE, /* and there always is a traceparent */
};

/* Letters, digits and the punctuation that ids are written with, at most REQUEST_ID_MAX of them:
 * nothing that ends a line, a field or a quoted string, here or in what reads the logs. */
bool request_id_is_sound(struct str id);

/* The id of the @n-th request of a router whose @seed no other has. */
void request_id_make(uint64_t seed, uint64_t n, char dst[static REQUEST_ID_MADE_SIZE]);

/* What the next hop is to get in place of the trace fields of @head: up to TRACE_FIELDS_MAX of them
 * in @ret, where an empty value is a field that is left out; 0 when they stay as they are. The
 * trace id, in *ret_id, is empty when there is none; it and the fields borrow @head and @made,
 * which gets a traceparent when one is made, as in request_id_make(). A tracestate without a valid
 * traceparent is nobody's (4.3). What is made is said to be sampled: OpenTelemetry's samplers would
 * else drop every trace of the app's. */
size_t trace_fields(const struct http_head *head, enum trace_mode mode, uint64_t seed, uint64_t n,
		    char made[static TRACEPARENT_SIZE], struct http_field *ret, struct str *ret_id);
