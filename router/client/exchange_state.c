/* States of exchanges. See exchange_state.h. */
#include "router/client/exchange_state.h"

#include <assert.h>

#include "base/macros.h"
#include "router/backend/upstream.h"
#include "router/client/context.h"

#include "base/ban.h"

#define M(name) (1u << EXCHANGE_##name)

static const struct {
	enum deadline_kind clients, workers;
	unsigned next;
} states[EXCHANGE_N_STATES] = {
#define X(name, client, worker, next_states)                                                       \
	[EXCHANGE_##name] = { DEADLINE_##client, DEADLINE_##worker, next_states },
	EXCHANGE_STATES(X)
#undef X
};

void exchange_set_state(struct exchange *x, enum exchange_state to)
{
	if (to == x->state)
		return;
	assert(states[x->state].next & 1u << to);
	x->state = to;
	if (to == EXCHANGE_DONE)
		deadline_clear(&x->deadline);
}

bool exchange_is_clients_turn(const struct exchange *x)
{
	const struct sock *worker = &x->upstream->sock;

	return sock_blocked(x->side.client) || (!x->request.done && !sock_blocked(worker));
}

static bool is_renewed(const struct exchange *x, enum deadline_kind kind, enum moved moved)
{
	if (kind == DEADLINE_SILENCE || x->state == EXCHANGE_HALF)
		return moved != MOVED_NOTHING;
	return kind == DEADLINE_PACE && moved == MOVED_CLIENT;
}

void exchange_pace(struct exchange *x, enum moved moved)
{
	enum deadline_kind kind =
	    exchange_is_clients_turn(x) ? states[x->state].clients : states[x->state].workers;
	struct deadline_list *list = &x->side.frontend->deadlines[kind];

	if (x->deadline.list != list || is_renewed(x, kind, moved))
		deadline_renew(&x->deadline, list);
}
