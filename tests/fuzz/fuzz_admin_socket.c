/* What a client of the admin socket sends: it is refused, or a request within its bounds. */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "init/pool/pool.h"
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
	r = admin_request_read(text, n, &rq);
	if (r != -EINVAL && (r != 0 || !is_within_bounds(&rq)))
		abort();
	free(text);
	return 0;
}
