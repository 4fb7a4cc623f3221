/* The watch over the workers: slow, hanging, old, large, much used. Each tick is made by the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utlist.h>

#include "base/fd.h"
#include "init/supervisor/core.h"
#include "init/supervisor/switchboard.h"
#include "init/worker/worker.h"
#include "tests/unit/clock.h"
#include "tests/unit/init/owner.h"

enum { TICK_MS = 1000, LAG_MS = 2500, HANG_MS = 5000, LONG_MS = 3600000, CROWD = 42 };

#define ONLINE "{\"cmd\":\"NODE_CLUSTER\",\"act\":\"online\",\"seq\":0}\n"
#define USER_READY "\"ready\"\n"
#define PONG "{\"cmd\":\"NODE_HANDLE_NACK\"}\n"

static struct config config;
static struct init in;
static struct slot slot;
static struct worker *w, another;
static int peer;

static const struct worker_ops ops = OWNER_OPS(owner_on_handback);

/* It blocks SIGUSR1, so that one it has got can be seen. */
static pid_t start_process(void)
{
	sigset_t usr1, before;
	pid_t pid;

	(void)sigemptyset(&usr1);
	(void)sigaddset(&usr1, SIGUSR1);
	(void)sigprocmask(SIG_BLOCK, &usr1, &before);
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			(void)pause();
	}
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	assert_true(pid > 0);
	assert_int_equal(setpgid(pid, pid), 0);
	return pid;
}

static bool has_got_usr1(void)
{
	char path[32], line[128];
	unsigned long long pending = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)w->pid);
	f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "ShdPnd: %llx", &pending) == 1)
			break;
	(void)fclose(f);
	return pending >> (SIGUSR1 - 1) & 1;
}

static int wait_for_end(void)
{
	int status;

	assert_int_equal(waitpid(w->pid, &status, 0), w->pid);
	assert_true(WIFSIGNALED(status));
	w->pid = 0;
	return WTERMSIG(status);
}

static void say(const char *text)
{
	assert_int_equal(write(peer, text, strlen(text)), strlen(text));
	loop_turn(&in.loop);
}

static void start_worker(void)
{
	pid_t pid = start_process();
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	peer = sv[1];
	w = calloc(1, sizeof(*w));
	assert_non_null(w);
	*w = (struct worker){ .ops = &ops,
			      .owner = &in,
			      .config = &config,
			      .places = &in.places,
			      .has_channel = true,
			      .answers_pings = true,
			      .id = 12, /* its limits are as they are set: see spread() */
			      .pid = pid,
			      .started_ms = uv_now(&in.loop) };
	assert_int_equal(worker_init(w, &in.loop, sv[0], &in.hub, false), 0);
	slot = (struct slot){ .pool = &in.pool, .state = SLOT_SERVING, .worker = w };
	in.pool.slots[0] = &slot;
	in.context.wanted = in.pool.n_workers = 1;
	DL_APPEND(in.pool.workers, w);
	say(ONLINE);
	say(PONG);
	say(USER_READY);
	assert_int_equal(w->state, WORKER_READY);
}

/* What is to be replaced waits for another, which never ends. */
static int setup(void **state)
{
	(void)state;
	clock_cpu_rests = false;
	config = (struct config){ .workers = { .kind = WORKERS_FIXED, .n = 1 },
				  .ping_interval_ms = TICK_MS,
				  .lag_warn_ms = LAG_MS,
				  .hang_timeout_ms = HANG_MS,
				  .worker_health_path = "/well",
				  .drain_time_ms = LONG_MS,
				  .stop_timeout_ms = 2 * LONG_MS };
	in = (struct init){ .config = &config };
	assert_int_equal(uv_loop_init(&in.loop), 0);
	in.board = scoreboard_private();
	assert_non_null(in.board);
	hub_init(&in.hub, SERIAL_JSON, 64 << 20, 0);
	in.context = (struct worker_context){
		.loop = &in.loop, .config = &config, .terminal = &in.terminal, .board = in.board
	};
	pool_init(&in.pool, &in.context, &in.memory, &ops, &switchboard_pool_ops, &in);
	in.pool.reload = (struct reload){ .state = RELOAD_DRAINING, .old = &another };
	start_worker();
	monitor_start(&in.monitor, &in.pool);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (w->pid) {
		(void)kill(w->pid, SIGKILL);
		(void)wait_for_end();
	}
	worker_close(w);
	fd_close(&peer);
	uv_close((uv_handle_t *)&in.monitor.tick, NULL);
	loop_turn(&in.loop);
	assert_int_equal(uv_loop_close(&in.loop), 0);
	scoreboard_unmap(in.board);
	return 0;
}

static void tick(unsigned n)
{
	while (n--)
		loop_advance(&in.loop, TICK_MS);
}

static void assert_state(enum worker_state wanted)
{
	assert_string_equal(worker_state_name(w->state), worker_state_name(wanted));
}

/* Silence begins with the first tick: it asks. */

static void a_slow_one_is_suspect_until_it_answers_in_time(void **state)
{
	(void)state;
	tick(1);
	tick(2);
	assert_state(WORKER_READY);
	tick(1);
	assert_state(WORKER_SUSPECT);
	assert_int_equal(counter_get(&in.board->rows[0].lag_ms), 3000);
	say(PONG);
	tick(1); /* the last answer was late */
	assert_state(WORKER_SUSPECT);
	say(PONG);
	tick(1);
	assert_state(WORKER_READY);
	assert_int_equal(counter_get(&in.board->rows[0].lag_ms), 0);
}

static void a_hanging_one_is_killed(void **state)
{
	(void)state;
	tick(1);
	tick(4);
	assert_false(w->killed);
	tick(1);
	assert_true(w->killed);
	tick(1); /* its end is not known yet */
	assert_int_equal(counter_get(&in.board->hangs), 1);
	assert_int_equal(wait_for_end(), SIGKILL);
}

static void is_asked_to_say_where_it_hangs_first(void **state)
{
	(void)state;
	config.hang_signal = SIGUSR1;
	tick(1);
	tick(4);
	assert_false(has_got_usr1());
	tick(1);
	assert_true(has_got_usr1());
	assert_false(w->killed);
	tick(1);
	assert_true(w->killed);
	assert_int_equal(wait_for_end(), SIGKILL);
}

static void one_that_comes_back_is_not_killed(void **state)
{
	(void)state;
	config.hang_signal = SIGUSR1;
	tick(1);
	tick(5);
	assert_true(has_got_usr1());
	say(PONG);
	tick(5);
	assert_false(w->killed);
	tick(1);
	assert_false(w->killed); /* asked again first */
	tick(1);
	assert_true(w->killed);
}

static void no_limit_is_no_limit(void **state)
{
	(void)state;
	config.lag_warn_ms = config.hang_timeout_ms = 0;
	tick(100);
	assert_state(WORKER_READY);
	assert_false(w->killed);
	assert_null(slot.replace_why);
}

static void a_late_tick_judges_nobody(void **state)
{
	(void)state;
	tick(1);
	loop_advance(&in.loop, LONG_MS); /* suspended, say */
	assert_state(WORKER_READY);
	assert_false(w->killed);
	say(PONG);
	w->lag_ms = 0;
	tick(1);
	assert_state(WORKER_READY);
	assert_false(w->killed);
}

/* How many pings it gets in @n ticks, and answers at once. */
static unsigned pings_in(unsigned n)
{
	unsigned pings = 0;
	char bytes[4096];

	while (n-- > 0) {
		tick(1);
		if (recv(peer, bytes, sizeof(bytes), MSG_DONTWAIT) <= 0)
			continue;
		pings++;
		say(PONG);
	}
	return pings;
}

static void one_that_nobody_talks_to_is_asked_less_often(void **state)
{
	struct scoreboard_share *share = &in.board->routers[0].shares[0];

	(void)state;
	config.hang_timeout_ms = LONG_MS;
	(void)pings_in(4);
	assert_int_equal(pings_in(8), 8);
	clock_cpu_rests = true;
	(void)pings_in(4);
	assert_int_equal(pings_in(8), 2);
	for (unsigned i = 0; i < 8; i++) {
		counter_add(i % 2 ? &share->requests : &share->handoffs, 1);
		assert_int_equal(pings_in(1), 1);
	}
	(void)pings_in(4);
	w->lag_ms = 20; /* not at once */
	assert_int_equal(pings_in(1), 1);
	clock_cpu_rests = false; /* it hangs, perhaps */
	assert_int_equal(pings_in(1), 1);
}

static void but_often_enough_to_find_it_hanging_in_time(void **state)
{
	(void)state;
	clock_cpu_rests = true;
	config.hang_timeout_ms = 2 * 4 * TICK_MS;
	(void)pings_in(4);
	assert_int_equal(pings_in(8), 4);
	config.hang_timeout_ms = TICK_MS;
	assert_int_equal(pings_in(8), 8);
	config.hang_timeout_ms = 0;
	assert_int_equal(pings_in(8), 2);
}

/* Stopped processes */

static void stop_by(int sig)
{
	worker_stopped(w, sig);
	monitor_judge(&in.monitor, w);
}

static void one_that_is_stopped_is_suspect_until_it_goes_on(void **state)
{
	(void)state;
	stop_by(SIGSTOP);
	assert_state(WORKER_SUSPECT);
	stop_by(0);
	assert_state(WORKER_READY);
}

static void one_that_stays_stopped_is_killed_whatever_it_is(void **state)
{
	(void)state;
	w->style = WORKER_STYLE_PORT;
	stop_by(SIGSTOP);
	tick(3);
	stop_by(SIGTSTP); /* it was stopped already */
	tick(1);
	assert_false(w->killed);
	assert_int_equal(counter_get(&in.board->rows[0].lag_ms), 4000);
	tick(1);
	assert_true(w->killed);
	assert_int_equal(counter_get(&in.board->hangs), 1);
}

static void one_that_went_on_is_not_killed(void **state)
{
	(void)state;
	w->style = WORKER_STYLE_PORT;
	stop_by(SIGSTOP);
	tick(4);
	stop_by(0);
	assert_state(WORKER_READY);
	tick(10);
	assert_false(w->killed);
	assert_int_equal(counter_get(&in.board->rows[0].lag_ms), 0);
}

static void one_at_the_terminal_may_stay_stopped(void **state)
{
	(void)state;
	in.terminal.holder = w->pid;
	stop_by(SIGSTOP);
	tick(20);
	assert_false(w->killed);
	stop_by(0); /* and there it hangs: a ping is open */
	tick(1);
	assert_true(w->killed);
}

/* Health checks, as a router tells of them */

static void hear(enum health_answer a, uint32_t waited_ms)
{
	struct control_msg m = {
		.type = CONTROL_HEALTH, .state = a, .waited_ms = waited_ms, .kind = 503
	};

	worker_heard(w, &m);
	monitor_judge(&in.monitor, w);
}

static void one_that_is_not_well_is_suspect_until_it_is(void **state)
{
	(void)state;
	hear(HEALTH_BAD, 1);
	assert_state(WORKER_SUSPECT);
	hear(HEALTH_OPEN, 250);
	assert_state(WORKER_SUSPECT);
	worker_health_unknown(w); /* a new router */
	tick(1);
	assert_state(WORKER_SUSPECT);
	hear(HEALTH_GOOD, 1);
	assert_state(WORKER_READY);
}

static void one_that_is_slow_to_say_is_suspect(void **state)
{
	(void)state;
	w->style = WORKER_STYLE_PORT;
	hear(HEALTH_OPEN, LAG_MS - 1);
	assert_state(WORKER_READY);
	hear(HEALTH_OPEN, LAG_MS);
	assert_state(WORKER_SUSPECT);
	assert_int_equal(counter_get(&in.board->rows[0].lag_ms), LAG_MS);
	hear(HEALTH_GOOD, LAG_MS + 100);
	assert_state(WORKER_SUSPECT); /* the last answer was late */
	hear(HEALTH_OPEN, 250);
	assert_state(WORKER_SUSPECT);
	hear(HEALTH_GOOD, 20);
	assert_state(WORKER_READY);
	assert_int_equal(counter_get(&in.board->rows[0].lag_ms), 20);
}

static void one_that_says_nothing_is_killed(void **state)
{
	(void)state;
	config.hang_signal = SIGUSR1;
	w->style = WORKER_STYLE_PORT;
	hear(HEALTH_OPEN, HANG_MS - 1);
	tick(1);
	assert_false(has_got_usr1());
	hear(HEALTH_OPEN, HANG_MS);
	assert_false(has_got_usr1()); /* a look for each */
	tick(1);
	assert_true(has_got_usr1());
	assert_false(w->killed);
	hear(HEALTH_OPEN, HANG_MS + TICK_MS);
	assert_false(w->killed);
	tick(1);
	assert_true(w->killed);
	assert_int_equal(counter_get(&in.board->hangs), 1);
}

static void a_router_that_is_silent_says_nothing_against_it(void **state)
{
	(void)state;
	w->style = WORKER_STYLE_PORT;
	hear(HEALTH_OPEN, HANG_MS - 1);
	tick(100);
	assert_false(w->killed);
	worker_health_unknown(w);
	tick(1);
	assert_state(WORKER_READY);
}

static void one_that_answers_pings_is_not_killed_for_its_health(void **state)
{
	(void)state;
	tick(1);
	say(PONG);
	hear(HEALTH_OPEN, 2 * HANG_MS);
	assert_state(WORKER_SUSPECT);
	tick(1);
	say(PONG);
	tick(1);
	assert_false(w->killed);
	assert_int_equal(counter_get(&in.board->rows[0].lag_ms), 0); /* the event loop's */
}

static void what_one_says_while_it_drains_does_not_count(void **state)
{
	(void)state;
	w->style = WORKER_STYLE_PORT;
	hear(HEALTH_OPEN, HANG_MS);
	worker_drain(w);
	hear(HEALTH_OPEN, 2 * HANG_MS);
	tick(1);
	assert_false(w->killed);
}

/* Recycling */

static void an_old_one_is_replaced(void **state)
{
	(void)state;
	config.hang_timeout_ms = config.lag_warn_ms = 0;
	config.max_age_ms = 10000;
	tick(9);
	assert_null(slot.replace_why);
	tick(1);
	assert_string_equal(slot.replace_why, "older than SIOINIT_MAX_AGE");
}

static void one_with_many_sessions_is_replaced(void **state)
{
	counter *admitted = &in.board->routers[0].shares[0].admitted;

	(void)state;
	config.max_sessions = 100;
	slot.admitted_before = 1000; /* by the worker before */
	counter_set(admitted, 1099);
	tick(1);
	assert_null(slot.replace_why);
	counter_set(admitted, 1100);
	tick(1);
	assert_string_equal(slot.replace_why, "more sessions than SIOINIT_MAX_SESSIONS");
}

/* Of workers that came one after another. */
static unsigned replaced_at(uint64_t sessions)
{
	unsigned n = 0;

	counter_set(&in.board->routers[0].shares[0].admitted, sessions);
	for (w->id = 1; w->id <= CROWD; w->id++) {
		slot.replace_why = NULL;
		tick(1);
		n += slot.replace_why != NULL;
	}
	return n;
}

static void workers_of_one_age_do_not_go_together(void **state)
{
	unsigned before = 0;

	(void)state;
	config.hang_timeout_ms = config.lag_warn_ms = 0;
	config.max_sessions = 100;
	assert_int_equal(replaced_at(89), 0);
	for (unsigned sessions = 90; sessions <= 110; sessions++) {
		unsigned now = replaced_at(sessions);

		assert_in_range(now - before, 0, CROWD / 8);
		before = now;
	}
	assert_int_equal(before, CROWD);
}

static void a_large_one_is_replaced(void **state)
{
	(void)state;
	config.max_memory = 1ULL << 40;
	tick(1);
	assert_null(slot.replace_why);
	config.max_memory = 4096;
	tick(1);
	assert_string_equal(slot.replace_why, "more memory than SIOINIT_MAX_MEMORY");
}

static void one_that_drains_is_watched_but_not_replaced(void **state)
{
	(void)state;
	config.max_memory = 4096;
	slot.worker = NULL;
	tick(1);
	assert_null(slot.replace_why);
	tick(5);
	assert_true(w->killed);
}

static void nobody_is_judged_at_the_end(void **state)
{
	(void)state;
	config.max_memory = 4096;
	monitor_stop(&in.monitor);
	tick(20);
	assert_state(WORKER_READY);
	assert_false(w->killed);
	assert_null(slot.replace_why);
}

#define WATCH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WATCH(a_slow_one_is_suspect_until_it_answers_in_time),
		WATCH(a_hanging_one_is_killed),
		WATCH(is_asked_to_say_where_it_hangs_first),
		WATCH(one_that_comes_back_is_not_killed),
		WATCH(no_limit_is_no_limit),
		WATCH(a_late_tick_judges_nobody),
		WATCH(one_that_nobody_talks_to_is_asked_less_often),
		WATCH(but_often_enough_to_find_it_hanging_in_time),
		WATCH(one_that_is_stopped_is_suspect_until_it_goes_on),
		WATCH(one_that_stays_stopped_is_killed_whatever_it_is),
		WATCH(one_that_went_on_is_not_killed),
		WATCH(one_at_the_terminal_may_stay_stopped),
		WATCH(one_that_is_not_well_is_suspect_until_it_is),
		WATCH(one_that_is_slow_to_say_is_suspect),
		WATCH(one_that_says_nothing_is_killed),
		WATCH(a_router_that_is_silent_says_nothing_against_it),
		WATCH(one_that_answers_pings_is_not_killed_for_its_health),
		WATCH(what_one_says_while_it_drains_does_not_count),
		WATCH(an_old_one_is_replaced),
		WATCH(one_with_many_sessions_is_replaced),
		WATCH(workers_of_one_age_do_not_go_together),
		WATCH(a_large_one_is_replaced),
		WATCH(one_that_drains_is_watched_but_not_replaced),
		WATCH(nobody_is_judged_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
