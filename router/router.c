/* The life of a router process.
 *
 * Start: private listener, control channel, CONTROL_UP; init then sends the session memory, the
 * listeners, the workers. End: when the channel to init ends, whatever the reason: without init
 * there are no workers. */
#include "router/router.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "ipc/session_memory.h"
#include "router/backend/lifecycle.h"
#include "router/backend/load.h"
#include "router/backend/native_pair.h"
#include "router/backend/pair.h"
#include "router/client/client.h"
#include "router/client/exchange.h"
#include "router/control.h"
#include "router/core.h"
#include "router/sandbox.h"
#include "router/session/table.h"

#include "base/ban.h"

enum {
	FIRST_SESSIONS = 1024,
	PUBLISH_TRIES = 16,
	/* for ourselves and the admin address */
	FDS_RESERVED = 32 + OWN_NETWORK_STOCK + OWN_NETWORK_LISTENERS,
};

/* Publishing */

/* A number that all routers write: whoever writes last sees that it is still true. */
static void publish_sessions(const struct backend *b)
{
	for (int i = 0; i < PUBLISH_TRIES; i++) {
		uint32_t n = sessions_count(b->sessions);

		if (n == counter_get(&b->shared->sessions))
			break;
		counter_set(&b->shared->sessions, n);
		atomic_thread_fence(memory_order_seq_cst);
	}
}

static enum scoreboard_upstream upstream_in_use(const struct backend *b)
{
	if (b->own_network.maker >= 0)
		return SCOREBOARD_NATIVE;
	return b->conf->upstream == UPSTREAM_UNIX ? SCOREBOARD_UNIX : SCOREBOARD_TCP;
}

/* What the scoreboard says from now on is true. */
static void publish(struct frontend *f)
{
	counter_set(&f->backend->board->clients, f->n_clients - f->n_viewers);
	counter_set(&f->backend->board->admin_viewers, f->n_viewers);
	counter_set(&f->backend->board->upstream, upstream_in_use(f->backend));
	publish_sessions(f->backend);
	load_publish(f->backend);
}

static void on_settle(uv_timer_t *t)
{
	(void)t;
	log_settle();
}

static void settle_log(struct router *r)
{
	int64_t ms = log_due_ms();

	if (ms >= 0 && !uv_is_active((uv_handle_t *)&r->settle))
		(void)uv_timer_start(&r->settle, on_settle, (uint64_t)ms, 0);
}

static void before_sleep(void *ctx)
{
	struct router *r = ctx;

	publish(&r->frontend);
	control_flush(&r->link);
	settle_log(r);
}

/* Accepting */

static bool has_room(void *ctx, enum listener_role role)
{
	return clients_have_room(ctx, role);
}

static void on_accept(void *ctx, const struct listener *l, int fd,
		      const struct sockaddr_storage *peer)
{
	client_accept(ctx, l, fd, peer);
}

static const struct listener_ops listener_ops = { has_room, on_accept };

/* Starting */

/* A table of its own until init's memory arrives, so that there always is one. */
static int open_first_sessions(struct backend *b)
{
	int fd = session_memory_create(FIRST_SESSIONS);

	return fd < 0 ? fd : sessions_open(fd, FIRST_SESSIONS, &b->sessions);
}

static uint32_t random_u32(void)
{
	return (uint32_t)random();
}

/* A client takes two descriptors while a worker serves it, and one while it is turned away. */
static void limit_clients(struct frontend *f, uint32_t wanted)
{
	unsigned long limit = fd_raise_limit();
	unsigned long room = limit > 2UL * FDS_RESERVED ? limit - FDS_RESERVED : limit / 2;

	if (room > INT32_MAX)
		room = INT32_MAX;
	f->max_clients = room / 2 < wanted ? (uint32_t)room / 2 : wanted;
	f->max_accepted = (uint32_t)room - f->max_clients;
	if (f->max_clients < wanted)
		log_info("router: %u clients at a time, not SIOINIT_MAX_CONNECTIONS=%u: open files "
			 "are limited to %lu (ulimit -n)",
			 f->max_clients, wanted, limit);
}

static void stay_as_it_is(void)
{
}

/* Before anything else, as it is done in a copy of this process. */
static void open_own_network(struct backend *b)
{
	const struct router_conf *conf = b->conf;
	int e = 0;

	if (conf->upstream <= UPSTREAM_NATIVE)
		e = native_pair_open(b, conf->sandbox ? sandbox_enter_maker : stay_as_it_is);
	if (e < 0 && conf->upstream == UPSTREAM_NATIVE)
		die(EXIT_BAD_CONFIG, SIO_220,
		    "SIOINIT_UPSTREAM=native: no network namespace of the router's own "
		    "(%s): " OWN_NETWORK_NEEDS ", or SIOINIT_UPSTREAM=auto",
		    strerror(-e));
	b->not_native = e;
}

static int start_backend(struct router *r, const struct router_conf *conf)
{
	struct backend *b = &r->backend;
	int e;

	*b = (struct backend){
		.loop = &r->loop,
		.conf = conf,
		.init = &r->link,
		.shared = scoreboard_private(),
		.balance = { .method = conf->balance, .random = random_u32 },
		.upstream_ops = &exchange_upstream_ops,
		.last_token = uv_hrtime(), /* what was meant for the last router is not for us */
		.pair_listener = -1,
		.own_network = { .maker = -1 },
	};
	if (!b->shared)
		return -ENOMEM;
	b->board = b->shared->routers;
	load_init(b);
	upstreams_init(b);
	e = open_first_sessions(b);
	if (e == 0)
		e = pair_listen(b);
	if (e == 0)
		open_own_network(b);
	return e;
}

static int start_frontend(struct router *r, const struct router_conf *conf)
{
	struct frontend *f = &r->frontend;

	f->backend = &r->backend;
	f->out = BUF_INIT(SOCK_OUT_MAX);
	f->pipe = PIPE_INIT;
	f->adopted = -1;
	limit_clients(f, conf->max_connections);
	clients_init(f);
	admin_init(&r->admin, f, publish);
	access_log_init(&f->access_log, &r->uv, conf->access_format);
	if (getrandom(&f->id_prefix, sizeof(f->id_prefix), 0) < 0 ||
	    getrandom(&r->backend.seed, sizeof(r->backend.seed), 0) < 0)
		return -errno;
	return 0;
}

static int router_init(struct router *r, const struct router_conf *conf, int control_fd)
{
	struct control_msg up = { .type = CONTROL_UP };
	auto_fd int owned = control_fd;
	int e = uv_loop_init(&r->uv);

	if (e == 0)
		e = loop_init(&r->loop, &r->uv);
	if (e == 0)
		e = start_backend(r, conf);
	if (e == 0)
		e = start_frontend(r, conf);
	if (e < 0)
		return e;
	(void)uv_idle_init(&r->uv, &r->sweep);
	(void)uv_timer_init(&r->uv, &r->settle);
	listeners_init(&r->listeners, &r->loop, &listener_ops, &r->frontend);
	if (conf->sandbox)
		sandbox_enter();
	e = control_init(&r->link, &r->uv, fd_take(&owned), &router_control_ops);
	control_owner_flushes(&r->link);
	return e < 0 ? e : control_send(&r->link, &up, -1);
}

/* Nothing may be left for the loop; hand-offs that init has already taken are not affected. */
static void router_deinit(struct router *r)
{
	struct backend *b = &r->backend;
	struct frontend *f = &r->frontend;

	listeners_deinit(&r->listeners);
	clients_close_all(f);
	workers_free_all(b);
	control_close(&r->link, NULL);
	uv_close((uv_handle_t *)&r->sweep, NULL);
	uv_close((uv_handle_t *)&r->settle, NULL);
	clients_deinit(f);
	upstreams_deinit(b);
	load_deinit(b);
	admin_deinit(&r->admin);
	visitors_close(&f->visitors);
	access_log_close(&f->access_log);
	loop_deinit(&r->loop);
	(void)uv_run(&r->uv, UV_RUN_DEFAULT);
	(void)uv_loop_close(&r->uv);
	sessions_close(b->sessions);
	scoreboard_unmap(b->shared);
	buf_free(&f->out);
	pipe_close(&f->pipe);
	fd_close(&b->pair_listener);
	own_network_close(&b->own_network);
	free(r);
}

/* init decides when to stop; signals that reach the whole group are for it. */
static void ignore_signals(void)
{
	static const int ignored[] = { SIGPIPE, SIGTERM, SIGINT,  SIGQUIT,
				       SIGHUP,  SIGUSR1, SIGUSR2, SIGWINCH };

	for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
		(void)signal(ignored[i], SIG_IGN);
}

int router_main(const struct router_conf *conf, int control_fd)
{
	struct router *r = calloc(1, sizeof(*r));
	int e;

	log_set_component("router");
	(void)log_open();
	ignore_signals();
	srandom((unsigned)getpid());
	e = r ? router_init(r, conf, control_fd) : -ENOMEM;
	if (e < 0)
		die(EXIT_OUR_FAILURE, SIO_221, "router: cannot start: %s", strerror(-e));
	loop_run(&r->loop, before_sleep, r);
	router_deinit(r);
	return 0;
}
