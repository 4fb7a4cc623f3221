/* Which instance a worker is, in variables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/worker/context.h"
#include "init/worker/instance.h"

static void assert_told(const struct config *c, unsigned slot, const char *wanted)
{
	struct worker_context cx = { .config = c, .wanted = 4, .at_start = 2 };
	char list[INSTANCE_VARIABLES][INSTANCE_VARIABLE_SIZE], got[256] = "";
	size_t n = instance_variables(&cx, slot, list);

	for (size_t i = 0; i < n; i++)
		(void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s ", list[i]);
	assert_string_equal(got, wanted);
}

static void tells_the_slot(void **state)
{
	struct config c = { .instance_var = "NODE_APP_INSTANCE" };

	(void)state;
	assert_told(&c, 1, "NODE_APP_INSTANCE=1 pm_id=1 ");
	c.instance_var = "ID";
	c.app_name = "eco";
	assert_told(&c, 0, "ID=0 pm_id=0 instances=4 ");
}

/* Those of a scale-up come behind the other apps, whose numbers are taken. */
static void numbers_it_among_all_apps(void **state)
{
	struct config c = { .instance_var = "ID", .pm_ids = { 3, 2 } };

	(void)state;
	assert_told(&c, 0, "ID=0 pm_id=3 ");
	assert_told(&c, 1, "ID=1 pm_id=4 ");
	assert_told(&c, 2, "ID=2 pm_id=7 ");
}

static void adds_the_slot_to_a_variable(void **state)
{
	struct config c = { .instance_var = "ID", .increment_var = "SHARD" };

	(void)state;
	(void)unsetenv("SHARD");
	assert_told(&c, 1, "ID=1 pm_id=1 SHARD=1 ");
	(void)setenv("SHARD", "100000", 1);
	assert_told(&c, 1, "ID=1 pm_id=1 SHARD=100001 ");
	(void)setenv("SHARD", "1.5", 1);
	assert_told(&c, 1, "ID=1 pm_id=1 SHARD=2.5 ");
	(void)setenv("SHARD", "blue", 1);
	assert_told(&c, 1, "ID=1 pm_id=1 SHARD=1 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_the_slot),
		cmocka_unit_test(numbers_it_among_all_apps),
		cmocka_unit_test(adds_the_slot_to_a_variable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
