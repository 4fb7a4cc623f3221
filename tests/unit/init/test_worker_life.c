/* A worker's life: what it does by itself when time passes. */
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

#include "base/fd.h"
#include "init/listen/frontend.h"
#include "init/worker/listening.h"
#include "init/worker/worker.h"
#include "tests/unit/clock.h"
#include "tests/unit/init/owner.h"

enum {
	GOODBYE_MS = 2500 /* a quarter of: */,
	STOP_MS = 10000,
	DRAIN_MS = 4000,
	READY_MS = 30000,
	LONG_MS = 3600000,
	WORD_MS = 3000
};

#define ONLINE "{\"cmd\":\"NODE_CLUSTER\",\"act\":\"online\",\"seq\":0}\n"
#define LISTEN                                                                                     \
	"{\"cmd\":\"NODE_CLUSTER\",\"act\":\"queryServer\",\"address\":null,\"port\":8080,"        \
	"\"addressType\":4,\"fd\":-1,\"index\":0,\"data\":null,\"seq\":1}\n"
#define LISTENING                                                                                  \
	"{\"cmd\":\"NODE_CLUSTER\",\"act\":\"listening\",\"address\":null,\"port\":8080,"          \
	"\"addressType\":4,\"seq\":2}\n"
#define CLOSED "{\"cmd\":\"NODE_CLUSTER\",\"act\":\"close\",\"key\":\"k1\",\"seq\":3}\n"
#define USER_READY "\"ready\"\n"
#define PONG "{\"cmd\":\"NODE_HANDLE_NACK\"}\n"

static struct config config;
static uv_loop_t loop;
static struct hub hub;
static struct places places;
static struct frontend frontend;
static struct worker *w;
static int peer;

static const struct worker_ops ops = OWNER_OPS(owner_on_handback);

static void on_term(int sig)
{
	(void)sig;
}

/* A process that does nothing, with this way with SIGTERM; a group of its own, as all workers
 * have. */
static pid_t start_process(void (*handler)(int))
{
	void (*before)(int) = signal(SIGTERM, handler);
	int begun[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(begun), 0);
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)close(begun[1]);
		for (;;)
			(void)pause();
	}
	assert_true(pid > 0);
	(void)close(begun[1]);
	assert_int_equal(read(begun[0], &byte, 1), 0); /* within fork() all signals are blocked */
	(void)close(begun[0]);
	assert_int_equal(setpgid(pid, pid), 0);
	(void)signal(SIGTERM, before);
	return pid;
}

/* What ended it. */
static int wait_for_end(void)
{
	int status;

	assert_int_equal(waitpid(w->pid, &status, 0), w->pid);
	assert_true(WIFSIGNALED(status));
	w->pid = 0;
	return WTERMSIG(status);
}

static void start(bool has_deadline, void (*handler)(int))
{
	pid_t pid = start_process(handler); /* before there is a socket it would keep open */
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
			      .has_deadline = has_deadline,
			      .id = 1,
			      .pid = pid,
			      .app = pid };
	assert_int_equal(worker_init(w, &loop, sv[0], &hub, false), 0);
}

static void set_up_config(void)
{
	config = (struct config){ .port = 8080,
				  .ready_timeout_ms = READY_MS,
				  .drain_time_ms = DRAIN_MS,
				  .stop_timeout_ms = STOP_MS,
				  .stop_signal = SIGTERM };
}

static int open_all(bool has_deadline, void (*handler)(int))
{
	assert_int_equal(uv_loop_init(&loop), 0);
	hub_init(&hub, SERIAL_JSON, 64 << 20, 0);
	start(has_deadline, handler);
	return 0;
}

static int setup_with(bool has_deadline, void (*handler)(int))
{
	set_up_config();
	return open_all(has_deadline, handler);
}

static int setup(void **state)
{
	(void)state;
	return setup_with(true, SIG_DFL);
}

static int setup_for_its_word(void **state)
{
	(void)state;
	set_up_config();
	config.wait_ready = true;
	config.wait_ready_timeout_ms = WORD_MS;
	return open_all(true, SIG_DFL);
}

static int setup_stubborn(void **state)
{
	(void)state;
	return setup_with(true, SIG_IGN);
}

static int setup_catching(void **state)
{
	(void)state;
	return setup_with(true, on_term);
}

static int setup_at_terminal(void **state)
{
	(void)state;
	return setup_with(false, SIG_DFL);
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
	loop_turn(&loop);
	assert_int_equal(uv_loop_close(&loop), 0);
	return 0;
}

static void pass(uint64_t ms)
{
	loop_advance(&loop, ms);
}

static void say(const char *text)
{
	assert_int_equal(write(peer, text, strlen(text)), strlen(text));
	loop_turn(&loop);
}

/* In what it was sent since the last time. */
static bool hears(const char *text)
{
	static char got[64 << 10];
	ssize_t n = read(peer, got, sizeof(got));

	return n > 0 && memmem(got, (size_t)n, text, strlen(text));
}

static void assert_state(enum worker_state wanted)
{
	assert_string_equal(worker_state_name(w->state), worker_state_name(wanted));
}

static void get_ready(void)
{
	say(ONLINE);
	say(LISTEN);
	say(LISTENING);
	assert_state(WORKER_READY);
	(void)hears("");
}

/* Readiness */

static void one_that_is_not_ready_in_time_is_killed(void **state)
{
	(void)state;
	say(ONLINE);
	pass(READY_MS - 1);
	assert_false(w->killed);
	pass(1);
	assert_true(w->killed);
	assert_state(WORKER_BOOTING);
	assert_int_equal(wait_for_end(), SIGKILL);
}

static void one_that_is_ready_has_all_the_time(void **state)
{
	(void)state;
	pass(READY_MS - 1);
	get_ready();
	pass(LONG_MS);
	assert_false(w->killed);
	assert_state(WORKER_READY);
}

static void one_at_the_terminal_has_all_the_time(void **state)
{
	(void)state;
	pass(LONG_MS);
	assert_false(w->killed);
	assert_state(WORKER_SPAWNED);
}

static void listening_is_not_enough_when_ready_is_to_be_said(void **state)
{
	(void)state;
	config.wait_ready = true;
	say(ONLINE);
	say(LISTEN);
	say(LISTENING);
	assert_state(WORKER_BOOTING);
	say(USER_READY);
	assert_state(WORKER_READY);
}

static void the_word_is_not_waited_for_for_ever(void **state)
{
	(void)state;
	say(ONLINE);
	say(LISTEN);
	say(LISTENING);
	pass(WORD_MS - 1);
	assert_state(WORKER_BOOTING);
	pass(1);
	assert_state(WORKER_READY);
	pass(LONG_MS);
	assert_false(w->killed);
}

static void one_without_a_word_must_still_listen_in_time(void **state)
{
	(void)state;
	say(ONLINE);
	pass(WORD_MS);
	pass(READY_MS - WORD_MS - 1);
	assert_false(w->killed);
	pass(1);
	assert_true(w->killed);
}

/* The end */

static void drains_then_is_told_to_stop(void **state)
{
	(void)state;
	get_ready();
	worker_drain(w);
	pass(DRAIN_MS - 1);
	assert_state(WORKER_DRAINING);
	pass(1);
	assert_state(WORKER_STOPPING);
	assert_int_equal(wait_for_end(), SIGTERM);
}

static void drains_for_half_the_stop_timeout_at_most(void **state)
{
	(void)state;
	config.drain_time_ms = LONG_MS;
	get_ready();
	worker_drain(w);
	pass(STOP_MS / 2 - 1);
	assert_state(WORKER_DRAINING);
	pass(1);
	assert_state(WORKER_STOPPING);
}

static void stops_early_when_nobody_is_left(void **state)
{
	(void)state;
	get_ready();
	worker_drain(w);
	assert_true(w->sockets_done); /* it has none */
	assert_state(WORKER_DRAINING);
	worker_requests_done(w, true);
	assert_state(WORKER_STOPPING);
	assert_int_equal(wait_for_end(), SIGTERM);
}

static void an_answer_still_owed_is_waited_for(void **state)
{
	(void)state;
	get_ready();
	worker_drain(w);
	w->sockets_done = false;
	worker_requests_done(w, true);
	assert_state(WORKER_DRAINING);
}

static void drain_by(enum config_stop_order order)
{
	config.stop_order = order;
	get_ready();
	worker_drain(w);
	assert_state(WORKER_DRAINING);
}

static void the_app_is_told_first_and_keeps_its_clients(void **state)
{
	(void)state;
	drain_by(CONFIG_STOP_ORDER_SIGNAL);
	assert_true(worker_keeps_clients(w));
	assert_int_equal(wait_for_end(), SIGTERM);
}

static void what_the_app_has_left_is_drained(void **state)
{
	(void)state;
	drain_by(CONFIG_STOP_ORDER_SIGNAL);
	worker_requests_done(w, false);
	pass(GOODBYE_MS - 1);
	assert_true(worker_keeps_clients(w));
	pass(1);
	assert_false(worker_keeps_clients(w));
	pass(DRAIN_MS - 1);
	assert_state(WORKER_DRAINING);
	pass(1);
	assert_state(WORKER_STOPPING);
}

static void nobody_is_there_to_say_goodbye_to(void **state)
{
	(void)state;
	drain_by(CONFIG_STOP_ORDER_SIGNAL);
	worker_requests_done(w, true);
	assert_false(worker_keeps_clients(w));
	worker_requests_done(w, true);
	assert_state(WORKER_STOPPING);
}

/* As Node does by itself. */
static void one_that_catches_it_is_told_when_its_requests_are_answered(void **state)
{
	(void)state;
	drain_by(CONFIG_STOP_ORDER_AUTO);
	assert_int_equal(w->told_ms, 0);
	assert_true(worker_keeps_clients(w));
	pass(1);
	worker_requests_done(w, false);
	assert_int_not_equal(w->told_ms, 0);
	assert_int_equal(w->farewell, FAREWELL_APP);
}

static void requests_are_waited_for_as_long_as_a_drain_takes(void **state)
{
	(void)state;
	drain_by(CONFIG_STOP_ORDER_AUTO);
	pass(DRAIN_MS - 1);
	assert_int_equal(w->told_ms, 0);
	pass(1);
	assert_int_not_equal(w->told_ms, 0);
}

static void all_parts_fit_into_the_stop_timeout(void **state)
{
	(void)state;
	config.drain_time_ms = LONG_MS;
	drain_by(CONFIG_STOP_ORDER_AUTO);
	pass(STOP_MS / 2);
	pass(GOODBYE_MS);
	pass((STOP_MS - STOP_MS / 2 - GOODBYE_MS) * 3 / 4);
	assert_state(WORKER_STOPPING);
	assert_false(w->killed);
}

static void what_the_last_one_did_counts(void **state)
{
	struct groups groups = { .heed = HEED_DIES };

	(void)state;
	w->groups = &groups;
	drain_by(CONFIG_STOP_ORDER_AUTO);
	assert_false(worker_keeps_clients(w));
	w->groups = NULL;
}

static void one_that_boots_does_not_drain(void **state)
{
	(void)state;
	say(ONLINE);
	worker_drain(w);
	assert_state(WORKER_STOPPING);
	assert_int_equal(wait_for_end(), SIGTERM);
}

static void is_disconnected_half_a_second_after_the_signal(void **state)
{
	(void)state;
	get_ready();
	worker_stop(w);
	pass(499);
	assert_false(hears("disconnect"));
	pass(1);
	assert_true(hears("disconnect"));
	assert_false(w->killed);
}

static void is_killed_at_the_stop_timeout(void **state)
{
	(void)state;
	get_ready();
	worker_stop(w);
	pass(500);
	pass(STOP_MS - 501);
	assert_false(w->killed);
	pass(1);
	assert_true(w->killed);
	assert_int_equal(wait_for_end(), SIGKILL);
}

static void the_stop_timeout_includes_the_drain(void **state)
{
	(void)state;
	get_ready();
	worker_drain(w);
	pass(DRAIN_MS);
	assert_state(WORKER_STOPPING);
	pass(500);
	pass(STOP_MS - DRAIN_MS - 501);
	assert_false(w->killed);
	pass(1);
	assert_true(w->killed);
	assert_int_equal(wait_for_end(), SIGKILL);
}

static void asking_again_gains_no_time(void **state)
{
	(void)state;
	get_ready();
	worker_drain(w);
	pass(DRAIN_MS - 1);
	worker_drain(w);
	pass(1);
	assert_state(WORKER_STOPPING);
	worker_stop(w);
	pass(500);
	worker_stop(w);
	worker_drain(w);
	pass(STOP_MS - DRAIN_MS - 500);
	assert_true(w->killed);
}

static void a_short_stop_timeout_is_kept(void **state)
{
	(void)state;
	config.stop_timeout_ms = 300;
	get_ready();
	worker_stop(w);
	pass(299);
	assert_false(w->killed);
	pass(1);
	assert_true(hears("disconnect"));
	assert_true(w->killed);
	assert_int_equal(wait_for_end(), SIGKILL);
}

static void hears_the_stop_message_instead_of_the_signal(void **state)
{
	(void)state;
	config.stop_message = "shutdown";
	get_ready();
	worker_stop(w);
	loop_turn(&loop);
	assert_true(hears("\"shutdown\"\n"));
	pass(500);
	pass(STOP_MS - 500);
	assert_int_equal(wait_for_end(), SIGKILL);
}

static void gets_the_signal_where_nobody_hears_a_message(void **state)
{
	(void)state;
	config.stop_message = "shutdown";
	worker_stop(w);
	assert_false(hears("shutdown"));
	assert_int_equal(wait_for_end(), SIGTERM);
}

/* Leaving */

static void one_that_leaves_its_channel_is_drained(void **state)
{
	(void)state;
	get_ready();
	fd_close(&peer);
	loop_turn(&loop);
	pass(99);
	assert_state(WORKER_READY);
	pass(1);
	assert_state(WORKER_DRAINING);
	pass(DRAIN_MS);
	assert_int_equal(wait_for_end(), SIGTERM);
}

static void one_without_a_channel_leaves_none(void **state)
{
	(void)state;
	w->has_channel = false;
	worker_answered(w, WORKER_STYLE_PORT, false);
	assert_state(WORKER_READY);
	fd_close(&peer);
	loop_turn(&loop);
	pass(LONG_MS);
	assert_state(WORKER_READY);
}

static void one_that_closes_its_server_lives_on(void **state)
{
	(void)state;
	get_ready();
	say(CLOSED);
	assert_state(WORKER_CLOSED);
	pass(REOPEN_MS);
	assert_state(WORKER_DRAINING);
	pass(LONG_MS);
	assert_state(WORKER_DRAINING); /* an answer is still owed */
	worker_drain(w);
	pass(DRAIN_MS);
	assert_int_equal(wait_for_end(), SIGTERM);
}

static void one_that_opens_its_server_again_stays(void **state)
{
	(void)state;
	get_ready();
	say(CLOSED);
	pass(REOPEN_MS - 1);
	say(LISTEN);
	say(LISTENING);
	assert_state(WORKER_READY);
	pass(LONG_MS);
	assert_state(WORKER_READY);
}

static void one_that_opens_it_when_it_is_replaced_is_stopped(void **state)
{
	(void)state;
	get_ready();
	say(CLOSED);
	pass(REOPEN_MS);
	say(LISTEN);
	assert_state(WORKER_DRAINING);
	pass(DRAIN_MS);
	assert_state(WORKER_STOPPING);
	assert_int_equal(wait_for_end(), SIGTERM);
}

static void one_that_cannot_be_understood_lives_on(void **state)
{
	(void)state;
	say("garbage\n");
	assert_false(w->killed);
}

/* Pings */

static void the_lag_is_what_the_answer_took(void **state)
{
	(void)state;
	w->answers_pings = true;
	get_ready();
	say(PONG);
	worker_ping(w);
	pass(120);
	assert_int_equal(worker_silence_ms(w), 120);
	say(PONG);
	assert_int_equal(w->lag_ms, 120);
	assert_int_equal(worker_silence_ms(w), 0);
}

static void one_question_at_a_time(void **state)
{
	(void)state;
	w->answers_pings = true;
	get_ready();
	say(PONG);
	worker_ping(w);
	pass(1000);
	assert_true(hears("NODE_HANDLE"));
	worker_ping(w);
	pass(1000);
	assert_false(hears("NODE_HANDLE"));
	assert_int_equal(worker_silence_ms(w), 2000);
}

static void one_that_does_not_answer_pings_is_not_asked(void **state)
{
	(void)state;
	get_ready();
	worker_ping(w);
	pass(1000);
	assert_false(hears("NODE_HANDLE"));
	assert_int_equal(worker_silence_ms(w), 0);
}

static void only_one_that_serves_is_suspected(void **state)
{
	(void)state;
	say(ONLINE);
	worker_suspect(w, true);
	assert_state(WORKER_BOOTING);
	say(USER_READY);
	worker_suspect(w, true);
	assert_state(WORKER_SUSPECT);
	worker_suspect(w, false);
	assert_state(WORKER_READY);
	worker_drain(w);
	worker_suspect(w, true);
	assert_state(WORKER_DRAINING);
}

#define LIFE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define AT_TERMINAL(test) cmocka_unit_test_setup_teardown(test, setup_at_terminal, teardown)
#define FOR_ITS_WORD(test) cmocka_unit_test_setup_teardown(test, setup_for_its_word, teardown)
#define CATCHING(test) cmocka_unit_test_setup_teardown(test, setup_catching, teardown)
#define STUBBORN(test) cmocka_unit_test_setup_teardown(test, setup_stubborn, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE(one_that_is_not_ready_in_time_is_killed),
		LIFE(one_that_is_ready_has_all_the_time),
		AT_TERMINAL(one_at_the_terminal_has_all_the_time),
		LIFE(listening_is_not_enough_when_ready_is_to_be_said),
		FOR_ITS_WORD(the_word_is_not_waited_for_for_ever),
		FOR_ITS_WORD(one_without_a_word_must_still_listen_in_time),
		LIFE(drains_then_is_told_to_stop),
		LIFE(drains_for_half_the_stop_timeout_at_most),
		LIFE(stops_early_when_nobody_is_left),
		LIFE(an_answer_still_owed_is_waited_for),
		LIFE(the_app_is_told_first_and_keeps_its_clients),
		STUBBORN(what_the_app_has_left_is_drained),
		STUBBORN(nobody_is_there_to_say_goodbye_to),
		CATCHING(one_that_catches_it_is_told_when_its_requests_are_answered),
		CATCHING(requests_are_waited_for_as_long_as_a_drain_takes),
		CATCHING(all_parts_fit_into_the_stop_timeout),
		CATCHING(what_the_last_one_did_counts),
		LIFE(one_that_boots_does_not_drain),
		STUBBORN(is_disconnected_half_a_second_after_the_signal),
		STUBBORN(is_killed_at_the_stop_timeout),
		STUBBORN(the_stop_timeout_includes_the_drain),
		STUBBORN(asking_again_gains_no_time),
		STUBBORN(a_short_stop_timeout_is_kept),
		LIFE(hears_the_stop_message_instead_of_the_signal),
		LIFE(gets_the_signal_where_nobody_hears_a_message),
		LIFE(one_that_leaves_its_channel_is_drained),
		LIFE(one_without_a_channel_leaves_none),
		LIFE(one_that_closes_its_server_lives_on),
		LIFE(one_that_opens_its_server_again_stays),
		LIFE(one_that_opens_it_when_it_is_replaced_is_stopped),
		LIFE(one_that_cannot_be_understood_lives_on),
		LIFE(the_lag_is_what_the_answer_took),
		LIFE(one_question_at_a_time),
		LIFE(one_that_does_not_answer_pings_is_not_asked),
		LIFE(only_one_that_serves_is_suspected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
