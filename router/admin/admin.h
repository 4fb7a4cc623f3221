/* The platform's face: what the admin endpoints say, from the numbers that all share. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "ipc/control.h"

struct guard;
struct http_head;
struct scoreboard;

/* What is known; borrowed for the call. */
struct admin_view {
	const struct scoreboard *shared;
	enum phase phase;
	uint32_t n_ready;
	const struct guard *guard;
};

/* What is left to do. */
enum admin_way {
	ADMIN_IS_ANSWERED,
	ADMIN_GETS_EVENTS,  /* a stream of them */
	ADMIN_WANTS_ACCESS, /* init knows, this and the following */
	ADMIN_WANTS_DEATHS,
	ADMIN_WANTS_SETTINGS,
	ADMIN_WANTS_ACTION,
};

struct admin_answer {
	unsigned status;
	const char *type;
	const char *fields; /* further ones, or NULL */
	struct buf *body;   /* borrowed; what was in it is dropped */
	bool has_app_part;  /* the metrics of the app belong behind it, if it has some */
	enum admin_way way;
	struct str words; /* of ADMIN_WANTS_ACTION: what follows /actions/; borrows the head */
};

/* The answer to a request, or where it comes from; ret->body is set by the caller. */
void admin_answer(const struct admin_view *v, const struct http_head *head,
		  struct admin_answer *ret);

/* An answer of one line. */
void admin_say(struct admin_answer *a, unsigned status, const char *text);

/* GET /: the page for browsers, else the table of `sioinit status`. */
void admin_front(const struct admin_view *v, const struct http_head *head, struct admin_answer *a);
