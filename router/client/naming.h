/* What requests are called: each gets its id and its place in a trace as it goes to its worker, and
 * the id goes into the answer and both into the access log. */
#pragma once

#include "router/http/rewrite.h"
#include "router/http/trace.h"

struct exchange;

/* Memory for what is made for one request. */
struct naming {
	char id[REQUEST_ID_MADE_SIZE], traceparent[TRACEPARENT_SIZE];
};

/* Adds to @fw what the settings want; it borrows @head and @made. Notes the id in the exchange,
 * and both in the access log. */
void naming_apply(struct exchange *x, const struct http_head *head, struct naming *made,
		  struct http_forward *fw);

/* The field for an answer to the request in progress; without a name when it has no id. Borrows the
 * exchange. */
struct http_field naming_of(const struct exchange *x);
