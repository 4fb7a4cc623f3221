/* Why a worker has ended, from what was done to it and from its status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>

#include "base/macros.h"
#include "init/worker/ending.h"
#include "init/worker/worker.h"

#define EXITED(code) ((code) << 8)
#define KILLED(sig) (sig)

static const struct config config = { .stop_signal = SIGTERM };

static const struct row {
	const char *what;
	int status;
	struct {
		enum worker_end_reason ends_for;
		bool is_stopping, is_told, killed, forced, asked_to_diagnose, oom;
	} was;
	enum worker_end_reason is;
} rows[] = {
	{ "a crash", EXITED(1), { 0 }, WORKER_END_EXIT },
	{ "a good exit is unwanted, too", EXITED(0), { 0 }, WORKER_END_EXIT },
	{ "a fault", KILLED(SIGSEGV), { 0 }, WORKER_END_SIGNAL },
	{ "somebody's kill", KILLED(SIGTERM), { 0 }, WORKER_END_SIGNAL },
	{ "the kernel's kill", KILLED(SIGKILL), { .oom = true }, WORKER_END_OOM },
	{ "the kernel's kill in a stop",
	  KILLED(SIGKILL),
	  { .is_stopping = true, .is_told = true, .oom = true },
	  WORKER_END_OOM },
	{ "the stop", EXITED(0), { .is_stopping = true, .is_told = true }, WORKER_END_ASKED },
	{ "the stop, its own code",
	  EXITED(9),
	  { .is_stopping = true, .is_told = true },
	  WORKER_END_ASKED },
	{ "the stop's signal",
	  KILLED(SIGTERM),
	  { .is_stopping = true, .is_told = true },
	  WORKER_END_ASKED },
	{ "a fault in the stop",
	  KILLED(SIGSEGV),
	  { .is_stopping = true, .is_told = true },
	  WORKER_END_SIGNAL },
	{ "done while it drains", EXITED(0), { .is_stopping = true }, WORKER_END_ASKED },
	{ "a crash while it drains", EXITED(1), { .is_stopping = true }, WORKER_END_EXIT },
	{ "the stop timeout",
	  KILLED(SIGKILL),
	  { .is_stopping = true, .is_told = true, .killed = true, .forced = true },
	  WORKER_END_FORCED },
	{ "a hang",
	  KILLED(SIGKILL),
	  { .ends_for = WORKER_END_HANG, .killed = true },
	  WORKER_END_HANG },
	{ "it ends by the signal that is to tell where it hangs",
	  KILLED(SIGABRT),
	  { .asked_to_diagnose = true },
	  WORKER_END_HANG },
	{ "drained for the relay",
	  EXITED(0),
	  { .ends_for = WORKER_END_RELAY, .is_stopping = true, .is_told = true },
	  WORKER_END_RELAY },
	{ "the cause, not how it went",
	  KILLED(SIGKILL),
	  { .ends_for = WORKER_END_LEFT, .is_stopping = true, .killed = true, .forced = true },
	  WORKER_END_LEFT },
};

static void an_end_has_one_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct worker w = { .config = &config,
				    .kill_at_ms = r->was.is_stopping,
				    .told_ms = r->was.is_told,
				    .killed = r->was.killed,
				    .forced = r->was.forced,
				    .asked_to_diagnose = r->was.asked_to_diagnose };

		worker_ends_for(&w, r->was.ends_for);
		if (worker_end_reason(&w, r->status, r->was.oom) != r->is)
			fail_msg("%s: %s", r->what,
				 worker_end_name(worker_end_reason(&w, r->status, r->was.oom)));
	}
}

static void the_first_reason_stays(void **state)
{
	struct worker w = { .config = &config };

	(void)state;
	worker_ends_for(&w, WORKER_END_RELAY);
	worker_ends_for(&w, WORKER_END_HANG);
	assert_int_equal(worker_end_reason(&w, KILLED(SIGKILL), false), WORKER_END_RELAY);
}

static void each_has_a_name(void **state)
{
	(void)state;
	for (unsigned i = 0; i < WORKER_END_N; i++)
		assert_non_null(worker_end_name(i));
	assert_string_equal(worker_end_name(WORKER_END_N), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_end_has_one_reason),
		cmocka_unit_test(the_first_reason_stays),
		cmocka_unit_test(each_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
