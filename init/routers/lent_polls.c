/* Pairs of descriptors by the router and its token: each router counts for itself, from the time of
 * its start, so two may come to the same number. Bounded, as each costs init two descriptors. */
#include "init/routers/lent_polls.h"

#include <stdlib.h>

#define HASH_NONFATAL_OOM 1 /* then the entry's .hh.tbl is NULL */
#include <uthash.h>

#include "base/fd.h"
#include "ipc/scoreboard.h"

#include "base/ban.h"

enum { PARKED_MAX = 4096 };

struct lent_poll_key {
	uint64_t token, router;
};

struct lent_poll {
	struct lent_poll_key key;
	struct control_msg m; /* as it came */
	int fds[PARK_N];      /* owned, by enum park_side */
	UT_hash_handle hh;
};

void lent_polls_init(struct lent_polls *lp, struct scoreboard *board)
{
	unsigned long limit = fd_raise_limit();

	lp->board = board;
	lp->max = limit / 8 < PARKED_MAX ? (unsigned)(limit / 8) : PARKED_MAX;
}

static struct lent_poll *find(struct lent_polls *lp, unsigned router, uint64_t token)
{
	struct lent_poll_key key = { token, router };
	struct lent_poll *p;

	/* the analyzer does not see the bytes of a struct: NOLINTNEXTLINE(clang-analyzer-core.*) */
	HASH_FIND(hh, lp->by_key, &key, sizeof(key), p);
	return p;
}

static struct lent_poll *add(struct lent_polls *lp, unsigned router, const struct control_msg *m)
{
	struct lent_poll *p = lp->n < lp->max ? calloc(1, sizeof(*p)) : NULL;

	if (!p)
		return NULL;
	*p = (struct lent_poll){ .key = { m->token, router }, .m = *m, .fds = { -1, -1 } };
	p->m.text = (struct str){ 0 };
	HASH_ADD(hh, lp->by_key, key, sizeof(p->key), p);
	if (!p->hh.tbl) {
		free(p);
		return NULL;
	}
	counter_set(&lp->board->parked, ++lp->n);
	return p;
}

static void drop(struct lent_polls *lp, struct lent_poll *p)
{
	HASH_DEL(lp->by_key, p); /* NOLINT(clang-analyzer-*) */
	counter_set(&lp->board->parked, --lp->n);
	for (int side = 0; side < PARK_N; side++)
		fd_close(&p->fds[side]);
	free(p);
}

void lent_polls_take(struct lent_polls *lp, unsigned router, const struct control_msg *m, int fd)
{
	struct lent_poll *p = find(lp, router, m->token);

	if (!p)
		p = add(lp, router, m);
	if (!p || fd < 0 || m->kind >= PARK_N) {
		fd_close(&fd);
		return;
	}
	fd_close(&p->fds[m->kind]);
	p->fds[m->kind] = fd;
}

void lent_polls_drop(struct lent_polls *lp, unsigned router, uint64_t token)
{
	struct lent_poll *p = find(lp, router, token);

	if (p)
		drop(lp, p);
}

/* False: the router is gone. */
static bool give_both(struct lent_poll *p, struct router_process *r, lent_polls_give_fn *give)
{
	struct control_msg m = p->m;

	if (p->fds[PARK_CLIENT] < 0 || p->fds[PARK_UPSTREAM] < 0)
		return true;
	m.type = CONTROL_ADOPT;
	for (m.kind = 0; m.kind < PARK_N; m.kind++)
		if (!give(r, &m, fd_take(&p->fds[m.kind])))
			return false;
	return true;
}

void lent_polls_give(struct lent_polls *lp, unsigned router, struct router_process *r,
		     lent_polls_give_fn *give)
{
	struct lent_poll *p, *next;
	bool is_there = true;

	HASH_ITER(hh, lp->by_key, p, next)
	{
		if (!is_there || p->key.router != router)
			continue;
		is_there = give_both(p, r, give);
		drop(lp, p);
	}
}
