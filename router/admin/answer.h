/* An answer of the admin address while it is made. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "ipc/metrics_text.h"

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
	bool has_app_part; /* no body yet: metrics_with_app() makes it, when the app has answered */
	enum metrics_format format; /* then */
	enum admin_way way;
	struct str words; /* of ADMIN_WANTS_ACTION: what follows /actions/; borrows the head */
};

/* An answer of one line. */
void admin_say(struct admin_answer *a, unsigned status, const char *text);
