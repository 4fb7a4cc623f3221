/* The platform's face: what the admin endpoints say, from the numbers that all share. */
#pragma once

#include <stdint.h>

#include "ipc/control.h"
#include "router/admin/answer.h"

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

/* The answer to a request, or where it comes from; ret->body is set by the caller. */
void admin_answer(const struct admin_view *v, const struct http_head *head,
		  struct admin_answer *ret);
