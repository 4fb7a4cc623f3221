/* Whether a request to the admin address may come from a page of a stranger's, in the browser of
 * somebody who can reach that address. Pure, over the head.
 *
 * A name that a stranger's DNS leads here (DNS rebinding) stands in Host, so only names that no
 * stranger has are let in there; a request of another page has its Origin; a link or an image has
 * Sec-Fetch-Site. What is no browser sends none of the three but Host. */
#pragma once

#include <stdbool.h>

#include "router/http/head.h"

struct guard {
	const char *hosts; /* SIOINIT_ADMIN_HOSTS, or NULL; borrowed */
	bool is_unix;      /* it came by a unix socket, where no browser gets by itself: Host and
			      Origin are not looked at */
};

/* NULL: it may come in. Else one line for whoever has sent it, static. */
const char *guard_judge(const struct guard *g, const struct http_head *head);
