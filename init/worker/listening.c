/* listen() and close() in a worker, as Node's cluster primary answers them, and what follows for
 * the public port. See listening.h. */
#include "init/worker/listening.h"

#include <errno.h>
#include <string.h>
#include <utlist.h>

#include "base/log.h"
#include "base/macros.h"
#include "init/listen/frontend.h"
#include "init/listen/places.h"
#include "init/worker/ending.h"
#include "init/worker/readiness.h"
#include "init/worker/state.h"

#include "base/ban.h"

/* The public server */

static void say_substitute(const struct worker *w, const struct place *pl)
{
	if (w->places->port_is_untold) {
		log_info("worker[%u]: PORT is not set: its server at port %lld gets the clients of "
			 "port %u, the default, too",
			 w->slot, (long long)pl->actual_port, w->config->port);
		return;
	}
	log_warn(SIO_109,
		 "worker[%u]: nothing listens at PORT=%u, so that its server at port %lld gets the "
		 "clients of the public port; let it listen at process.env.PORT, or set PORT=%lld",
		 w->slot, w->config->port, (long long)pl->port, (long long)pl->port);
}

/* The place of another worker's public server, where @w has none. */
static struct place *place_of_others(const struct worker *w)
{
	struct place *pl;

	DL_FOREACH(w->places->list, pl)
	if (places_is_substitute(w->places, pl) && !servers_at(w->servers, pl))
		return pl;
	return NULL;
}

/* A port for each worker: who connects there is that worker's client. */
static void keep_ports_apart(struct worker *w, const struct place *pl, struct place *other)
{
	log_info("worker[%u]: its server is at port %lld, another worker's at port %lld: each "
		 "leads to its own worker only",
		 w->slot, (long long)pl->actual_port, (long long)other->actual_port);
	w->places->ports_are_own = true;
	if (other->is_http) {
		other->is_http = false;
		w->ops->on_place(w, other);
	}
}

/* Its place becomes a second public port. */
static void use_substitute(struct worker *w, struct place *pl)
{
	struct place *other = place_of_others(w);

	if (other && !w->places->ports_are_own)
		keep_ports_apart(w, pl, other);
	if (w->places->ports_are_own)
		return;
	if (!places_is_substitute(w->places, pl)) {
		say_substitute(w, pl);
		places_set_substitute(w->places, pl);
	}
	if (!pl->is_http) {
		pl->is_http = true;
		w->ops->on_place(w, pl);
	}
}

/* An app that asks for the public port has no substitute for it, in no worker. */
static void drop_substitute(struct worker *w)
{
	struct place *pl;

	w->places->port_was_asked = true;
	w->places->has_substitute = false;
	DL_FOREACH(w->places->list, pl)
	if (pl->is_http) {
		pl->is_http = false;
		w->ops->on_place(w, pl);
	}
}

static void is_open(struct worker *w)
{
	if (w->state == WORKER_CLOSED) {
		(void)uv_timer_stop(&w->settling);
		log_info("worker[%u]: has opened its server again pid=%d", w->slot, (int)w->pid);
		worker_set_state(w, WORKER_READY);
	} else if (w->state >= WORKER_READY || w->config->worker_health_path) {
		w->ops->on_state(w); /* another server, or it may be asked from now on */
	} else if (!w->config->wait_ready || w->has_said_ready) {
		worker_become_ready(w, w->style);
	}
}

static bool is_for_this_host(const struct server *s)
{
	return strncmp(s->host, "127.", 4) == 0 || strcmp(s->host, "::1") == 0;
}

static void say_wider(const struct worker *w, const struct server *s)
{
	if (is_for_this_host(s) && !w->frontend->is_passed)
		log_warn(
		    SIO_110,
		    "worker[%u]: listens at %s alone, but everybody reaches the public port "
		    "%lld: publish it where it is meant for (docker run -p 127.0.0.1:%lld:%lld)",
		    w->slot, s->host, (long long)s->port, (long long)s->port, (long long)s->port);
}

static void begin_public(struct worker *w, const struct server *s)
{
	say_wider(w, s);
	drop_substitute(w);
}

static void set_public(struct worker *w, struct server *s)
{
	if (!s->place && !w->places->port_was_asked)
		begin_public(w, s);
	else if (s->place)
		use_substitute(w, s->place);
	w->public = s;
	w->n_publics++;
	w->style = WORKER_STYLE_LISTEN;
	if (w->state < WORKER_DRAINING)
		is_open(w);
}

static void on_settled(uv_timer_t *t);

static void settle_in(struct worker *w, uint64_t ms)
{
	(void)uv_timer_start(&w->settling, on_settled, ms, 0);
}

/* The third kind has to wait for the others. */
static void await_others(struct worker *w)
{
	if (w->public || w->is_sticky || w->state >= WORKER_CLOSED ||
	    !servers_substitute(w->servers, w->places, true) ||
	    uv_is_active((uv_handle_t *)&w->settling))
		return;
	worker_may_be_probed(w);
	settle_in(w, SUBSTITUTE_MS);
}

static bool has_choice(const struct worker *w)
{
	return w->asked != WORKER_STYLE_STICKY && !worker_listens_itself(w);
}

static struct server *best(const struct worker *w, bool any)
{
	struct server *s = servers_at_public_port(w->servers);

	return s || w->is_sticky ? s : servers_substitute(w->servers, w->places, any);
}

/* Its servers have changed, or @any: nothing better is waited for. */
static void choose_public(struct worker *w, bool any)
{
	struct server *s = has_choice(w) ? best(w, any) : NULL;

	if (s && s != w->public)
		set_public(w, s);
	else if (!s && has_choice(w))
		await_others(w);
}

static void on_public_closed(struct worker *w)
{
	struct server *s = best(w, false);

	if (s) {
		set_public(w, s);
	} else if (w->is_sticky) {
		w->n_publics++;
		w->style = WORKER_STYLE_STICKY;
		is_open(w);
	} else if (w->state == WORKER_READY || w->state == WORKER_SUSPECT) {
		log_info("worker[%u]: has closed its server pid=%d", w->slot, (int)w->pid);
		settle_in(w, REOPEN_MS);
		worker_set_state(w, WORKER_CLOSED);
	} else if (worker_keeps_clients(w)) {
		w->ops->on_farewell(w);
	}
}

/* Nobody stops it, it is only replaced. */
static void give_up(struct worker *w)
{
	worker_ends_for(w, WORKER_END_LEFT);
	worker_set_state(w, WORKER_DRAINING);
}

static void on_settled(uv_timer_t *t)
{
	struct worker *w = container_of(t, struct worker, settling);

	choose_public(w, true);
	if (w->state == WORKER_CLOSED)
		give_up(w);
}

void listening_disconnected(struct worker *w)
{
	(void)uv_timer_stop(&w->settling);
	if (w->state == WORKER_CLOSED)
		give_up(w);
}

void listening_lost(struct worker *w, uint64_t again_ms)
{
	if (w->state == WORKER_CLOSED)
		return;
	settle_in(w, again_ms);
	worker_set_state(w, WORKER_CLOSED);
}

void listening_begins_again(struct worker *w)
{
	(void)uv_timer_stop(&w->deadline);
	listening_lost(w, REOPEN_MS);
	if (w->config->ready_timeout_ms)
		settle_in(w, w->config->ready_timeout_ms);
	else
		(void)uv_timer_stop(&w->settling);
}

struct server *listening_server(const struct worker *w, uint32_t listener)
{
	return listener ? servers_of_listener(w->servers, listener) : w->public;
}

/* Messages */

static void refuse(struct worker *w, const struct node_msg *q, int err)
{
	worker_send(w, node_listen_reply(w->channel.mode, q, "none", err, NULL, q->port, w->seq++));
}

/* @host: its server.address(); "" is any address. */
static void allow(struct worker *w, const struct node_msg *q, const struct server *s,
		  const char *host, int64_t port)
{
	if (q->address_type == NODE_ADDR_UNIX)
		host = NULL;
	else if (*host == '\0')
		host = "::";
	worker_send(w, node_listen_reply(w->channel.mode, q, s->key, 0, host, port, w->seq++));
}

/* A handle that all workers share: a UDP socket. */
static void share(struct worker *w, const struct node_msg *q, const struct server *s)
{
	struct blob *reply = node_shared_reply(w->channel.mode, q, s->key, w->seq++);
	int r = handles_share(&w->handles, s->place->fd, reply);

	if (r < 0)
		refuse(w, q, r);
}

/* What it was told as PORT, or another one of those that are ours. */
static bool is_public(const struct worker *w, const struct node_msg *q)
{
	if (q->address_type != NODE_ADDR_TCP4 && q->address_type != NODE_ADDR_TCP6)
		return false;
	return (q->port == w->config->port && !w->frontend->has_no_public) ||
	       (q->port && q->port == w->endpoint.port) || frontend_is_asked(w->frontend, q->port);
}

/* A worker that was given up has been replaced, so that what it opens now serves nobody. */
static bool is_surplus(const struct worker *w)
{
	return w->state == WORKER_DRAINING && !w->kill_at_ms;
}

static void query_public(struct worker *w, const struct node_msg *q)
{
	struct server *s = NULL;
	int err = -EADDRINUSE;

	if (!servers_clash(w->servers, q)) {
		s = servers_add(&w->servers, w->channel.mode, NULL, q);
		err = -ENOMEM;
	}
	if (s)
		allow(w, q, s, q->address, q->port);
	else
		refuse(w, q, err);
	if (s && is_surplus(w)) {
		log_info("worker[%u]: opens its server again, but is replaced already pid=%d",
			 w->slot, (int)w->pid);
		worker_drain(w);
	}
}

/* Ports that we hold ourselves: nobody else says what has to be done about it. */
static void say_in_use(const struct worker *w, const struct node_msg *q)
{
	if (node_address_is_stream(q->address_type) && q->port > 0 && !w->config->admin.off &&
	    q->port == w->config->admin.port)
		log_error(SIO_111,
			  "worker[%u]: cannot listen at port %lld, which is sioinit's admin "
			  "address: set SIOINIT_ADMIN to another one, or to off",
			  w->slot, (long long)q->port);
}

static void open_server(struct worker *w, const struct node_msg *q, struct place *pl)
{
	struct server *s = servers_add(&w->servers, w->channel.mode, pl, q);

	if (!s) {
		if (places_leave(w->places, pl))
			place_free(pl);
		refuse(w, q, -ENOMEM);
	} else if (!node_address_is_stream(q->address_type)) {
		share(w, q, s);
	} else {
		allow(w, q, s, pl->name, pl->actual_port);
		w->ops->on_server(w, pl, true);
	}
}

static void query_place(struct worker *w, const struct node_msg *q)
{
	int err = -EADDRINUSE;
	struct place *pl = places_join(w->places, q, w->app, &err);

	if (pl && !servers_at(w->servers, pl)) {
		open_server(w, q, pl);
		return;
	}
	if (pl)
		(void)places_leave(w->places, pl); /* its other server there keeps it */
	else if (err == -EADDRINUSE)
		say_in_use(w, q);
	refuse(w, q, err);
}

void listening_query(struct worker *w, const struct node_msg *q, const struct channel_frame *f)
{
	(void)f;
	w->has_asked = true;
	if (w->leaving)
		return;
	if (is_public(w, q))
		query_public(w, q);
	else
		query_place(w, q);
}

static void close_server(struct worker *w, struct server *s)
{
	struct place *pl = s->place;
	bool is_last;

	servers_drop(&w->servers, s);
	if (!pl)
		return;
	is_last = places_leave(w->places, pl);
	if (node_address_is_stream(pl->type))
		w->ops->on_server(w, pl, false);
	if (is_last)
		place_free(pl);
}

/* server.close() or cluster.worker.disconnect(). */
void listening_closed(struct worker *w, const struct node_msg *m, const struct channel_frame *f)
{
	struct server *s = servers_with_key(w->servers, m->key);
	bool was_public = s && s == w->public;

	(void)f;
	if (!s)
		return;
	close_server(w, s);
	if (!was_public)
		return;
	w->public = NULL;
	on_public_closed(w);
}

void listening_begun(struct worker *w, const struct node_msg *m, const struct channel_frame *f)
{
	struct server *s = servers_that_says(w->servers, m);

	(void)f;
	if (!s)
		return;
	s->listening = true;
	choose_public(w, false);
}

void listening_end(struct worker *w)
{
	(void)uv_timer_stop(&w->settling);
	w->public = NULL;
	while (w->servers)
		close_server(w, w->servers);
}
