/* The platform's face: what the admin endpoints say, from the numbers that all share. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "ipc/control.h"
#include "ipc/metrics_text.h"

struct http_head;
struct scoreboard;

/* What is known; borrowed for the call. */
struct admin_view {
	const struct scoreboard *shared;
	enum phase phase;
	uint32_t n_ready;
};

struct admin_answer {
	unsigned status;
	const char *type;
	const char *fields; /* further ones, or NULL */
	struct buf *body;   /* borrowed; what was in it is dropped */
	bool has_app_part; /* no body yet: metrics_with_app() makes it, when the app has answered */
	enum metrics_format format; /* then */
};

/* The answer to a request; ret->body is set by the caller. */
void admin_answer(const struct admin_view *v, const struct http_head *head,
		  struct admin_answer *ret);

/* An answer of one line. */
void admin_say(struct admin_answer *a, unsigned status, const char *text);
