/* Parked polls. init gives the client's side first. */
#include "router/client/parking.h"

#include "base/fd.h"
#include "base/macros.h"
#include "router/backend/upstream.h"
#include "router/client/client.h"
#include "router/core.h"

#include "base/ban.h"

bool parking_is_for(const struct exchange *x)
{
	return x->poll && x->request.done && !x->head_sent && !x->client_ended && !x->pipelined &&
	       x->upstream->worker; /* a dead one's last words are still read */
}

static bool lend(struct client *c, enum park_side side, int fd)
{
	struct upstream *u = c->exchange.upstream;
	struct control_msg m = { .type = CONTROL_PARK,
				 .token = u->token,
				 .worker = u->worker->id,
				 .kind = side,
				 .state = c->exchange.keep_alive,
				 .style = c->exchange.minor };

	client_describe(c, &m);
	return control_lend(&c->router->link, &m, fd) == 0;
}

void parking_begin(struct deadline *d)
{
	struct client *c = container_of(d, struct client, deadline);
	struct upstream *u = c->exchange.upstream;

	if (!u || !u->worker)
		return;
	c->exchange.parked = c->sock.lent = u->sock.lent = true;
	if (!lend(c, PARK_CLIENT, c->sock.fd) || !lend(c, PARK_UPSTREAM, u->sock.fd))
		parking_end(c);
}

/* While init has a poll, nothing else may be said on its connections. */
void parking_end(struct client *c)
{
	struct exchange *x = &c->exchange;
	struct control_msg m = { .type = CONTROL_UNPARK };

	if (!x->parked || !x->upstream)
		return;
	m.token = x->upstream->token;
	x->parked = false;
	if (control_send(&c->router->link, &m, -1) < 0)
		x->cut = true;
}

void parking_adopt(struct router *r, const struct control_msg *m, int fd)
{
	auto_fd int upstream = fd;
	struct worker *w;

	if (m->kind == PARK_CLIENT) {
		fd_close(&r->adopted);
		r->adopted = fd_take(&upstream);
		return;
	}
	w = workers_serving(&r->workers, m->worker);
	if (w && r->adopted >= 0)
		client_adopt(r, m, w, fd_take(&r->adopted), fd_take(&upstream));
	fd_close(&r->adopted);
}
