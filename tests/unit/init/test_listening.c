/* Which server of a worker is the public one, and what becomes of the others. The worker is this
 * test; its places are real. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "init/listen/frontend.h"
#include "init/worker/listening.h"
#include "init/worker/worker.h"
#include "tests/unit/clock.h"
#include "tests/unit/init/owner.h"

enum { PUBLIC = 8080, ADMIN = 9090 };

static struct config config;
static uv_loop_t loop;
static struct hub hub;
static struct places places;
static struct frontend frontend;
static struct worker *w;
static int peer, seq;
static unsigned n_opened, n_closed, n_changed;

static void on_server(struct worker *worker, struct place *pl, bool opened)
{
	(void)worker;
	(void)pl;
	n_opened += opened;
	n_closed += !opened;
}

static void on_place(struct worker *worker, struct place *pl)
{
	(void)worker;
	(void)pl;
	n_changed++;
}

static const struct worker_ops ops = { owner_on_state,    owner_on_state,
				       owner_on_handback, owner_on_client_taken,
				       owner_on_session,  on_server,
				       on_place,          owner_on_metrics,
				       owner_is_relayed,  owner_on_group_ended };

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	assert_int_equal(write(peer, text, strlen(text)), strlen(text));
	loop_turn(&loop);
}

static const char *heard(void)
{
	static char got[64 << 10];
	ssize_t n = read(peer, got, sizeof(got) - 1);

	got[n > 0 ? n : 0] = '\0';
	return got;
}

static void pass(uint64_t ms)
{
	loop_advance(&loop, ms);
}

static void assert_state(enum worker_state wanted)
{
	assert_string_equal(worker_state_name(w->state), worker_state_name(wanted));
}

/* "null" or a quoted address. The number its server is closed by. */
static int ask(const char *address, int port)
{
	say("{\"cmd\":\"NODE_CLUSTER\",\"act\":\"queryServer\",\"address\":%s,\"port\":%d,"
	    "\"addressType\":4,\"index\":0,\"data\":null,\"seq\":%d}\n",
	    address, port, ++seq);
	return seq;
}

static int listen_at(const char *address, int port)
{
	int key = ask(address, port);

	say("{\"cmd\":\"NODE_CLUSTER\",\"act\":\"listening\",\"address\":%s,\"port\":%d,"
	    "\"addressType\":4,\"index\":0,\"seq\":0}\n",
	    address, port);
	return key;
}

static void close_server(int key)
{
	say("{\"cmd\":\"NODE_CLUSTER\",\"act\":\"close\",\"key\":\"k%d\",\"seq\":0}\n", key);
}

/* Free at any address. */
static int free_port(void)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);
	auto_fd int fd = listen_tcp("", 0, 0);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	return socket_port(&a);
}

static void start_worker(void)
{
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	assert_int_equal(fd_set_nonblock(sv[1]), 0);
	peer = sv[1];
	w = calloc(1, sizeof(*w));
	assert_non_null(w);
	*w = (struct worker){ .ops = &ops,
			      .config = &config,
			      .places = &places,
			      .frontend = &frontend,
			      .has_channel = true,
			      .id = 1,
			      .pid = getpid(),
			      .app = getpid() };
	assert_int_equal(worker_init(w, &loop, sv[0], &hub, false), 0);
	say("{\"cmd\":\"NODE_CLUSTER\",\"act\":\"online\",\"seq\":0}\n");
}

static void end_worker(void)
{
	w->pid = 0;
	worker_close(w);
	fd_close(&peer);
	loop_turn(&loop);
}

static int setup(void **state)
{
	(void)state;
	config =
	    (struct config){ .port = PUBLIC, .ready_timeout_ms = 60000, .stop_timeout_ms = 10000 };
	config.admin.port = ADMIN;
	places = (struct places){ 0 };
	n_opened = n_closed = n_changed = 0;
	seq = 0;
	assert_int_equal(uv_loop_init(&loop), 0);
	hub_init(&hub, SERIAL_JSON, 64 << 20, 0);
	start_worker();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	end_worker();
	assert_null(places.list);
	assert_int_equal(n_opened, n_closed);
	assert_int_equal(uv_loop_close(&loop), 0);
	return 0;
}

/* Who is public */

static void one_that_asks_for_the_port_is_public_at_once(void **state)
{
	(void)state;
	(void)listen_at("null", PUBLIC);
	assert_state(WORKER_READY);
	assert_int_equal(w->style, WORKER_STYLE_LISTEN);
	assert_non_null(listening_server(w, 0));
	assert_null(places.list);
}

static void one_at_another_port_waits_and_is_public_then(void **state)
{
	int port = free_port();

	(void)state;
	(void)listen_at("null", port);
	pass(SUBSTITUTE_MS - 1);
	assert_state(WORKER_BOOTING);
	assert_null(listening_server(w, 0));
	assert_int_equal(n_opened, 1); /* its own place is there from the first moment */
	pass(1);
	assert_state(WORKER_READY);
	assert_non_null(listening_server(w, 0));
	assert_int_equal(n_changed, 1);
	assert_true(places.list->is_http);
}

static void the_next_worker_need_not_wait(void **state)
{
	int port = free_port();

	(void)state;
	(void)listen_at("null", port);
	pass(SUBSTITUTE_MS);
	end_worker();
	start_worker();
	(void)listen_at("null", free_port());
	assert_state(WORKER_BOOTING);
	(void)listen_at("null", port);
	assert_state(WORKER_READY);
	assert_int_equal(listening_server(w, 0)->place->port, port);
}

static void one_that_comes_in_time_is_the_only_one(void **state)
{
	(void)state;
	(void)listen_at("null", free_port());
	pass(SUBSTITUTE_MS - 1);
	(void)listen_at("\"127.0.0.1\"", PUBLIC);
	assert_state(WORKER_READY);
	assert_null(listening_server(w, 0)->place);
	assert_int_equal(n_changed, 0);
	pass(SUBSTITUTE_MS);
	assert_null(listening_server(w, 0)->place);
}

static void one_that_comes_late_takes_over(void **state)
{
	(void)state;
	(void)listen_at("null", free_port());
	pass(SUBSTITUTE_MS);
	assert_true(places.list->is_http);
	(void)listen_at("null", PUBLIC);
	assert_null(listening_server(w, 0)->place);
	assert_false(places.list->is_http);
	assert_state(WORKER_READY);
}

static void an_app_that_knows_the_port_has_no_substitute(void **state)
{
	(void)state;
	(void)listen_at("null", PUBLIC);
	end_worker();
	start_worker();
	(void)listen_at("null", free_port());
	pass(10 * SUBSTITUTE_MS);
	assert_state(WORKER_BOOTING);
	(void)listen_at("null", PUBLIC);
	assert_state(WORKER_READY);
}

static void loopback_and_port_0_are_never_public(void **state)
{
	(void)state;
	(void)listen_at("\"127.0.0.1\"", free_port());
	(void)ask("null", 0);
	say("{\"cmd\":\"NODE_CLUSTER\",\"act\":\"listening\",\"address\":null,\"port\":%d,"
	    "\"addressType\":4,\"index\":0,\"seq\":0}\n",
	    (int)places.list->actual_port);
	pass(10 * SUBSTITUTE_MS);
	assert_state(WORKER_BOOTING);
	assert_null(listening_server(w, 0));
}

static void setup_worker_comes_before_another_port(void **state)
{
	(void)state;
	(void)listen_at("null", free_port());
	assert_int_equal(w->style, WORKER_STYLE_STICKY); /* so that the router asks */
	worker_answered(w, WORKER_STYLE_STICKY, false);
	assert_state(WORKER_READY);
	pass(10 * SUBSTITUTE_MS);
	assert_int_equal(w->style, WORKER_STYLE_STICKY);
	assert_int_equal(n_changed, 0);
}

static void silence_is_no_setup_worker_where_there_is_another_port(void **state)
{
	(void)state;
	(void)listen_at("null", free_port());
	worker_answered(w, WORKER_STYLE_STICKY, true);
	assert_state(WORKER_BOOTING);
	pass(SUBSTITUTE_MS);
	assert_state(WORKER_READY);
	assert_int_equal(w->style, WORKER_STYLE_LISTEN);
}

static void the_port_comes_before_setup_worker_and_after_it_again(void **state)
{
	int key;

	(void)state;
	worker_answered(w, WORKER_STYLE_STICKY, false);
	key = listen_at("null", PUBLIC);
	assert_int_equal(w->style, WORKER_STYLE_LISTEN);
	close_server(key);
	assert_state(WORKER_READY);
	assert_int_equal(w->style, WORKER_STYLE_STICKY);
}

static void ready_may_be_said_before_the_server_listens(void **state)
{
	(void)state;
	config.wait_ready = true;
	(void)ask("null", PUBLIC);
	say("\"ready\"\n");
	assert_state(WORKER_BOOTING);
	say("{\"cmd\":\"NODE_CLUSTER\",\"act\":\"listening\",\"address\":null,\"port\":%d,"
	    "\"addressType\":4,\"index\":0,\"seq\":0}\n",
	    PUBLIC);
	assert_state(WORKER_READY);
	assert_int_equal(w->style, WORKER_STYLE_LISTEN);
}

/* Closing */

static void a_second_server_at_the_port_takes_over(void **state)
{
	int first = listen_at("\"127.0.0.1\"", PUBLIC);
	int second = listen_at("\"127.0.0.2\"", PUBLIC);

	(void)state;
	close_server(first);
	assert_state(WORKER_READY);
	assert_non_null(listening_server(w, 0));
	close_server(second);
	assert_state(WORKER_CLOSED);
	assert_null(listening_server(w, 0));
}

static void the_same_address_twice_is_in_use(void **state)
{
	(void)state;
	(void)listen_at("\"127.0.0.1\"", PUBLIC);
	(void)heard();
	(void)ask("null", PUBLIC);
	assert_non_null(strstr(heard(), "\"errno\":-98"));
	(void)ask("\"127.0.0.1\"", PUBLIC);
	assert_non_null(strstr(heard(), "\"errno\":-98"));
	(void)ask("\"127.0.0.2\"", PUBLIC);
	assert_non_null(strstr(heard(), "\"key\""));
}

static void other_ports_come_and_go_as_they_like(void **state)
{
	int port = free_port(), key;

	(void)state;
	(void)listen_at("null", PUBLIC);
	for (int i = 0; i < 3; i++) {
		key = listen_at("\"127.0.0.1\"", port);
		assert_int_equal(places.n, 1);
		close_server(key);
		assert_int_equal(places.n, 0);
	}
	assert_state(WORKER_READY);
	assert_int_equal(n_opened, 3);
}

static void a_substitute_that_is_opened_again_is_known(void **state)
{
	int port = free_port(), key = listen_at("null", port);

	(void)state;
	pass(SUBSTITUTE_MS);
	close_server(key);
	assert_state(WORKER_CLOSED);
	(void)listen_at("null", port);
	assert_state(WORKER_READY);
	assert_true(places.list->is_http);
}

static void workers_at_ports_of_their_own_share_none(void **state)
{
	struct worker *first = w;
	int first_peer = peer;

	(void)state;
	(void)listen_at("null", free_port());
	pass(SUBSTITUTE_MS);
	assert_true(places.list->is_http);
	start_worker();
	(void)listen_at("null", free_port());
	pass(SUBSTITUTE_MS);
	assert_state(WORKER_READY);
	assert_int_equal(places.n, 2);
	assert_false(places.list->is_http);
	assert_false(places.list->next->is_http);
	end_worker();
	w = first;
	peer = first_peer;
}

static void one_that_disconnects_opens_nothing_more(void **state)
{
	(void)state;
	(void)listen_at("null", PUBLIC);
	say("{\"cmd\":\"NODE_CLUSTER\",\"act\":\"exitedAfterDisconnect\",\"seq\":7}\n");
	(void)ask("\"127.0.0.1\"", free_port());
	assert_int_equal(places.n, 0);
}

/* What it is told */

static void servers_know_their_address(void **state)
{
	(void)state;
	(void)heard();
	(void)ask("\"127.0.0.1\"", free_port());
	assert_non_null(strstr(heard(), "\"address\":\"127.0.0.1\",\"family\":\"IPv4\""));
	(void)ask("\"127.0.0.1\"", PUBLIC);
	assert_non_null(strstr(heard(), "\"address\":\"127.0.0.1\",\"family\":\"IPv4\""));
	(void)ask("\"::1\"", PUBLIC);
	assert_non_null(strstr(heard(), "\"address\":\"::1\",\"family\":\"IPv6\""));
}

#define LISTENING(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LISTENING(one_that_asks_for_the_port_is_public_at_once),
		LISTENING(one_at_another_port_waits_and_is_public_then),
		LISTENING(the_next_worker_need_not_wait),
		LISTENING(one_that_comes_in_time_is_the_only_one),
		LISTENING(one_that_comes_late_takes_over),
		LISTENING(an_app_that_knows_the_port_has_no_substitute),
		LISTENING(loopback_and_port_0_are_never_public),
		LISTENING(setup_worker_comes_before_another_port),
		LISTENING(silence_is_no_setup_worker_where_there_is_another_port),
		LISTENING(the_port_comes_before_setup_worker_and_after_it_again),
		LISTENING(ready_may_be_said_before_the_server_listens),
		LISTENING(a_second_server_at_the_port_takes_over),
		LISTENING(the_same_address_twice_is_in_use),
		LISTENING(other_ports_come_and_go_as_they_like),
		LISTENING(a_substitute_that_is_opened_again_is_known),
		LISTENING(workers_at_ports_of_their_own_share_none),
		LISTENING(one_that_disconnects_opens_nothing_more),
		LISTENING(servers_know_their_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
