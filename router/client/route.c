/* Routing. See route.h.
 *
 * Handed over is only what the router has no more to say to: a WebSocket where the worker is known
 * to take them, whose head can stay as it is. Everything else is proxied, other WebSockets as
 * tunnels. */
#include "router/client/route.h"

#include <stdio.h>

#include "router/backend/choose.h"
#include "router/backend/load.h"
#include "router/backend/workers.h"
#include "router/client/context.h"
#include "router/client/identity.h"

#include "base/ban.h"

/* 0, or the answer to one new session too many. */
static unsigned refusal(struct frontend *f, const struct route_request *rq,
			const struct sid_request *sid)
{
	const struct router_conf *conf = frontend_conf(f);
	uint64_t now_ms = frontend_now(f);

	if (!sid->engine || sid->sid.n)
		return 0;
	if (rq->has_ip &&
	    !visitor_may_begin(&f->visitors, &rq->ip, conf->handshake_rate_per_address,
			       conf->handshake_burst_per_address, now_ms))
		return 429;
	if (limits_take_token(&f->backend->shared->handshakes_paid_ns, conf->handshake_rate,
			      conf->handshake_burst, now_ms))
		return 0;
	notice(&f->notices, NOTICE_HANDSHAKES_TOO_FAST, rq->who->addr);
	return 503;
}

static struct worker *choose(struct frontend *f, const struct route_request *rq, struct route *ret)
{
	char addr[IP_TEXT_MAX];
	struct choice ch = { .head = rq->head,
			     .addr = str_of(rq->who->addr),
			     .sid = &ret->sid,
			     .except = workers_by_id(f->backend, rq->refused_by) };
	struct worker *w;

	if (f->backend->conf->sticky == STICKY_ADDRESS && rq->has_ip) {
		ip_print(&rq->ip, addr);
		ch.addr = str_of(addr);
	}
	w = choose_for(f->backend, &ch);
	ret->why = ch.why;
	return w;
}

/* To WebSockets and to nothing else, or the app may choose what else. */
static bool wants_websocket_alone(const struct http_head *head)
{
	const struct str name = STR("upgrade");
	unsigned n = 0;

	for (size_t i = 0; i < head->n_fields; i++)
		n += str_eq_nocase(head->fields[i].name, name);
	return n == 1 && str_eq_nocase(http_field_get(head, name), STR("websocket"));
}

/* Whether the worker would be sent another head than the client's: claims about the client in one
 * that nobody rewrites would reach the app as they are. */
static bool needs_rewriting(const struct route_request *rq)
{
	const struct http_head *head = rq->head;

	return rq->who->named || head->authority.n || head->names_fields ||
	       !wants_websocket_alone(head) || (!rq->who->trusted && forwarded_has_claim(head));
}

static bool may_be_handed_over(const struct route_request *rq, const struct worker *w)
{
	return rq->head->websocket && !worker_listens_itself(w) && !needs_rewriting(rq);
}

/* Those that come while the first one is being answered wait for that, as all would be tunnels
 * else when many clients come back at once. */
static void decide(const struct route_request *rq, struct route *ret)
{
	struct upgrades *known = &ret->worker->upgrades;
	uint64_t place;

	if (!may_be_handed_over(rq, ret->worker))
		return;
	place = upgrades_place(ret->worker->backend, rq->head);
	if (upgrades_has(known, place)) {
		ret->kind = ROUTE_HAND_OVER;
		ret->why = "upgrade";
	} else if (known->trying == place) {
		ret->kind = ROUTE_WAIT;
	} else if (!known->trying) {
		known->trying = place;
		ret->is_first = true;
	}
}

static void refuse(struct route *ret, unsigned status)
{
	ret->kind = ROUTE_REFUSED;
	ret->status = status;
}

void route(struct frontend *f, const struct route_request *rq, struct route *ret)
{
	const struct http_head *head = rq->head;
	struct backend *b = f->backend;
	unsigned status;
	bool is_new;

	*ret = (struct route){ .kind = ROUTE_PROXIED };
	if (str_eq(head->method, STR("CONNECT"))) {
		refuse(ret, 405);
		return;
	}
	sid_of_target(head->target, str_of(b->conf->sid_param), &ret->sid);
	notice_request(&f->notices, rq->who, head, &ret->sid);
	status = refusal(f, rq, &ret->sid);
	if (status) {
		refuse(ret, status);
		return;
	}
	is_new = ret->sid.sid.n == 0 && (ret->sid.engine || head->websocket);
	ret->worker = choose(f, rq, ret);
	if (!ret->worker || (is_new && ret->worker->state >= WORKER_DRAINING)) {
		counter_add(&b->board->no_worker, 1);
		refuse(ret, 503);
		return;
	}
	if (is_new)
		load_admitted(ret->worker);
	decide(rq, ret);
}

void route_on(const struct frontend *f, const struct route_request *rq, struct worker *w,
	      struct route *ret)
{
	*ret = (struct route){ .kind = ROUTE_PROXIED, .worker = w, .why = "upgrade" };
	sid_of_target(rq->head->target, str_of(frontend_conf(f)->sid_param), &ret->sid);
	if (may_be_handed_over(rq, w) &&
	    upgrades_has(&w->upgrades, upgrades_place(w->backend, rq->head)))
		ret->kind = ROUTE_HAND_OVER;
}
