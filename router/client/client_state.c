/* States of clients. See client_state.h. */
#include "router/client/client_state.h"

#include <assert.h>

#include "router/client/context.h"

#include "base/ban.h"

#define C(name) (1u << CLIENT_##name)

static const struct {
	const char *name;
	enum deadline_kind deadline;
	unsigned next;
} states[CLIENT_N_STATES] = {
#define X(name, kind, next_states) [CLIENT_##name] = { #name, DEADLINE_##kind, next_states },
	CLIENT_STATES(X)
#undef X
};

void client_set_state(struct client *c, enum client_state to)
{
	enum deadline_kind kind = states[to].deadline;

	if (to == c->state)
		return;
	assert(states[c->state].next & 1u << to);
	c->state = to;
	if (kind < N_DEADLINES)
		deadline_set(&c->deadline, &c->frontend->deadlines[kind]);
	else
		deadline_clear(&c->deadline);
}

const char *client_state_name(enum client_state s)
{
	return states[s].name;
}
