/* Clients and workers that say and end whatever they like, whenever they like, at a router that is
 * real but for its processes: the input is a list of moves. What must hold: no transition of a
 * state that its table does not have (an assertion would end the router), no use of what is freed,
 * no event that is told for ever while nobody does anything about it, and no state that is never
 * left once all have gone and all deadlines are over. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "ipc/session_memory.h"
#include "router/backend/lifecycle.h"
#include "router/backend/load.h"
#include "router/backend/upstream.h"
#include "router/backend/workers.h"
#include "router/client/client.h"
#include "router/client/exchange.h"
#include "router/core.h"
#include "router/session/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum {
	SESSIONS = 16,
	CLIENTS = 4,
	FARS = 8,
	TIMEOUT_MS = 60000, /* none is waited for */
	MOVES_MAX = 200,
	TURNS_MAX = 3000, /* of the loop, until all is quiet */
	ROUNDS_MAX = 20,  /* of deadlines, until all have gone */
	SMALL = 1,        /* a send buffer of the least size */
	FLOOD = 300000,
};

static const struct cidr_list nobody;
static const struct router_conf conf = {
	.max_connections = 100,
	.max_head_bytes = 8192,
	.trusted = &nobody,
	.sid_param = "sid",
	.request_id = "X-Request-ID",
	.trace = { TRACE_MAKE, 0 },
	.trace_spans = true, /* none is sampled: nothing is written */
	.header_timeout_ms = TIMEOUT_MS,
	.keepalive_timeout_ms = TIMEOUT_MS,
	.body_timeout_ms = TIMEOUT_MS,
	.response_timeout_ms = TIMEOUT_MS,
	.tunnel_timeout_ms = TIMEOUT_MS,
	.upstream = UPSTREAM_UNIX,
};

#define GET(target) "GET " target " HTTP/1.1\r\nHost: a\r\n"
#define UPGRADE "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

static const char *const requests[] = {
	GET("/") "\r\n",
	GET("/ws") UPGRADE,
	GET("/socket.io/?EIO=4&transport=polling&sid=abc") "\r\n",
	GET("/socket.io/?EIO=4&transport=polling") "\r\n",
	"GET / HTTP/1.0\r\n\r\n",
	"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
	"3\r\nabc\r\n",
	"0\r\n\r\n",
	"x",
	"\r\n",
};

static const char *const answers[] = {
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
	"HTTP/1.1 200 OK\r\n\r\n",
	"HTTP/1.1 204 No Content\r\nKeep-Alive: timeout=5\r\n\r\n",
	"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
	"HTTP/1.1 100 Continue\r\n\r\n",
	"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n0{\"sid\":\"abc\"}",
	"HTTP/1.1 200 OK\r\nContent-Le",
	"ngth: 2\r\n\r\n",
	"3\r\nabc\r\n",
	"0\r\n\r\n",
	"x",
};

/* The far end of a connection to a worker, with the router's name for it. */
struct far {
	uint64_t token;
	int fd;
	uint32_t worker;
};

static struct router *router;
static struct backend *backend;
static struct frontend *frontend;
static int init_end;
static int clients[CLIENTS];
static struct far fars[FARS];
static uint32_t last_worker;
static char flood[FLOOD], read_in[FLOOD];

static const uint8_t *in, *in_end;

static unsigned next(unsigned below)
{
	return in < in_end ? *in++ % below : 0;
}

static void on_message(struct control *c, const struct control_msg *m, int fd)
{
	(void)c;
	(void)m;
	fd_close(&fd);
}

static void on_end(struct control *c, int err)
{
	(void)c;
	(void)err;
}

static const struct control_ops ops = { on_message, on_end };

/* Workers */

static void tell_of_worker(uint32_t id, enum worker_state state)
{
	struct control_msg m = {
		.type = CONTROL_WORKER, .worker = id, .style = WORKER_STYLE_LISTEN, .state = state
	};

	workers_update(backend, &m);
}

/* Set-up */

static void set_up(void)
{
	int sv[2];

	router = calloc(1, sizeof(*router));
	if (!router || uv_loop_init(&router->uv) < 0 || loop_init(&router->loop, &router->uv) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) < 0 ||
	    control_init(&router->link, &router->uv, sv[0], &ops) < 0)
		abort();
	init_end = sv[1];
	backend = &router->backend;
	frontend = &router->frontend;
	*backend = (struct backend){ .loop = &router->loop,
				     .conf = &conf,
				     .init = &router->link,
				     .index = 1, /* one that does not probe */
				     .shared = scoreboard_private(),
				     .upstream_ops = &exchange_upstream_ops,
				     .pair_listener = -1 };
	backend->board = backend->shared->routers + 1;
	load_init(backend);
	upstreams_init(backend);
	if (sessions_open(session_memory_create(SESSIONS), SESSIONS, &backend->sessions) < 0)
		abort();
	frontend->backend = backend;
	frontend->max_clients = frontend->max_accepted = 100;
	frontend->out = BUF_INIT(SOCK_OUT_MAX);
	frontend->pipe = PIPE_INIT;
	frontend->adopted = -1;
	clients_init(frontend);
	for (size_t i = 0; i < CLIENTS; i++)
		clients[i] = -1;
	for (size_t i = 0; i < FARS; i++)
		fars[i].fd = -1;
	last_worker = 2;
	tell_of_worker(1, WORKER_READY);
	tell_of_worker(2, WORKER_READY);
}

static void tear_down(void)
{
	clients_close_all(frontend);
	workers_free_all(backend);
	control_close(&router->link, NULL);
	clients_deinit(frontend);
	upstreams_deinit(backend);
	load_deinit(backend);
	loop_deinit(&router->loop);
	(void)uv_run(&router->uv, UV_RUN_DEFAULT);
	if (uv_loop_close(&router->uv) != 0)
		abort();
	sessions_close(backend->sessions);
	scoreboard_unmap(backend->shared);
	buf_free(&frontend->out);
	pipe_close(&frontend->pipe);
	fd_close(&init_end);
	free(router);
}

/* What init would do */

static void keep_far(const struct control_msg *m, int fd)
{
	for (size_t i = 0; i < FARS; i++)
		if (fars[i].fd < 0) {
			fars[i] = (struct far){ m->token, fd, m->worker };
			return;
		}
	fd_close(&fd);
}

static void take_message(const struct control_msg *m, int fd)
{
	auto_fd int owned = fd;
	struct control_msg back = *m;

	if (m->type != CONTROL_HANDOFF || fd < 0)
		return;
	back.type = CONTROL_HANDBACK;
	if (m->kind == HANDOFF_UPSTREAM)
		keep_far(m, fd_take(&owned));
	else if (next(2))
		client_return(frontend, &back, fd_take(&owned));
}

static bool be_init(void)
{
	char packet[CONTROL_PACKET_MAX];
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { packet, sizeof(packet) };
	struct msghdr h = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(init_end, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct control_msg m;
	int fd = -1;

	if (n <= 0)
		return false;
	if (CMSG_FIRSTHDR(&h))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&h)), sizeof(fd));
	if (control_decode((struct str){ packet, (size_t)n }, &m) < 0)
		abort();
	take_message(&m, fd);
	return true;
}

/* The loop, until nothing happens any more */

static unsigned turns, quiet;

static void on_idle(uv_idle_t *idle)
{
	(void)idle; /* the loop never sleeps */
}

static void before_sleep(void *ctx)
{
	struct epoll_event e[16];
	int n = epoll_wait(router->loop.fd, e, ARRAY_LEN(e), 0);
	bool busy = be_init();

	(void)ctx;
	for (int i = 0; i < n; i++)
		busy = busy || e[i].data.ptr;
	quiet = busy ? 0 : quiet + 1;
	if (++turns > TURNS_MAX)
		abort(); /* something is told for ever */
	if (quiet > 2)
		loop_stop(&router->loop);
}

static void settle(void)
{
	uv_idle_t idle;

	(void)uv_idle_init(&router->uv, &idle);
	(void)uv_idle_start(&idle, on_idle);
	turns = quiet = 0;
	router->loop.stopped = false;
	loop_run(&router->loop, before_sleep, NULL);
	uv_close((uv_handle_t *)&idle, NULL);
	(void)uv_run(&router->uv, UV_RUN_NOWAIT);
}

/* Moves */

static void connect_client(void)
{
	struct listener l = { .role = ROLE_HTTP };
	struct sockaddr_storage peer = { .ss_family = AF_UNIX };
	int *fd = &clients[next(CLIENTS)], small = SMALL, sv[2];

	if (*fd >= 0)
		return;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sv) < 0)
		abort();
	(void)setsockopt(sv[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	*fd = sv[1];
	client_accept(frontend, &l, sv[0], &peer);
}

static void say(int fd, const char *const *texts, size_t n)
{
	const char *text = texts[next((unsigned)n)];
	size_t length = strlen(text);

	if (next(4) == 0)
		length =
		    next((unsigned)length + 1); /* the rest never comes, or as something else */
	if (fd >= 0)
		(void)send(fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void say_much(int fd)
{
	if (fd >= 0)
		(void)send(fd, flood, FLOOD, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void hear(int fd)
{
	if (fd >= 0)
		(void)recv(fd, read_in, sizeof(read_in), MSG_DONTWAIT);
}

static void end(int fd)
{
	if (fd >= 0)
		(void)shutdown(fd, SHUT_WR);
}

static int client(void)
{
	return clients[next(CLIENTS)];
}

static int far(void)
{
	return fars[next(FARS)].fd;
}

static void client_asks(void)
{
	say(client(), requests, ARRAY_LEN(requests));
}

static void client_floods(void)
{
	say_much(client());
}

static void client_hears(void)
{
	hear(client());
}

static void client_ends(void)
{
	end(client());
}

static void client_leaves(void)
{
	fd_close(&clients[next(CLIENTS)]);
}

static void worker_answers(void)
{
	say(far(), answers, ARRAY_LEN(answers));
}

static void worker_floods(void)
{
	say_much(far());
}

static void worker_hears(void)
{
	hear(far());
}

static void worker_ends(void)
{
	end(far());
}

static void worker_leaves(void)
{
	fd_close(&fars[next(FARS)].fd);
}

static void worker_refuses(void)
{
	struct far *f = &fars[next(FARS)];
	struct worker *w = f->fd >= 0 ? workers_by_id(backend, f->worker) : NULL;

	if (w && upstream_refused(w, f->token))
		fd_close(&f->fd);
}

static void worker_dies(void)
{
	tell_of_worker(last_worker - next(2), WORKER_DEAD);
	tell_of_worker(++last_worker, WORKER_READY);
}

static void worker_drains(void)
{
	uint32_t id = last_worker - next(2);

	if (workers_by_id(backend, id))
		tell_of_worker(id, next(2) ? WORKER_DRAINING : WORKER_STOPPING);
}

static void expire(struct deadline_list *l)
{
	struct deadline *d = l->head;

	if (!d)
		return;
	deadline_clear(d);
	l->on_expired(d);
}

static void time_passes(void)
{
	expire(&frontend->deadlines[next(N_DEADLINES)]);
}

static void another_router_lends(void)
{
	struct control_msg m = { .type = CONTROL_ADOPT,
				 .worker = last_worker - next(2),
				 .kind = PARK_CLIENT,
				 .state = next(2),
				 .style = next(2) };
	int one[2], two[2], *fd = &clients[next(CLIENTS)];

	if (*fd >= 0)
		return;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, one) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, two) < 0)
		abort();
	*fd = one[1];
	client_adopt(frontend, &m, one[0]);
	m.kind = PARK_UPSTREAM;
	client_adopt(frontend, &m, two[0]);
	keep_far(&m, two[1]);
}

static void (*const moves[])(void) = {
	connect_client, client_asks,   client_asks,    client_floods,  client_hears,
	client_ends,    client_leaves, worker_answers, worker_answers, worker_floods,
	worker_hears,   worker_ends,   worker_leaves,  worker_refuses, worker_dies,
	worker_drains,  time_passes,   settle,         settle,         another_router_lends,
};

/* Everybody goes, and all the time in the world passes: nothing may be left. */
static void end_all(void)
{
	for (size_t i = 0; i < CLIENTS; i++)
		fd_close(&clients[i]);
	for (unsigned round = 0; round < ROUNDS_MAX && frontend->clients; round++) {
		settle();
		for (size_t i = 0; i < FARS; i++)
			fd_close(&fars[i].fd);
		settle();
		for (size_t i = 0; i < N_DEADLINES; i++)
			expire(&frontend->deadlines[i]);
	}
	for (size_t i = 0; i < FARS; i++)
		fd_close(&fars[i].fd);
	settle();
	if (frontend->clients)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	log_set_level(LOG_LEVEL_ERROR);
	in = bytes;
	in_end = bytes + n;
	set_up();
	for (unsigned i = 0; i < MOVES_MAX && in < in_end; i++)
		moves[next(ARRAY_LEN(moves))]();
	end_all();
	tear_down();
	return 0;
}
