/* Processes beside the workers: real ones, whose ends the test takes note of as SIGCHLD does
 * elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "init/logs/logs.h"
#include "init/sidecars/sidecars.h"
#include "init/system/credentials.h"
#include "tests/unit/clock.h"

enum {
	STOP_MS = 10000,
	RESTART_MS = 1000,
	MIN_UPTIME_MS = 5000,
	MOST_BACKOFF_MS = 15000 * 12 / 10
};

static uv_loop_t loop;
static struct config config;
static struct credentials credentials;
static struct logs logs;
static struct sidecars all;
static char death[192];
static int given_up;
static unsigned times_over;
static bool was_forced;

static void on_died(void *ctx, const char *line)
{
	(void)ctx;
	(void)snprintf(death, sizeof(death), "%s", line);
}

static void on_give_up(void *ctx, int code)
{
	(void)ctx;
	given_up = code;
}

static void on_over(void *ctx, bool forced)
{
	(void)ctx;
	times_over++;
	was_forced = forced;
}

static const struct sidecars_ops ops = { on_died, on_give_up, on_over };

static void add(const char *name, const char *line)
{
	struct config_sidecar *s = &config.sidecars.list[config.sidecars.n++];

	*s = (struct config_sidecar){ .line = line };
	(void)snprintf(s->name, sizeof(s->name), "%s", name);
}

static int set_up(void **state)
{
	(void)state;
	config = (struct config){ .restart_delay_ms = RESTART_MS,
				  .restart_backoff = 2000,
				  .min_uptime_ms = MIN_UPTIME_MS,
				  .stop_timeout_ms = STOP_MS,
				  .stop_signal = SIGTERM };
	all = (struct sidecars){ .n = 0 };
	death[0] = '\0';
	given_up = -1;
	times_over = 0;
	was_forced = false;
	assert_int_equal(uv_loop_init(&loop), 0);
	logs_init(&logs, &loop, &config, &credentials, log_open());
	return 0;
}

static void start(void)
{
	struct scoreboard *board = scoreboard_private();

	assert_non_null(board);
	sidecars_init(&all, &(struct sidecars_context){ &loop, &config, &credentials, &logs, board,
							&ops, NULL });
	sidecars_start(&all, 1);
}

static pid_t pid_of(unsigned i)
{
	return all.list[i].pid;
}

static void assert_state(unsigned i, enum sidecar_state wanted)
{
	assert_int_equal(all.list[i].state, wanted);
	assert_int_equal(counter_get(&all.context.board->sidecars[i].state), wanted);
	assert_int_equal(counter_get(&all.context.board->sidecars[i].pid), pid_of(i));
}

/* Waits for the process: as a shell says its end. */
static int take_end(pid_t pid)
{
	struct rusage usage;
	int status;

	assert_true(pid > 0);
	assert_int_equal(wait4(pid, &status, 0, &usage), pid);
	assert_true(sidecars_ended(&all, pid, status, &usage));
	loop_turn(&loop);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void crash(unsigned i)
{
	pid_t pid = pid_of(i);

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(take_end(pid), 128 + SIGKILL);
}

static void close_handle(uv_handle_t *h, void *unused)
{
	(void)unused;
	if (!uv_is_closing(h))
		uv_close(h, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	sidecars_close(&all, STOP_MS);
	sidecars_kill(&all);
	for (unsigned i = 0; i < all.n; i++)
		if (pid_of(i))
			(void)take_end(pid_of(i));
	assert_true(sidecars_are_over(&all));
	for (unsigned i = 0; i < all.n; i++)
		command_free(&all.list[i].command);
	uv_walk(&loop, close_handle, NULL);
	loop_turn(&loop);
	assert_int_equal(uv_loop_close(&loop), 0);
	scoreboard_unmap(all.context.board);
	return 0;
}

static void pass(uint64_t ms)
{
	loop_advance(&loop, ms);
}

static void one_that_ends_comes_back_later_each_time(void **state)
{
	(void)state;
	add("a", "sleep infinity");
	start();
	assert_state(0, SIDECAR_RUNNING);
	for (uint64_t delay = RESTART_MS; delay < 9000; delay *= 2) {
		crash(0);
		assert_state(0, SIDECAR_WAITING);
		assert_non_null(strstr(death, "sidecar[a]: ended pid="));
		assert_non_null(strstr(death, " signal=KILL "));
		pass(delay * 79 / 100);
		assert_state(0, SIDECAR_WAITING);
		pass(delay * 42 / 100);
		assert_state(0, SIDECAR_RUNNING);
	}
	pass(MIN_UPTIME_MS);
	crash(0);
	pass(RESTART_MS * 121 / 100);
	assert_state(0, SIDECAR_RUNNING);
	assert_int_equal(counter_get(&all.context.board->sidecars[0].starts), 6);
	assert_int_equal(given_up, -1);
}

/* However often it has never been of use: the app goes on. start-limit is for workers. */
static void none_is_given_up_without_a_limit(void **state)
{
	(void)state;
	config.start_limit = (struct config_start_limit){ .n = 1, .within_ms = 3600000 };
	add("a", "false");
	start();
	for (int i = 0; i < 20; i++) {
		assert_int_equal(take_end(pid_of(0)), 1);
		pass(MOST_BACKOFF_MS);
	}
	assert_int_equal(given_up, -1);
	(void)take_end(pid_of(0));
}

static void max_restarts_gives_up_with_its_code(void **state)
{
	(void)state;
	config.max_restarts = 2;
	add("a", "sh -c 'exit 7'");
	start();
	for (int i = 0; i < 3; i++) {
		assert_int_equal(given_up, -1);
		assert_int_equal(take_end(pid_of(0)), 7);
		pass(MOST_BACKOFF_MS);
	}
	assert_int_equal(given_up, 7);
	assert_state(0, SIDECAR_DONE);
}

static void a_clean_exit_is_an_end_like_any_other(void **state)
{
	(void)state;
	add("a", "true");
	config.stop_exit_codes = (struct config_codes){ { 7 }, 1 };
	add("done", "sh -c 'exit 7'");
	add("once", "true");
	config.sidecars.list[2].once = true;
	start();
	for (unsigned i = 0; i < 3; i++)
		(void)take_end(pid_of(i));
	assert_state(0, SIDECAR_WAITING);
	assert_state(1, SIDECAR_DONE);
	assert_state(2, SIDECAR_DONE);
	assert_int_equal(given_up, -1);
}

static void restart_never_is_for_them_too(void **state)
{
	(void)state;
	config.restart = RESTART_NEVER;
	add("a", "true");
	start();
	(void)take_end(pid_of(0));
	assert_int_equal(given_up, 0);
}

static void one_is_restarted_by_name(void **state)
{
	pid_t before;

	(void)state;
	add("a", "sleep infinity");
	add("b", "sleep infinity");
	start();
	before = pid_of(1);
	assert_int_equal(sidecars_restart(&all, "c"), -ENOENT);
	assert_int_equal(sidecars_restart(&all, "b"), 0);
	assert_state(1, SIDECAR_STOPPING);
	assert_int_equal(take_end(before), 128 + SIGTERM);
	assert_state(1, SIDECAR_RUNNING);
	assert_true(pid_of(1) != before);
	crash(0);
	assert_state(0, SIDECAR_WAITING);
	assert_int_equal(sidecars_restart(&all, "a"), 0); /* without the rest of its pause */
	assert_state(0, SIDECAR_RUNNING);
	pass(MOST_BACKOFF_MS);
	assert_state(0, SIDECAR_RUNNING);
}

static void the_end_waits_for_the_word(void **state)
{
	pid_t pid;

	(void)state;
	add("a", "sleep infinity");
	start();
	pid = pid_of(0);
	sidecars_close(&all, STOP_MS);
	assert_int_equal(sidecars_restart(&all, "a"), -ESHUTDOWN);
	pass(STOP_MS * 9 / 10 - 1);
	assert_state(0, SIDECAR_RUNNING);
	sidecars_stop(&all);
	assert_state(0, SIDECAR_STOPPING);
	assert_int_equal(times_over, 0);
	assert_int_equal(take_end(pid), 128 + SIGTERM);
	assert_int_equal(times_over, 1);
	assert_false(was_forced);
	assert_state(0, SIDECAR_DONE);
}

static void a_tenth_of_the_time_is_theirs(void **state)
{
	pid_t pid;

	(void)state;
	config.stop_signal = SIGWINCH; /* which nobody minds */
	add("a", "sleep infinity");
	start();
	pid = pid_of(0);
	sidecars_close(&all, STOP_MS);
	pass(STOP_MS * 9 / 10);
	assert_state(0, SIDECAR_STOPPING);
	pass(STOP_MS / 10 - 1);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	pass(1);
	assert_int_equal(take_end(pid), 128 + SIGKILL);
	assert_int_equal(times_over, 1);
	assert_true(was_forced);
}

static void nothing_is_started_once_the_end_has_begun(void **state)
{
	(void)state;
	add("a", "sleep infinity");
	add("b", "sleep infinity");
	add("c", "sleep infinity");
	start();
	crash(0);
	assert_int_equal(sidecars_restart(&all, "c"), 0);
	sidecars_close(&all, STOP_MS);
	assert_state(0, SIDECAR_DONE);
	crash(1);
	assert_state(1, SIDECAR_DONE);
	assert_int_equal(take_end(pid_of(2)), 128 + SIGTERM);
	assert_state(2, SIDECAR_DONE);
	assert_int_equal(times_over, 1);
	pass(MOST_BACKOFF_MS);
	assert_true(sidecars_are_over(&all));
}

static void none_is_over_at_once(void **state)
{
	(void)state;
	start();
	assert_true(sidecars_are_over(&all));
	sidecars_close(&all, STOP_MS);
	sidecars_stop(&all);
	assert_true(sidecars_are_over(&all));
}

/* A shell goes at SIGTERM, what it has started takes its time. */
static void what_is_left_in_the_group_has_time_too(void **state)
{
	pid_t group;

	(void)state;
	config.stop_signal = SIGUSR1;
	add("a", "sh -c \"trap '' USR1; (trap 'exit 0' USR2; while :; do sleep 0.01; done) & "
		 "trap - USR1; sleep 0.01; kill -STOP $$; wait\"");
	start();
	group = pid_of(0);
	assert_int_equal(waitpid(group, NULL, WUNTRACED), group); /* all is set up */
	sidecars_close(&all, STOP_MS);
	sidecars_stop(&all);
	assert_int_equal(take_end(group), 128 + SIGUSR1);
	assert_state(0, SIDECAR_STOPPING);
	assert_int_equal(times_over, 0);
	assert_int_equal(kill(-group, 0), 0);
	pass(STOP_MS);
	assert_int_equal(times_over, 1);
	assert_true(was_forced);
	assert_state(0, SIDECAR_DONE);
}

static void a_crash_leaves_nobody_in_its_group(void **state)
{
	pid_t pid;

	(void)state;
	add("a", "sh -c 'sleep 1000 & kill -9 $$'");
	start();
	pid = pid_of(0);
	(void)take_end(pid);
	for (int i = 0; i < 500 && kill(-pid, 0) == 0; i++)
		(void)usleep(10000);
	assert_int_equal(kill(-pid, 0), -1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(one_that_ends_comes_back_later_each_time),
		TEST(none_is_given_up_without_a_limit),
		TEST(max_restarts_gives_up_with_its_code),
		TEST(a_clean_exit_is_an_end_like_any_other),
		TEST(restart_never_is_for_them_too),
		TEST(one_is_restarted_by_name),
		TEST(the_end_waits_for_the_word),
		TEST(a_tenth_of_the_time_is_theirs),
		TEST(nothing_is_started_once_the_end_has_begun),
		TEST(none_is_over_at_once),
		TEST(what_is_left_in_the_group_has_time_too),
		TEST(a_crash_leaves_nobody_in_its_group),
	};
#undef TEST

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
