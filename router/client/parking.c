/* Parked polls. init gets the client's side first. */
#include "router/client/parking.h"

#include "router/backend/upstream.h"
#include "router/backend/workers.h"
#include "router/client/context.h"
#include "router/client/exchange_state.h"
#include "router/client/identity.h"

#include "base/ban.h"

static bool can_be_lent(const struct exchange *x)
{
	return x->upstream && x->upstream->worker && !x->client_ended && !x->pipelined;
}

static bool lend(const struct exchange *x, enum park_side side, int fd)
{
	const struct upstream *u = x->upstream;
	struct control_msg m = { .type = CONTROL_PARK,
				 .token = u->token,
				 .worker = u->worker->id,
				 .kind = side,
				 .state = x->keep_alive,
				 .style = x->minor };

	identity_describe(x->side.who, &m);
	m.visitor = *x->side.visitor ? (*x->side.visitor)->key : 0;
	return control_lend(u->worker->backend->init, &m, fd) == 0;
}

void parking_begin(struct exchange *x)
{
	struct sock *client = x->side.client;

	exchange_set_state(x, EXCHANGE_PARKED);
	if (!can_be_lent(x))
		return;
	x->lent = client->lent = x->upstream->sock.lent = true;
	if (!lend(x, PARK_CLIENT, client->fd) || !lend(x, PARK_UPSTREAM, x->upstream->sock.fd))
		parking_end(x);
}

/* While init has a poll, nothing else may be said on its connections. */
void parking_end(struct exchange *x)
{
	struct control_msg m = { .type = CONTROL_UNPARK };

	if (!x->lent || !x->upstream)
		return;
	m.token = x->upstream->token;
	x->lent = false;
	if (control_send(x->side.frontend->backend->init, &m, -1) < 0)
		x->request_aborted = true;
}
