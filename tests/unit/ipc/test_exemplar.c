/* Exemplars: what is read is whole, whenever it is written and whoever dies meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/scoreboard.h"

static void is_there_when_it_was_set(void **state)
{
	struct exemplar e = { 0 };
	struct exemplar_values v = { { 1, 2 }, 3, 4 }, got;

	(void)state;
	assert_false(exemplar_get(&e, &got));
	exemplar_set(&e, &v);
	assert_true(exemplar_get(&e, &got));
	assert_memory_equal(&got, &v, sizeof(v));
}

/* A writer that was killed in between leaves it odd; the next one makes it whole. */
static void survives_its_writer(void **state)
{
	struct exemplar e = { .turn = 7 };
	struct exemplar_values got;

	(void)state;
	assert_false(exemplar_get(&e, &got));
	exemplar_set(&e, &(struct exemplar_values){ { 1, 2 }, 3, 4 });
	assert_true(exemplar_get(&e, &got));
}

enum { WRITTEN = 20000000, WHOLE_MIN = 10000 };

/* It lies in two cache lines, as one in the scoreboard may. */
static void is_never_torn(void **state)
{
	struct {
		_Alignas(64) uint64_t before[6];
		struct exemplar e;
	} *shared =
	    mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct exemplar *e = &shared->e;
	struct exemplar_values got = { .us = 0 };
	unsigned whole = 0, torn = 0;
	pid_t writer;

	(void)state;
	assert_ptr_not_equal(shared, MAP_FAILED);
	writer = fork();
	if (writer == 0)
		for (uint64_t i = 1;; i++)
			exemplar_set(e, &(struct exemplar_values){ { i, i }, i, i });
	while (got.us < WRITTEN || whole < WHOLE_MIN) {
		if (!exemplar_get(e, &got))
			continue;
		whole++;
		torn +=
		    got.trace[0] != got.trace[1] || got.trace[1] != got.us || got.us != got.at_ms;
	}
	(void)kill(writer, SIGKILL);
	(void)waitpid(writer, NULL, 0);
	(void)munmap(shared, sizeof(*shared));
	assert_int_equal(torn, 0);
}

static void show(struct scoreboard_router *r, uint64_t trace, uint64_t us, uint64_t at_ms)
{
	scoreboard_show_request(r, &(struct exemplar_values){ { trace }, us, at_ms });
}

/* Of a bucket, over all routers; a bucket's bound belongs to it. */
static void shows_the_newest(void **state)
{
	const struct histogram_bounds *bounds = &scoreboard_request_bounds;
	struct scoreboard *b = scoreboard_private();
	struct exemplar_values got;

	(void)state;
	counter_set(&b->n_routers, 3);
	show(&b->routers[0], 1, bounds->us[1], 100);
	show(&b->routers[2], 2, bounds->us[0] + 1, 200);
	assert_false(scoreboard_exemplar(b, 0, &got));
	assert_true(scoreboard_exemplar(b, 1, &got));
	assert_int_equal(got.trace[0], 2);
	show(&b->routers[0], 3, UINT64_MAX, 300);
	assert_true(scoreboard_exemplar(b, bounds->n, &got));
	assert_int_equal(got.trace[0], 3);
	scoreboard_unmap(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_there_when_it_was_set),
		cmocka_unit_test(survives_its_writer),
		cmocka_unit_test(is_never_torn),
		cmocka_unit_test(shows_the_newest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
