/* Routing. See route.h.
 *
 * Handed over is only what the router has no more to say to: a WebSocket on a path that is known to
 * take them, whose head can stay as it is. Everything else is proxied, other WebSockets as
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

/* Claims about the client in a head that nobody rewrites would reach the app as they are. */
static bool needs_rewriting(const struct route_request *rq)
{
	return rq->who->named || (!rq->who->trusted && forwarded_has_claim(rq->head));
}

static bool is_path_of_engine(struct str target)
{
	return str_has_prefix(target, STR("/socket.io/"));
}

/* Where a Socket.IO app is known to be, its usual path takes WebSockets. */
static bool takes_websockets(const struct frontend *f, const struct worker *w,
			     const struct http_head *head, const struct sid_request *sid)
{
	bool has_engine = w->has_adapter || w->style == WORKER_STYLE_STICKY;

	return (has_engine && sid->engine && is_path_of_engine(head->target)) ||
	       upgrades_has(&f->upgrades, upgrades_path(head->target));
}

static bool can_be_handed_over(const struct frontend *f, const struct route_request *rq,
			       const struct route *to)
{
	return rq->head->websocket && !worker_listens_itself(to->worker) && !needs_rewriting(rq) &&
	       takes_websockets(f, to->worker, rq->head, &to->sid);
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
	ret->worker = choose(f, rq, ret);
	if (!ret->worker) {
		counter_add(&b->board->no_worker, 1);
		refuse(ret, 503);
		return;
	}
	if (ret->sid.sid.n == 0 && (ret->sid.engine || head->websocket))
		load_admitted(ret->worker);
	if (can_be_handed_over(f, rq, ret)) {
		ret->kind = ROUTE_HAND_OVER;
		ret->why = "upgrade";
	}
}
