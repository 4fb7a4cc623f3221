/* Balancing: what counts as load, who may be chosen, and what is left of a worker that is dead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "ipc/session_memory.h"
#include "router/backend/choose.h"
#include "router/backend/lifecycle.h"
#include "router/backend/load.h"
#include "router/backend/upstream.h"
#include "router/backend/workers.h"
#include "router/session/table.h"
#include "tests/unit/clock.h"

enum { NO_PROCESS = 0, WORKERS = 3, SESSIONS = 100, IDLE_MS = 1000, LATER_MS = 1000 };

static const struct router_conf conf; /* health checks: none */
static uv_loop_t uv;
static struct loop loop;
static struct control init_channel;
static struct backend backend;

static int setup(void **state)
{
	(void)state;
	assert_int_equal(uv_loop_init(&uv), 0);
	assert_int_equal(loop_init(&loop, &uv), 0);
	backend = (struct backend){
		.loop = &loop, .conf = &conf, .init = &init_channel, .shared = scoreboard_private()
	};
	assert_non_null(backend.shared);
	backend.board = backend.shared->routers;
	init_channel.ended = true; /* there is no init */
	load_init(&backend);
	upstreams_init(&backend);
	assert_int_equal(
	    sessions_open(session_memory_create(SESSIONS), SESSIONS, &backend.sessions), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	workers_free_all(&backend);
	load_deinit(&backend);
	upstreams_deinit(&backend);
	sessions_close(backend.sessions);
	scoreboard_unmap(backend.shared);
	loop_deinit(&loop);
	loop_turn(&uv);
	assert_int_equal(uv_loop_close(&uv), 0);
	return 0;
}

static struct worker *is_now(uint32_t id, uint32_t slot, pid_t pid, enum worker_state state)
{
	struct control_msg m = { .type = CONTROL_WORKER,
				 .worker = id,
				 .slot = slot,
				 .pid = (uint32_t)pid,
				 .style = WORKER_STYLE_LISTEN,
				 .state = state };

	counter_set(&backend.shared->rows[slot].pid, (uint64_t)pid); /* as init does */
	workers_update(&backend, &m);
	return workers_by_id(&backend, id);
}

static struct worker *is_ready(uint32_t id)
{
	return is_now(id, id - 1, NO_PROCESS, WORKER_READY);
}

static int setup_ready(void **state)
{
	setup(state);
	for (uint32_t id = 1; id <= WORKERS; id++)
		is_ready(id);
	return 0;
}

static struct worker *pick_except(const struct worker *except)
{
	return choose_least(&backend, except);
}

static struct worker *pick(void)
{
	return pick_except(NULL);
}

/* After @ms in which the timers of the loop went on. */
static struct worker *pick_after(uint64_t ms)
{
	loop_advance(&uv, ms);
	return pick();
}

static void open_session(struct worker *w, const char *sid)
{
	sessions_put(backend.sessions, str_of(sid), w->id, IDLE_MS, backend_now(&backend));
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

static void what_init_does_not_take_is_said_again(void **state)
{
	char packet[CONTROL_PACKET_MAX];
	struct control_msg m;
	ssize_t n;
	int sv[2];

	(void)state;
	init_channel.ended = true;
	is_now(1, 0, NO_PROCESS, WORKER_DRAINING);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	assert_int_equal(control_init(&init_channel, &uv, sv[0], &ops), 0);
	load_publish(&backend);
	control_flush(&init_channel);
	n = recv(sv[1], packet, sizeof(packet), MSG_DONTWAIT);
	assert_true(n > 0);
	assert_int_equal(control_decode((struct str){ packet, (size_t)n }, &m), 0);
	assert_int_equal(m.type, CONTROL_IDLE);
	assert_int_equal(m.worker, 1);
	load_publish(&backend);
	control_flush(&init_channel);
	assert_true(recv(sv[1], packet, sizeof(packet), MSG_DONTWAIT) < 0);
	control_close(&init_channel, NULL);
	loop_turn(&uv);
	(void)close(sv[1]);
}

/* Who may be chosen */

static void nobody_is_chosen_of_nobody(void **state)
{
	(void)state;
	assert_null(pick());
}

static void only_ready_workers_are_chosen(void **state)
{
	static const enum worker_state others[] = { WORKER_SPAWNED, WORKER_BOOTING, WORKER_DRAINING,
						    WORKER_STOPPING };

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		is_now(1, 0, NO_PROCESS, others[i]);
		assert_null(pick());
	}
	is_now(2, 1, NO_PROCESS, WORKER_READY);
	for (int i = 0; i < 5; i++)
		assert_int_equal(pick()->id, 2);
}

static void known_sessions_are_served_while_draining(void **state)
{
	(void)state;
	is_now(1, 0, NO_PROCESS, WORKER_BOOTING); /* another router knows more */
	assert_int_equal(workers_serving(&backend, 1)->id, 1);
	is_ready(1);
	assert_int_equal(workers_serving(&backend, 1)->id, 1);
	is_now(1, 0, NO_PROCESS, WORKER_DRAINING);
	assert_int_equal(workers_serving(&backend, 1)->id, 1);
	is_now(1, 0, NO_PROCESS, WORKER_STOPPING);
	assert_null(workers_serving(&backend, 1));
	assert_null(workers_serving(&backend, 0));
	assert_null(workers_serving(&backend, 9));
}

static void a_state_from_the_future_is_not_chosen(void **state)
{
	(void)state;
	is_now(1, 0, NO_PROCESS, (enum worker_state)1000);
	assert_null(pick());
	assert_null(workers_serving(&backend, 1));
}

static void the_exception_is_chosen_only_when_alone(void **state)
{
	struct worker *w = workers_by_id(&backend, 1);

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_ptr_not_equal(pick_except(w), w);
	is_now(2, 1, NO_PROCESS, WORKER_STOPPING);
	is_now(3, 2, NO_PROCESS, WORKER_DEAD);
	assert_ptr_equal(pick_except(w), w);
}

/* Load */

static void ties_go_round(void **state)
{
	unsigned times[WORKERS + 1] = { 0 };
	struct worker *last = NULL;

	(void)state;
	for (int i = 0; i < 9; i++) {
		struct worker *w = pick();

		assert_ptr_not_equal(w, last);
		times[w->id]++;
		last = w;
	}
	for (uint32_t id = 1; id <= WORKERS; id++)
		assert_int_equal(times[id], 3);
}

static void a_burst_spreads_by_what_was_assigned(void **state)
{
	unsigned times[WORKERS + 1] = { 0 };

	(void)state;
	for (int i = 0; i < 2; i++)
		load_assigned(workers_by_id(&backend, 2));
	for (int i = 0; i < 13; i++) {
		struct worker *w = pick();

		load_assigned(w);
		times[w->id]++;
	}
	assert_int_equal(times[1], 5);
	assert_int_equal(times[2], 3);
	assert_int_equal(times[3], 5);
}

static void the_least_loaded_is_chosen(void **state)
{
	struct worker *a = workers_by_id(&backend, 1), *b = workers_by_id(&backend, 2),
		      *c = workers_by_id(&backend, 3);

	(void)state;
	open_session(a, "a1");
	open_session(a, "a2");
	b->in_flight = 3;
	load_assigned(c);
	assert_ptr_equal(pick(), c);
	c->in_flight = 2;
	assert_ptr_equal(pick(), a);
	sessions_remove(backend.sessions, STR("a1"));
	assert_ptr_equal(pick(), a);
	b->in_flight = 0;
	assert_ptr_equal(pick(), b);
}

static void expired_sessions_are_no_load(void **state)
{
	struct worker *a = workers_by_id(&backend, 1);

	(void)state;
	open_session(a, "1");
	open_session(a, "2");
	workers_by_id(&backend, 2)->in_flight = 1;
	workers_by_id(&backend, 3)->in_flight = 1;
	assert_ptr_not_equal(pick_after(IDLE_MS - 1), a);
	assert_ptr_equal(pick_after(2), a);
	assert_int_equal(sessions_count(backend.sessions), 0);
}

static void what_was_assigned_long_ago_is_no_load(void **state)
{
	struct worker *a = workers_by_id(&backend, 1);

	(void)state;
	assert_non_null(pick());
	for (int i = 0; i < 1000; i++)
		load_assigned(a);
	workers_by_id(&backend, 2)->in_flight = 1;
	workers_by_id(&backend, 3)->in_flight = 1;
	assert_ptr_not_equal(pick(), a);
	assert_ptr_equal(pick_after(LATER_MS), a);
}

/* Two routers: @other's part of the same scoreboard, with the worker of slot @id - 1. */
static struct scoreboard_share *share(unsigned other, uint32_t id)
{
	counter_set(&backend.shared->n_routers, ROUTERS_MAX);
	return &backend.shared->routers[other].shares[id - 1];
}

static void what_another_router_does_is_load(void **state)
{
	unsigned times[WORKERS + 1] = { 0 };

	(void)state;
	counter_set(&share(1, 1)->handoffs, 1000); /* before we were there: no load */
	assert_non_null(pick());
	counter_set(&share(1, 1)->in_flight, 2);
	counter_add(&share(2, 1)->handoffs, 1);
	counter_set(&share(2, 2)->in_flight, 3);
	for (int i = 0; i < 6; i++) {
		struct worker *w = pick();

		load_assigned(w);
		times[w->id]++;
	}
	assert_int_equal(times[3], 4);
	assert_int_equal(times[1] + times[2], 2);
}

static void a_router_that_has_died_is_no_load(void **state)
{
	(void)state;
	counter_set(&backend.shared->wanted, WORKERS);
	counter_set(&share(1, 1)->in_flight, 1);
	counter_set(&share(1, 2)->in_flight, 1);
	counter_set(&share(1, 3)->in_flight, 1);
	workers_by_id(&backend, 1)->in_flight = 1;
	workers_by_id(&backend, 3)->in_flight = 1;
	assert_int_equal(pick()->id, 2);
	scoreboard_router_ended(backend.shared, 1);
	assert_int_equal(counter_get(&share(1, 1)->in_flight), 0);
	counter_set(&share(2, 2)->in_flight, 2);
	assert_int_not_equal(pick()->id, 2);
}

static void the_routers_agree_on_what_are_no_clients(void **state)
{
	struct scoreboard *b = backend.shared;

	(void)state;
	assert_int_equal(scoreboard_claim_base(b, 0, 10, 20), 20);
	assert_int_equal(scoreboard_claim_base(b, 0, 10, 25), 25);
	counter_set(&share(1, 1)->handoffs, 1);
	assert_int_equal(scoreboard_claim_base(b, 0, 10, 30), 25);
	assert_int_equal(scoreboard_claim_base(b, 0, 11, 35), 35);
	counter_set(&b->rows[0].pending, 1);
	assert_int_equal(scoreboard_claim_base(b, 0, 11, 40), 35);
}

static void published_numbers_are_sums(void **state)
{
	struct worker *w = workers_by_id(&backend, 1);
	size_t requests = offsetof(struct scoreboard_share, requests);

	(void)state;
	counter_set(&share(1, 1)->requests, 40);
	load_asked(w);
	load_asked(w);
	open_session(w, "a");
	load_publish(&backend);
	assert_int_equal(scoreboard_slot_total(backend.shared, 0, requests), 42);
	assert_int_equal(counter_get(&backend.shared->rows[0].sessions), 1);
}

static void published_sessions_come_and_go(void **state)
{
	struct worker *a = workers_by_id(&backend, 1), *b = workers_by_id(&backend, 2);
	const struct scoreboard_row *rows = backend.shared->rows;

	(void)state;
	open_session(a, "a");
	open_session(b, "b");
	load_publish(&backend);
	assert_int_equal(counter_get(&rows[0].sessions), 1);
	sessions_remove(backend.sessions, STR("b"));
	load_publish(&backend);
	assert_int_equal(counter_get(&rows[0].sessions), 1);
	assert_int_equal(counter_get(&rows[1].sessions), 0);
	assert_non_null(pick_after(IDLE_MS + 1)); /* what has expired goes */
	load_publish(&backend);
	assert_int_equal(counter_get(&rows[0].sessions), 0);
}

/* During a reload the predecessor has the row. */
static void what_is_published_waits_for_the_row(void **state)
{
	struct worker *w = workers_by_id(&backend, 1);
	const struct scoreboard_share *ours = &backend.board->shares[0];
	counter *pid = &backend.shared->rows[0].pid;

	(void)state;
	load_publish(&backend);
	counter_set(pid, 77);
	w->in_flight = 2;
	worker_has_news(w);
	load_publish(&backend);
	load_publish(&backend);
	assert_int_equal(counter_get(&ours->in_flight), 0);
	counter_set(pid, NO_PROCESS);
	load_publish(&backend);
	assert_int_equal(counter_get(&ours->in_flight), 2);
	w->in_flight = 0;
}

/* Counting descriptors needs Linux 6.2. */
static void skip_without_counts(void)
{
	struct stat st;

	if (stat("/proc/self/fd", &st) < 0 || st.st_size == 0)
		skip();
}

static void open_sockets_are_load(void **state)
{
	int sockets[10];
	struct worker *busy, *idle;

	(void)state;
	skip_without_counts();
	busy = is_now(1, 0, getpid(), WORKER_READY);
	idle = is_now(2, 1, NO_PROCESS, WORKER_READY);
	load_assigned(busy);
	for (size_t i = 0; i < 10; i++)
		sockets[i] = dup(STDERR_FILENO);
	idle->in_flight = 5;
	assert_non_null(pick()); /* counts soon */
	assert_ptr_equal(pick_after(LATER_MS), idle);
	for (size_t i = 0; i < 10; i++)
		fd_close(&sockets[i]);
	assert_ptr_equal(pick_after(LATER_MS), busy);
}

static void what_it_opens_before_it_has_clients_is_no_load(void **state)
{
	struct worker *busy;
	int opened;

	(void)state;
	skip_without_counts();
	busy = is_now(1, 0, getpid(), WORKER_READY);
	is_now(2, 1, NO_PROCESS, WORKER_READY)->in_flight = 1;
	opened = dup(STDERR_FILENO);
	assert_ptr_equal(pick(), busy);
	assert_ptr_equal(pick_after(LATER_MS), busy);
	load_assigned(busy);
	assert_ptr_equal(pick_after(LATER_MS), busy);
	fd_close(&opened);
}

static void our_own_connections_are_not_counted_twice(void **state)
{
	struct worker *w;
	auto_fd int upstream = -1;

	(void)state;
	skip_without_counts();
	w = is_now(1, 0, getpid(), WORKER_READY);
	is_now(2, 1, NO_PROCESS, WORKER_READY)->in_flight = 1;
	upstream = dup(STDERR_FILENO);
	w->n_upstreams = 1;
	assert_ptr_equal(pick(), w);
	assert_ptr_equal(pick_after(LATER_MS), w);
	w->n_upstreams = 0;
}

/* Death */

static void the_dead_leave_nothing(void **state)
{
	(void)state;
	open_session(workers_by_id(&backend, 1), "a");
	open_session(workers_by_id(&backend, 2), "b");
	is_now(1, 0, NO_PROCESS, WORKER_DEAD);
	assert_null(workers_by_id(&backend, 1));
	assert_null(workers_serving(&backend, 1));
	assert_int_equal(sessions_find(backend.sessions, STR("a"), backend_now(&backend)), 0);
	assert_int_equal(sessions_find(backend.sessions, STR("b"), backend_now(&backend)), 2);
	for (int i = 0; i < 6; i++)
		assert_int_not_equal(pick()->id, 1);
}

static void a_strangers_death_is_no_news(void **state)
{
	(void)state;
	is_now(77, 0, NO_PROCESS, WORKER_DEAD);
	assert_null(workers_by_id(&backend, 77));
	assert_int_equal(backend.n_ready, WORKERS);
}

static void the_successor_starts_from_nothing(void **state)
{
	struct worker *w = workers_by_id(&backend, 1);

	(void)state;
	for (int i = 0; i < 50; i++)
		load_assigned(w);
	is_now(1, 0, NO_PROCESS, WORKER_DEAD);
	is_now(4, 0, NO_PROCESS, WORKER_READY);
	workers_by_id(&backend, 2)->in_flight = 1;
	workers_by_id(&backend, 3)->in_flight = 1;
	assert_int_equal(pick()->id, 4);
}

static void the_last_ones_death_leaves_nobody(void **state)
{
	(void)state;
	for (uint32_t id = 1; id <= WORKERS; id++)
		is_now(id, id - 1, NO_PROCESS, WORKER_DEAD);
	assert_null(pick());
	assert_int_equal(backend.n_ready, 0);
}

#define EMPTY(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define READY(test) cmocka_unit_test_setup_teardown(test, setup_ready, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EMPTY(nobody_is_chosen_of_nobody),
		EMPTY(what_init_does_not_take_is_said_again),
		EMPTY(only_ready_workers_are_chosen),
		EMPTY(known_sessions_are_served_while_draining),
		EMPTY(a_state_from_the_future_is_not_chosen),
		READY(the_exception_is_chosen_only_when_alone),
		READY(ties_go_round),
		READY(a_burst_spreads_by_what_was_assigned),
		READY(the_least_loaded_is_chosen),
		READY(expired_sessions_are_no_load),
		READY(what_was_assigned_long_ago_is_no_load),
		READY(what_another_router_does_is_load),
		READY(a_router_that_has_died_is_no_load),
		EMPTY(the_routers_agree_on_what_are_no_clients),
		READY(published_numbers_are_sums),
		READY(published_sessions_come_and_go),
		READY(what_is_published_waits_for_the_row),
		EMPTY(what_it_opens_before_it_has_clients_is_no_load),
		EMPTY(open_sockets_are_load),
		EMPTY(our_own_connections_are_not_counted_twice),
		READY(the_dead_leave_nothing),
		READY(a_strangers_death_is_no_news),
		READY(the_successor_starts_from_nothing),
		READY(the_last_ones_death_leaves_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
