/* What a router may say and what shows that it is not to be trusted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macros.h"
#include "init/routers/router_message.h"

enum { LAST_WORKER = 7 };

static const struct router_standing first = { true, true, LAST_WORKER };
static const struct router_standing other = { true, false, LAST_WORKER };
static const struct router_standing starting = { false, true, LAST_WORKER };

static int stream = -1, packets = -1, file = -1;

static int open_all(void **state)
{
	(void)state;
	stream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	packets = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return stream < 0 || packets < 0 || file < 0;
}

static int close_all(void **state)
{
	(void)state;
	fd_close(&stream);
	fd_close(&packets);
	fd_close(&file);
	return 0;
}

#define M(...) (&(struct control_msg){ __VA_ARGS__ })
#define assert_sound(m, fd, who) assert_null(router_message_fault(m, fd, who))
#define assert_fault(m, fd, who) assert_non_null(router_message_fault(m, fd, who))

static void everything_that_routers_say_is_sound(void **state)
{
	(void)state;
	assert_sound(M(.type = CONTROL_UP), -1, &starting);
	for (uint32_t kind = 0; kind <= HANDOFF_RAW; kind++)
		assert_sound(M(.type = CONTROL_HANDOFF, .worker = 1, .kind = kind), stream, &other);
	assert_sound(M(.type = CONTROL_PROBED, .worker = 7, .style = WORKER_STYLE_UNIX), -1,
		     &first);
	assert_sound(M(.type = CONTROL_HEALTH, .worker = 7, .state = HEALTH_BAD, .kind = 503,
		       .waited_ms = UINT32_MAX),
		     -1, &first);
	assert_sound(M(.type = CONTROL_IDLE, .worker = 1), -1, &other);
	assert_sound(M(.type = CONTROL_PARK, .worker = 1, .kind = PARK_UPSTREAM, .state = 1,
		       .style = 1, .token = UINT64_MAX),
		     stream, &other);
	assert_sound(M(.type = CONTROL_UNPARK, .token = 1), -1, &other);
	assert_sound(M(.type = CONTROL_APP_METRICS, .token = 1), -1, &other);
	assert_sound(
	    M(.type = CONTROL_ADMIN_ASK, .kind = ADMIN_ASK_ACTION, .text = STR("t\0reload")), -1,
	    &first);
}

static void only_the_first_asks_for_the_admin_address(void **state)
{
	static char much[ADMIN_ASK_MAX + 1];

	(void)state;
	assert_fault(M(.type = CONTROL_ADMIN_ASK, .text = STR("t\0reload")), -1, &other);
	assert_fault(M(.type = CONTROL_ADMIN_ASK, .kind = ADMIN_ASK_N, .text = STR("t\0x")), -1,
		     &first);
	assert_fault(M(.type = CONTROL_ADMIN_ASK), -1, &first);
	assert_fault(M(.type = CONTROL_ADMIN_ASK, .text = { much, sizeof(much) }), -1, &first);
	assert_fault(M(.type = CONTROL_ADMIN_ASK, .text = STR("t\0x")), stream, &first);
	assert_fault(M(.type = CONTROL_ADMIN_ANSWER, .text = STR("{}")), -1, &first);
}

static void a_descriptor_that_was_lost_is_nobodys_fault(void **state)
{
	(void)state;
	assert_sound(M(.type = CONTROL_HANDOFF, .worker = 1, .fd_lost = true), -1, &first);
	assert_fault(M(.type = CONTROL_UNPARK, .fd_lost = true), -1, &first);
}

static void it_is_up_once_and_first(void **state)
{
	(void)state;
	assert_fault(M(.type = CONTROL_UP), -1, &first);
	assert_fault(M(.type = CONTROL_HANDOFF, .worker = 1), stream, &starting);
	assert_fault(M(.type = CONTROL_UNPARK), -1, &starting);
}

static void only_a_routers_messages_are_a_routers(void **state)
{
	(void)state;
	for (uint32_t type = 0; type < 64; type++)
		if (type < CONTROL_HANDOFF || type == CONTROL_ADOPT || type > CONTROL_APP_METRICS)
			assert_fault(M(.type = (enum control_type)type, .worker = 1), -1, &first);
	assert_fault(M(.type = (enum control_type)UINT32_MAX), -1, &first);
}

static void descriptors_are_where_they_belong(void **state)
{
	(void)state;
	assert_fault(M(.type = CONTROL_UP), stream, &starting);
	assert_fault(M(.type = CONTROL_IDLE, .worker = 1), stream, &first);
	assert_fault(M(.type = CONTROL_UNPARK), stream, &first);
	for (size_t i = 0; i < 3; i++) {
		int bad = (int[]){ -1, packets, file }[i];

		assert_fault(M(.type = CONTROL_HANDOFF, .worker = 1), bad, &first);
		assert_fault(M(.type = CONTROL_PARK, .worker = 1), bad, &first);
	}
}

static void workers_are_some_that_there_were(void **state)
{
	static const enum control_type of_worker[] = { CONTROL_PROBED, CONTROL_HEALTH,
						       CONTROL_IDLE };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(of_worker); i++) {
		assert_fault(M(.type = of_worker[i]), -1, &first);
		assert_fault(M(.type = of_worker[i], .worker = LAST_WORKER + 1), -1, &first);
	}
	assert_fault(M(.type = CONTROL_HANDOFF, .worker = UINT32_MAX), stream, &first);
	assert_fault(M(.type = CONTROL_PARK), stream, &first);
}

static void values_have_a_meaning(void **state)
{
	(void)state;
	assert_fault(M(.type = CONTROL_HANDOFF, .worker = 1, .kind = HANDOFF_RAW + 1), stream,
		     &first);
	assert_fault(M(.type = CONTROL_PROBED, .worker = 1, .style = WORKER_STYLE_UNIX + 1), -1,
		     &first);
	assert_fault(M(.type = CONTROL_HEALTH, .worker = 1, .state = HEALTH_BAD + 1), -1, &first);
	assert_fault(M(.type = CONTROL_HEALTH, .worker = 1, .kind = 1000), -1, &first);
	assert_fault(M(.type = CONTROL_PARK, .worker = 1, .kind = PARK_N), stream, &first);
	assert_fault(M(.type = CONTROL_PARK, .worker = 1, .state = 2), stream, &first);
	assert_fault(M(.type = CONTROL_PARK, .worker = 1, .style = 2), stream, &first);
	assert_fault(M(.type = CONTROL_PARK, .worker = 1, .tls = 2), stream, &first);
	assert_fault(M(.type = CONTROL_HANDOFF, .worker = 1, .tls = 2), stream, &first);
}

static void only_the_first_judges_workers(void **state)
{
	(void)state;
	assert_fault(M(.type = CONTROL_PROBED, .worker = 1), -1, &other);
	assert_fault(M(.type = CONTROL_HEALTH, .worker = 1), -1, &other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_that_routers_say_is_sound),
		cmocka_unit_test(a_descriptor_that_was_lost_is_nobodys_fault),
		cmocka_unit_test(only_the_first_asks_for_the_admin_address),
		cmocka_unit_test(it_is_up_once_and_first),
		cmocka_unit_test(only_a_routers_messages_are_a_routers),
		cmocka_unit_test(descriptors_are_where_they_belong),
		cmocka_unit_test(workers_are_some_that_there_were),
		cmocka_unit_test(values_have_a_meaning),
		cmocka_unit_test(only_the_first_judges_workers),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
