/* Clients whose hand-off init does not take: they are answered, not kept waiting. Connections to a
 * worker (here a unix socket of ours) that fail or are only half used: what is in them is heard,
 * and nobody else gets them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macros.h"
#include "ipc/session_memory.h"
#include "router/backend/lifecycle.h"
#include "router/backend/load.h"
#include "router/backend/pair.h"
#include "router/backend/upgrades.h"
#include "router/backend/upstream.h"
#include "router/backend/workers.h"
#include "router/client/client.h"
#include "router/client/exchange.h"
#include "router/core.h"
#include "router/session/table.h"

enum {
	SESSIONS = 16,
	CLIENTS = 10,
	TIMEOUT_MS = 60000,
	PATIENCE_MS = 10000,
	SLOW_OUT = 1,
};

static const struct cidr_list nobody;
static const struct router_conf conf = {
	.max_connections = CLIENTS,
	.max_head_bytes = 8192,
	.trusted = &nobody,
	.sid_param = "sid",
	.request_id = "X-Request-ID",
	.header_timeout_ms = TIMEOUT_MS,
	.keepalive_timeout_ms = TIMEOUT_MS,
	.body_timeout_ms = TIMEOUT_MS,
};
static struct router *router;
static struct backend *backend;
static struct frontend *frontend;
static int init_end;

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

static void open_link(void)
{
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	assert_int_equal(control_init(&router->link, &router->uv, sv[0], &ops), 0);
	init_end = sv[1];
}

static int set_up(void **state)
{
	struct control_msg worker = { .type = CONTROL_WORKER,
				      .worker = 1,
				      .style = WORKER_STYLE_LISTEN,
				      .state = WORKER_READY,
				      .kind = 1 /* it has an adapter */ };

	(void)state;
	router = calloc(1, sizeof(*router));
	assert_non_null(router);
	backend = &router->backend;
	frontend = &router->frontend;
	assert_int_equal(uv_loop_init(&router->uv), 0);
	assert_int_equal(loop_init(&router->loop, &router->uv), 0);
	*backend = (struct backend){ .loop = &router->loop,
				     .conf = &conf,
				     .init = &router->link,
				     .shared = scoreboard_private(),
				     .upstream_ops = &exchange_upstream_ops,
				     .pair_listener = -1,
				     .own_network = { .maker = -1 } };
	backend->board = backend->shared->routers;
	load_init(backend);
	upstreams_init(backend);
	assert_int_equal(pair_listen(backend), 0);
	assert_int_equal(
	    sessions_open(session_memory_create(SESSIONS), SESSIONS, &backend->sessions), 0);
	frontend->backend = backend;
	frontend->max_clients = frontend->max_accepted = CLIENTS;
	frontend->out = BUF_INIT(SOCK_OUT_MAX);
	frontend->pipe = PIPE_INIT;
	frontend->adopted = -1;
	clients_init(frontend);
	open_link();
	workers_update(backend, &worker);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	clients_close_all(frontend);
	workers_free_all(backend);
	control_close(&router->link, NULL);
	clients_deinit(frontend);
	upstreams_deinit(backend);
	load_deinit(backend);
	loop_deinit(&router->loop);
	(void)uv_run(&router->uv, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&router->uv), 0);
	sessions_close(backend->sessions);
	scoreboard_unmap(backend->shared);
	buf_free(&frontend->out);
	pipe_close(&frontend->pipe);
	fd_close(&backend->pair_listener);
	fd_close(&init_end);
	free(router);
	return 0;
}

/* A client that says @text; its end. */
static int connect_client(enum listener_role role, const char *text)
{
	struct listener l = { .role = role };
	struct sockaddr_storage peer = { .ss_family = AF_UNIX };
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sv), 0);
	assert_int_equal(write(sv[1], text, strlen(text)), strlen(text));
	client_accept(frontend, &l, sv[0], &peer);
	return sv[1];
}

static const char upgrade[] = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\n"
			      "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

static uint64_t handoffs(void)
{
	return counter_get(&backend->board->upgrades);
}

/* Worker 1 is known to take them. */
static void learn_upgrades(void)
{
	struct http_head head;

	assert_int_equal(http_parse_request(str_of(upgrade), 4096, &head), HTTP_HEAD_COMPLETE);
	upgrades_learn(&workers_by_id(backend, 1)->upgrades, upgrades_place(backend, &head));
}

static void an_upgrade_is_handed_over(void **state)
{
	char packet[CONTROL_PACKET_MAX], byte;
	struct control_msg m;
	ssize_t n;
	int fd;

	(void)state;
	learn_upgrades();
	fd = connect_client(ROLE_HTTP, upgrade);
	n = recv(init_end, packet, sizeof(packet), MSG_DONTWAIT);
	assert_true(n > 0);
	assert_int_equal(control_decode((struct str){ packet, (size_t)n }, &m), 0);
	assert_int_equal(m.type, CONTROL_HANDOFF);
	assert_int_equal(m.kind, HANDOFF_CLIENT);
	assert_int_equal(handoffs(), 1);
	assert_null(frontend->clients);
	assert_int_equal(read(fd, &byte, 1), -1);
	assert_int_equal(errno, ECONNRESET); /* ours is closed, the head was left in it */
	(void)close(fd);
}

static void an_upgrade_that_init_does_not_take_is_answered(void **state)
{
	char answer[512] = "";
	int fd;

	(void)state;
	fd_close(&init_end);
	learn_upgrades();
	fd = connect_client(ROLE_HTTP, upgrade);
	assert_true(read(fd, answer, sizeof(answer) - 1) > 0);
	assert_int_equal(strncmp(answer, "HTTP/1.1 503 ", 13), 0);
	assert_int_equal(handoffs(), 0);
	(void)close(fd);
}

static void a_request_that_reaches_no_worker_is_answered(void **state)
{
	char answer[512] = "";
	int fd;

	(void)state;
	fd_close(&init_end);
	(void)uv_run(&router->uv, UV_RUN_NOWAIT);
	assert_true(router->link.ended);
	fd = connect_client(ROLE_HTTP, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_true(read(fd, answer, sizeof(answer) - 1) > 0);
	assert_int_equal(strncmp(answer, "HTTP/1.1 503 ", 13), 0);
	(void)close(fd);
}

/* No event tells of sockets any more; libuv's descriptor has no pointer. */
static bool is_deaf(void)
{
	struct epoll_event e[8];
	int n = epoll_wait(router->loop.fd, e, 8, 0);

	for (int i = 0; i < n; i++)
		if (e[i].data.ptr)
			return false;
	return true;
}

static void a_returned_connection_that_its_worker_keeps_is_let_go(void **state)
{
	struct control_msg m = { .type = CONTROL_HANDBACK,
				 .worker = 1,
				 .token = 2, /* the last try */
				 .kind = HANDOFF_CLIENT };
	int sv[2];
	auto_fd int kept = -1, far = -1;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv), 0);
	far = sv[1];
	kept = dup(sv[0]);
	client_return(frontend, &m, sv[0]);
	assert_non_null(frontend->clients);
	client_close(frontend->clients, "over");
	assert_int_equal(write(far, "more", 4), 4);
	assert_true(is_deaf());
}

/* As init says it of a client that it had been sent. */
static void one_that_is_returned_is_who_it_was(void **state)
{
	struct control_msg m = {
		.type = CONTROL_HANDBACK, .worker = 1, .kind = HANDOFF_CLIENT, .tls = 1
	};
	struct ip ip;
	struct client *c;
	int sv[2];
	auto_fd int far = -1;

	(void)state;
	assert_int_equal(ip_parse(STR("203.0.113.9"), &ip), 0);
	memcpy(m.address, &ip, sizeof(ip));
	m.visitor = visitor_key(&ip);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv), 0);
	far = sv[1];
	client_return(frontend, &m, sv[0]);
	c = frontend->clients;
	assert_non_null(c);
	assert_string_equal(c->who.addr, "203.0.113.9");
	assert_true(c->who.tls);
	assert_int_equal(c->visitor->n, 1);
	m = (struct control_msg){ 0 };
	identity_describe(&c->who, &m);
	assert_memory_equal(m.address, &ip, sizeof(ip));
	assert_int_equal(m.tls, 1);
	client_close(c, "over");
	assert_null(frontend->visitors.by_key);
}

/* With a worker that listens by itself */

static bool (*awaited)(void);
static unsigned ticks;

static void on_tick(uv_timer_t *t)
{
	(void)t;
	if (awaited() || ++ticks == PATIENCE_MS)
		loop_stop(&router->loop);
}

static void nothing(void *ctx)
{
	(void)ctx;
}

static void run_until(bool (*condition)(void))
{
	uv_timer_t timer;

	awaited = condition;
	ticks = 0;
	(void)uv_timer_init(&router->uv, &timer);
	(void)uv_timer_start(&timer, on_tick, 0, 1);
	router->loop.stopped = false;
	loop_run(&router->loop, nothing, NULL);
	uv_close((uv_handle_t *)&timer, NULL);
	(void)uv_run(&router->uv, UV_RUN_NOWAIT);
	assert_true(condition());
}

static unsigned clients_in(enum client_state state)
{
	const struct client *c;
	unsigned n = 0;

	for (c = frontend->clients; c; c = c->next)
		n += c->state == state;
	return n;
}

static bool nobody_waits(void)
{
	return clients_in(CLIENT_UPGRADE) == 0;
}

enum { STORM = 4 };

/* The first is tunnelled, the others wait for its answer; @known: it was 101. */
static void check_storm(bool known, unsigned tunnels)
{
	int fds[STORM];

	for (int i = 0; i < STORM; i++)
		fds[i] = connect_client(ROLE_HTTP, upgrade);
	assert_int_equal(clients_in(CLIENT_EXCHANGE), 1);
	assert_int_equal(clients_in(CLIENT_UPGRADE), STORM - 1);
	if (known)
		learn_upgrades();
	client_close(frontend->clients, "over");
	run_until(nobody_waits);
	assert_int_equal(clients_in(CLIENT_EXCHANGE), tunnels);
	for (int i = 0; i < STORM; i++)
		fd_close(&fds[i]);
}

static void who_waits_for_the_first_upgrade_is_handed_over(void **state)
{
	(void)state;
	check_storm(true, 0);
	assert_int_equal(handoffs(), STORM - 1);
}

static void who_waits_for_an_upgrade_that_is_not_taken_is_tunnelled(void **state)
{
	(void)state;
	check_storm(false, STORM - 1);
	assert_int_equal(handoffs(), 0);
}

static void who_waits_too_long_for_the_first_upgrade_is_tunnelled(void **state)
{
	int first, second;

	(void)state;
	first = connect_client(ROLE_HTTP, upgrade);
	second = connect_client(ROLE_HTTP, upgrade);
	assert_int_equal(clients_in(CLIENT_UPGRADE), 1);
	run_until(nobody_waits); /* a second */
	assert_int_equal(clients_in(CLIENT_EXCHANGE), 2);
	(void)close(first);
	(void)close(second);
}

static struct worker *worker; /* the one that listens by itself */
static char path[64];
static int listener, at_worker, at_client;
static size_t said, heard; /* bytes, by the worker and at the client */

static int set_up_own_worker(void **state)
{
	struct control_msg gone = { .type = CONTROL_WORKER, .worker = 1, .state = WORKER_DEAD };
	struct control_msg m = { .type = CONTROL_WORKER,
				 .worker = 2,
				 .style = WORKER_STYLE_UNIX,
				 .state = WORKER_READY };
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	(void)set_up(state);
	(void)snprintf(path, sizeof(path), "/tmp/sioinit-client-%d", (int)getpid());
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	m.text = str_of(path);
	(void)unlink(path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(listener, 8), 0);
	workers_update(backend, &gone);
	workers_update(backend, &m);
	worker = workers_by_id(backend, 2);
	at_worker = at_client = -1;
	said = heard = 0;
	return 0;
}

static int tear_down_own_worker(void **state)
{
	(void)unlink(path);
	fd_close(&at_client);
	fd_close(&at_worker);
	fd_close(&listener);
	return tear_down(state);
}

static void ask(const char *text)
{
	at_client = connect_client(ROLE_HTTP, text);
	at_worker = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(at_worker >= 0);
}

/* What the worker has not read makes the kernel say it by a reset. */
static void reset_by_worker(void)
{
	fd_close(&at_worker);
}

static void say(const char *text)
{
	assert_int_equal(write(at_worker, text, strlen(text)), strlen(text));
	said += strlen(text);
}

static void hear(void)
{
	char bytes[4096];
	ssize_t n = read(at_client, bytes, sizeof(bytes));

	heard += n > 0 ? (size_t)n : 0;
}

static bool client_is_gone(void)
{
	return !frontend->clients;
}

static bool request_has_come(void)
{
	char byte;

	return recv(at_worker, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

static bool client_is_idle(void)
{
	return frontend->clients && frontend->clients->state == CLIENT_IDLE;
}

static bool client_is_idle_and_has_heard_all(void)
{
	hear();
	return client_is_idle() && heard >= said;
}

static bool client_has_heard_all(void)
{
	hear();
	return !frontend->clients;
}

static bool client_takes_no_more(void)
{
	char bytes[4096] = "";
	ssize_t n = write(at_worker, bytes, sizeof(bytes));

	said += n > 0 ? (size_t)n : 0;
	return n < 0 && sock_blocked(&frontend->clients->sock);
}

static bool client_has_ended(void)
{
	char bytes[4096];
	ssize_t n = read(at_client, bytes, sizeof(bytes));

	heard += n > 0 ? (size_t)n : 0;
	return n == 0;
}

static bool request_is_read(void)
{
	return worker->busy && frontend->clients->exchange.request.done;
}

static void check_nothing_is_kept(void)
{
	assert_null(worker->idle);
	assert_null(worker->busy);
	assert_int_equal(worker->n_upstreams, 0);
}

static void a_whole_answer_keeps_the_connection(void **state)
{
	(void)state;
	ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	run_until(client_is_idle);
	assert_non_null(worker->idle);
}

static void a_connection_that_has_failed_is_not_kept(void **state)
{
	(void)state;
	ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	reset_by_worker();
	run_until(client_is_idle);
	check_nothing_is_kept();
}

static void a_connection_with_half_a_request_is_not_kept(void **state)
{
	static const char body[20000];
	int size = SLOW_OUT;

	(void)state;
	ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n");
	assert_int_equal(
	    setsockopt(worker->busy->sock.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	assert_int_equal(write(at_client, body, sizeof(body)), sizeof(body));
	run_until(request_is_read);
	assert_true(sock_blocked(&worker->busy->sock));
	say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	run_until(client_is_idle);
	check_nothing_is_kept();
}

static void what_is_left_of_a_failed_connection_is_heard_by_a_slow_client(void **state)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n";
	size_t before;

	(void)state;
	ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	say(head);
	run_until(client_takes_no_more);
	reset_by_worker();
	run_until(client_has_heard_all);
	do {
		before = heard;
		hear();
	} while (heard > before);
	assert_true(heard >= said);
}

static bool half_a_head_is_read(void)
{
	hear();
	return heard > 0 && worker->busy->in.len > 0;
}

static void a_final_head_in_two_pieces_is_followed_by_a_large_body(void **state)
{
	static char rest[100000] = "Content-Length: 99960\r\nX-Fill: 45678\r\n\r\n";

	(void)state;
	memset(rest + strlen(rest), 'b', sizeof(rest) - 1 - strlen(rest));
	rest[sizeof(rest) - 1] = 'b';
	ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	frontend->clients->sock.read_size = SOCK_READ_MAX;
	say("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n");
	run_until(half_a_head_is_read);
	assert_int_equal(write(at_worker, rest, sizeof(rest)), sizeof(rest));
	said += sizeof(rest);
	run_until(client_is_idle_and_has_heard_all);
	assert_non_null(worker->idle);
}

/* Clients that speak no HTTP */

static const char tls[] = "\x16\x03\x01 and so on", alert[] = "\x15\x03\x03\0\x02\x02\x28";

static void drop(int fd)
{
	(void)close(fd);
}

/* A ClientHello, whole, is what the worker is asked with. */
static void accept_question(void)
{
	unsigned char hello[64];
	ssize_t n;

	at_worker = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(at_worker >= 0);
	run_until(request_has_come);
	n = read(at_worker, hello, sizeof(hello));
	assert_int_equal(n, 5 + hello[4]);
	assert_int_equal(hello[0], 0x16);
	assert_int_equal(hello[8], hello[4] - 4); /* the length of the ClientHello in the record */
}

static bool client_is_tunnelled(void)
{
	return frontend->clients && frontend->clients->exchange.state == EXCHANGE_TUNNEL;
}

static bool client_is_answered(void)
{
	return !frontend->clients || frontend->clients->state == CLIENT_LINGER;
}

static void check_answer(const char *expected)
{
	char answer[512] = "";

	run_until(client_is_answered);
	assert_true(read(at_client, answer, sizeof(answer) - 1) > 0);
	assert_int_equal(strncmp(answer, expected, strlen(expected)), 0);
}

static void tls_is_carried_to_a_worker_that_speaks_it(void **state)
{
	char bytes[64] = "";

	(void)state;
	at_client = connect_client(ROLE_HTTP, tls);
	accept_question();
	assert_int_equal(write(at_worker, alert, sizeof(alert) - 1), sizeof(alert) - 1);
	run_until(client_is_tunnelled);
	assert_int_equal(worker->protocol, PROTOCOL_TLS);
	drop(at_worker);
	at_worker = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	run_until(request_has_come);
	assert_int_equal(read(at_worker, bytes, sizeof(bytes) - 1), strlen(tls));
	assert_string_equal(bytes, tls);
}

static void tls_is_refused_where_http_is_spoken(void **state)
{
	(void)state;
	at_client = connect_client(ROLE_HTTP, tls);
	accept_question();
	say("HTTP/1.1 400 Bad Request\r\n\r\n");
	check_answer("HTTP/1.1 400 ");
	assert_int_equal(worker->protocol, PROTOCOL_HTTP);
	drop(at_client);
	at_client = connect_client(ROLE_HTTP, tls);
	check_answer("HTTP/1.1 400 "); /* it is known now */
}

static void who_answers_a_request_speaks_http(void **state)
{
	(void)state;
	ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	say("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno");
	run_until(client_is_idle);
	assert_int_equal(worker->protocol, PROTOCOL_HTTP);
}

/* Go's servers and nginx say so to plain HTTP at a port for TLS. */
static void a_400_says_nothing_of_the_protocol(void **state)
{
	(void)state;
	ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	say("HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno");
	run_until(client_is_idle);
	assert_int_equal(worker->protocol, PROTOCOL_UNKNOWN);
}

static void who_waits_for_a_worker_that_dies_is_answered(void **state)
{
	struct control_msg gone = { .type = CONTROL_WORKER, .worker = 2, .state = WORKER_DEAD };

	(void)state;
	at_client = connect_client(ROLE_HTTP, tls);
	accept_question();
	workers_update(backend, &gone);
	check_answer("HTTP/1.1 503 ");
}

static void tls_after_a_request_is_a_bad_one(void **state)
{
	(void)state;
	ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	run_until(client_is_idle_and_has_heard_all);
	assert_int_equal(write(at_client, tls, strlen(tls)), strlen(tls));
	check_answer("HTTP/1.1 400 ");
}

static void a_raw_connection_that_init_does_not_take_is_closed(void **state)
{
	char byte;
	int fd;

	(void)state;
	fd_close(&init_end);
	fd = connect_client(ROLE_RAW, "");
	run_until(client_is_gone);
	assert_int_equal(read(fd, &byte, 1), 0);
	(void)close(fd);
}

static void who_says_nothing_at_another_port_is_handed_over(void **state)
{
	int fd;

	(void)state;
	fd = connect_client(ROLE_RAW, "");
	assert_int_equal(handoffs(), 0);
	run_until(client_is_gone);
	assert_int_equal(handoffs(), 1);
	drop(fd);
}

/* Heads in pieces */

/* A connection over TCP; with a buffer that small a piece of a head leaves less than a segment's
 * room, and the kernel calls the socket readable whatever SO_RCVLOWAT says. */
static int connect_small_window(void)
{
	struct listener l = { .role = ROLE_HTTP };
	struct sockaddr_storage peer = { 0 };
	socklen_t len = sizeof(peer);
	int size = 1;
	auto_fd int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t a_len = sizeof(a);

	assert_int_equal(setsockopt(tcp, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
	assert_int_equal(bind(tcp, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(tcp, 1), 0);
	assert_int_equal(getsockname(tcp, (struct sockaddr *)&a, &a_len), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	sock_no_delay(fd);
	size = accept4(tcp, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(size >= 0);
	client_accept(frontend, &l, size, &peer);
	return fd;
}

static int connect_unix(void)
{
	return connect_client(ROLE_HTTP, "");
}

static size_t sent;

static bool all_is_peeked_at(void)
{
	return frontend->clients && frontend->clients->peeked == sent;
}

static void send_piece(const char *text)
{
	assert_int_equal(write(at_client, text, strlen(text)), strlen(text));
	sent += strlen(text);
	run_until(all_is_peeked_at);
	assert_true(is_deaf() || is_deaf()); /* what is known is told once, not for ever */
}

static bool is_asked(void)
{
	return worker->busy != NULL;
}

static const char filler[] =
    "X-Filler: 0123456789012345678901234567890123456789012345678901234567\r\n";

static void check_head_in_pieces(int (*connect_it)(void))
{
	sent = 0;
	at_client = connect_it();
	send_piece("GET / HTTP/1.1\r\nHo");
	send_piece("st: a\r\n");
	for (int i = 0; i < 9; i++)
		send_piece(filler);
	assert_int_equal(write(at_client, "\r\n", 2), 2);
	run_until(is_asked);
}

static void half_a_head_waits_for_the_rest(void **state)
{
	(void)state;
	check_head_in_pieces(connect_unix);
	client_close(frontend->clients, "over");
	fd_close(&at_client);
	check_head_in_pieces(connect_small_window);
}

static void half_a_head_and_the_end_are_no_request(void **state)
{
	int (*const kinds[])(void) = { connect_unix, connect_small_window };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		sent = 0;
		at_client = kinds[i]();
		send_piece("GET / HTTP/1.1\r\nHo");
		assert_int_equal(shutdown(at_client, SHUT_WR), 0);
		run_until(client_is_gone);
		fd_close(&at_client);
	}
}

static void a_head_that_comes_with_the_end_is_a_request(void **state)
{
	(void)state;
	sent = 0;
	at_client = connect_small_window();
	send_piece("GET / HTTP/1.1\r\nHo");
	assert_int_equal(write(at_client, "st: a\r\n\r\n", 9), 9);
	assert_int_equal(shutdown(at_client, SHUT_WR), 0);
	run_until(is_asked);
}

/* Nobody reads from it then, which must not mean that nobody hears its end. */
static bool nothing_is_read_from_client(void)
{
	char bytes[4096] = "";

	return write(at_client, bytes, sizeof(bytes)) < 0 && sock_blocked(&worker->busy->sock);
}

static bool has_come_through(void)
{
	return exchange_has_answered(&frontend->clients->exchange);
}

static void a_client_that_resets_is_heard_while_its_worker_takes_nothing(void **state)
{
	(void)state;
	ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n");
	say("HTTP/1.1 100 Continue\r\n\r\n"); /* unread: closing is a reset */
	run_until(has_come_through);
	run_until(nothing_is_read_from_client);
	assert_true(is_deaf());
	fd_close(&at_client);
	run_until(client_is_gone);
	check_nothing_is_kept();
}

static bool is_tunnel(void)
{
	return frontend->clients && frontend->clients->exchange.state == EXCHANGE_TUNNEL;
}

static void a_server_that_outlives_its_worker_may_change_protocols(void **state)
{
	static const char head[] = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
				   "Upgrade: websocket\r\n\r\nhello";
	struct control_msg gone = { .type = CONTROL_WORKER, .worker = 2, .state = WORKER_DEAD };

	(void)state;
	ask(upgrade);
	workers_update(backend, &gone);
	say(head);
	run_until(is_tunnel);
	hear();
	assert_true(heard >= strlen("hello"));
	fd_close(&at_worker);
	fd_close(&at_client);
}

static void a_worker_that_changes_protocols_and_resets_ends_the_connection(void **state)
{
	(void)state;
	ask(upgrade);
	say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "
	    "websocket\r\n\r\nhello");
	reset_by_worker();
	run_until(client_has_heard_all);
	hear();
	assert_true(heard >= strlen("hello"));
}

/* A 101 and more behind it than one read takes: what is behind is no answer. */
static void what_a_dead_worker_said_behind_a_change_of_protocols_is_no_answer(void **state)
{
	static const char head[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
				   "Connection: Upgrade\r\n\r\n",
			  next[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	static char bytes[SOCK_READ_MIN];
	struct control_msg gone = { .type = CONTROL_WORKER, .worker = 2, .state = WORKER_DEAD };

	(void)state;
	ask(upgrade);
	memset(bytes, 'x', sizeof(bytes));
	memcpy(bytes, head, sizeof(head) - 1);
	assert_int_equal(write(at_worker, bytes, sizeof(bytes)), sizeof(bytes));
	said = sizeof(bytes);
	say(next);
	workers_update(backend, &gone);
	fd_close(&at_worker);
	assert_true(is_tunnel());
	run_until(client_has_ended);
	assert_int_equal(heard, said);
}

static bool tunnel_is_half_closed_now(void)
{
	return frontend->clients && frontend->clients->exchange.state == EXCHANGE_HALF;
}

static void a_tunnel_has_less_time_as_soon_as_one_side_ends(void **state)
{
	(void)state;
	ask(upgrade);
	say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "
	    "websocket\r\n\r\n");
	run_until(is_tunnel);
	assert_ptr_equal(frontend->clients->exchange.deadline.list, NULL); /* for ever */
	assert_int_equal(shutdown(at_client, SHUT_WR), 0);
	exchange_on_client(&frontend->clients->exchange, UV_READABLE);
	assert_true(tunnel_is_half_closed_now());
	assert_ptr_equal(frontend->clients->exchange.deadline.list,
			 &frontend->deadlines[DEADLINE_PACE]);
}

static bool client_takes_the_rest(void)
{
	return frontend->clients && frontend->clients->state == CLIENT_REST;
}

static bool client_has_time_again(void)
{
	hear();
	return frontend->clients->deadline.at_ms != 1;
}

static void a_client_that_takes_the_rest_of_an_answer_slowly_has_time_for_each_piece(void **state)
{
	static char body[200000];
	int size = SLOW_OUT;

	(void)state;
	ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(
	    setsockopt(frontend->clients->sock.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	frontend->clients->sock.read_size = SOCK_READ_MAX;
	say("HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n");
	assert_int_equal(write(at_worker, body, sizeof(body)), sizeof(body));
	run_until(client_takes_the_rest);
	frontend->clients->deadline.at_ms = 1;
	run_until(client_has_time_again);
	assert_true(client_takes_the_rest());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#define TEST_OWN(name)                                                                             \
	cmocka_unit_test_setup_teardown(name, set_up_own_worker, tear_down_own_worker)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_upgrade_is_handed_over),
		TEST(an_upgrade_that_init_does_not_take_is_answered),
		TEST(who_waits_for_the_first_upgrade_is_handed_over),
		TEST(who_waits_for_an_upgrade_that_is_not_taken_is_tunnelled),
		TEST(who_waits_too_long_for_the_first_upgrade_is_tunnelled),
		TEST(a_request_that_reaches_no_worker_is_answered),
		TEST(a_raw_connection_that_init_does_not_take_is_closed),
		TEST(a_returned_connection_that_its_worker_keeps_is_let_go),
		TEST(one_that_is_returned_is_who_it_was),
		TEST(who_says_nothing_at_another_port_is_handed_over),
		TEST_OWN(tls_is_carried_to_a_worker_that_speaks_it),
		TEST_OWN(tls_is_refused_where_http_is_spoken),
		TEST_OWN(tls_after_a_request_is_a_bad_one),
		TEST_OWN(who_answers_a_request_speaks_http),
		TEST_OWN(a_400_says_nothing_of_the_protocol),
		TEST_OWN(who_waits_for_a_worker_that_dies_is_answered),
		TEST_OWN(a_final_head_in_two_pieces_is_followed_by_a_large_body),
		TEST_OWN(half_a_head_waits_for_the_rest),
		TEST_OWN(half_a_head_and_the_end_are_no_request),
		TEST_OWN(a_head_that_comes_with_the_end_is_a_request),
		TEST_OWN(a_client_that_resets_is_heard_while_its_worker_takes_nothing),
		TEST_OWN(a_worker_that_changes_protocols_and_resets_ends_the_connection),
		TEST_OWN(a_server_that_outlives_its_worker_may_change_protocols),
		TEST_OWN(what_a_dead_worker_said_behind_a_change_of_protocols_is_no_answer),
		TEST_OWN(a_tunnel_has_less_time_as_soon_as_one_side_ends),
		TEST_OWN(a_client_that_takes_the_rest_of_an_answer_slowly_has_time_for_each_piece),
		TEST_OWN(a_whole_answer_keeps_the_connection),
		TEST_OWN(a_connection_that_has_failed_is_not_kept),
		TEST_OWN(a_connection_with_half_a_request_is_not_kept),
		TEST_OWN(what_is_left_of_a_failed_connection_is_heard_by_a_slow_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
