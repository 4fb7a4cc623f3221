/* What a client of the admin socket sends, and what a router passes on of the admin address: it is
 * refused, or a request within its bounds. */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "init/pool/pool.h"
#include "init/supervisor/admin_action.h"
#include "init/supervisor/admin_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static bool is_within_bounds(const struct admin_request *rq)
{
	if (rq->command >= ADMIN_N_COMMANDS || !rq->usage || rq->number > POOL_MAX)
		return false;
	if (rq->command == ADMIN_SCALE && rq->number == 0)
		return false;
	return rq->command == ADMIN_SIGNAL ? rq->sig > 0 && rq->sig < NSIG : rq->sig == 0;
}

static bool is_action(const struct admin_request *rq)
{
	return rq->command == ADMIN_RELOAD || rq->command == ADMIN_RESTART ||
	       rq->command == ADMIN_SCALE || rq->command == ADMIN_DRAIN ||
	       rq->command == ADMIN_REBALANCE;
}

/* @text as the words of a router's question. */
static void read_question(struct str text)
{
	struct str token, words;
	struct admin_action action;

	if (admin_ask_read(text, &token, &words) < 0 || admin_action_read(words, &action) < 0)
		return;
	if (!is_action(&action.request) || !is_within_bounds(&action.request) ||
	    token.n + 1 + words.n != text.n)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct admin_request rq;
	char *text;
	int r;

	if (n >= ADMIN_REQUEST_MAX)
		return 0;
	text = malloc(n + 1); /* so that reading further is seen */
	if (!text)
		return 0;
	memcpy(text, bytes, n);
	text[n] = '\0';
	read_question((struct str){ text, n });
	r = admin_request_read(text, n, &rq);
	if (r != -EINVAL && (r != 0 || !is_within_bounds(&rq)))
		abort();
	free(text);
	return 0;
}
