/* Words between slashes are those of the admin socket; few of its commands can be had. */
#include "init/supervisor/admin_action.h"

#include <errno.h>
#include <string.h>

#include "base/macros.h"

#include "base/ban.h"

/* How an action is called, and how many targets it has; NULL: it is none. */
static const struct {
	const char *usage;
	int n_targets;
} actions[ADMIN_N_COMMANDS] = {
	[ADMIN_RELOAD] = { "POST /actions/reload", 0 },
	[ADMIN_RESTART] = { "POST /actions/restart/SLOT", 1 },
	[ADMIN_SCALE] = { "POST /actions/scale/N (or +N, -N; 1 to 1024)", 0 },
	[ADMIN_DRAIN] = { "POST /actions/drain, or /actions/drain/off", 0 },
	[ADMIN_REBALANCE] = { "POST /actions/rebalance", 0 },
};

int admin_ask_read(struct str text, struct str *ret_token, struct str *ret_words)
{
	const char *end = text.n ? memchr(text.p, '\0', text.n) : NULL;
	size_t n = end ? (size_t)(end - text.p) : 0;

	if (!end || n > ADMIN_TOKEN_MAX + 1 || text.n - n - 1 > ADMIN_WORDS_BYTES_MAX)
		return -EBADMSG;
	*ret_token = (struct str){ text.p, n };
	*ret_words = (struct str){ end + 1, text.n - n - 1 };
	return memchr(ret_words->p, '\0', ret_words->n) ? -EBADMSG : 0;
}

int admin_action_read(struct str words, struct admin_action *ret)
{
	struct admin_request *rq = &ret->request;
	int r;

	*rq = (struct admin_request){ 0 };
	if (words.n == 0 || words.n > ADMIN_WORDS_BYTES_MAX || memchr(words.p, '\0', words.n))
		return -EINVAL;
	memcpy(ret->words, words.p, words.n);
	ret->words[words.n] = '\0';
	for (size_t i = 0; i < words.n; i++)
		if (ret->words[i] == '/')
			ret->words[i] = '\0';
	r = admin_request_read(ret->words, words.n, rq);
	if (!rq->usage)
		return -EINVAL;
	rq->usage = actions[rq->command].usage;
	return rq->usage && rq->n_targets == (size_t)actions[rq->command].n_targets ? r : -EINVAL;
}
