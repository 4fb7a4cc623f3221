/* The relay with fake members: who gets what, what is said of one that leaves, and who is not read
 * while somebody is behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/macros.h"
#include "ipc/node.h"
#include "ipc/wire.h"
#include "relay/hub.h"

enum { MEMBERS = 4, FRAMES_MAX = 16 };

struct fake {
	struct hub_member member;
	struct blob *got[FRAMES_MAX];
	unsigned n_got, n_calls;
	bool congested, paused;
};

static struct hub hub;
static struct fake fakes[MEMBERS];

static bool fake_send(struct hub_member *m, struct blob *frame)
{
	struct fake *f = container_of(m, struct fake, member);

	assert_true(f->n_got < FRAMES_MAX);
	f->got[f->n_got++] = blob_ref(frame);
	f->n_calls++;
	return f->congested;
}

static void fake_pause(struct hub_member *m, bool paused)
{
	struct fake *f = container_of(m, struct fake, member);

	f->n_calls++;
	assert_true(paused != f->paused);
	f->paused = paused;
}

static const struct hub_member_ops ops = { fake_send, fake_pause };

static void forget(struct fake *f)
{
	for (unsigned i = 0; i < f->n_got; i++)
		blob_unref(f->got[i]);
	f->n_got = f->n_calls = 0;
}

static void forget_all(void)
{
	for (int i = 0; i < MEMBERS; i++)
		forget(&fakes[i]);
}

static int setup(void **state)
{
	(void)state;
	hub_init(&hub, SERIAL_JSON);
	for (int i = 0; i < MEMBERS; i++) {
		fakes[i] = (struct fake){ 0 };
		hub_join(&hub, &fakes[i].member, &ops, i + 1);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (int i = 0; i < MEMBERS; i++)
		hub_leave(&fakes[i].member);
	forget_all();
	return 0;
}

/* @from says what stands in @json, as an adapter. */
static void say(int from, const char *json)
{
	static struct node_msg m;
	char frame[512];
	int n = snprintf(frame, sizeof(frame), "%s\n", json);

	assert_int_equal(node_read(SERIAL_JSON, str_of(json), &m), 0);
	assert_int_equal(m.kind, NODE_ADAPTER);
	hub_receive(&fakes[from].member, &m, (struct str){ frame, (size_t)n });
}

static void say_new(int from, const char *nsp)
{
	char json[256];

	(void)snprintf(json, sizeof(json),
		       "{\"source\":\"_sio_adapter\",\"type\":3,\"uid\":\"u%d\",\"nsp\":\"%s\"}",
		       from, nsp);
	say(from, json);
}

static void say_old(int from)
{
	say(from, "{\"source\":\"_sio_adapter\",\"type\":4,\"data\":{\"packet\":1}}");
}

static void assert_got(int who, unsigned n)
{
	assert_int_equal(fakes[who].n_got, n);
}

static bool has_got(int who, const char *json)
{
	const struct fake *f = &fakes[who];
	size_t n = strlen(json);

	for (unsigned i = 0; i < f->n_got; i++)
		if (f->got[i]->len == n + 1 && memcmp(f->got[i]->bytes, json, n) == 0)
			return true;
	return false;
}

/* Relaying */

static void a_broadcast_goes_to_all_others_unchanged(void **state)
{
	static const char json[] =
	    "{\"source\":\"_sio_adapter\",\"type\":3,\"uid\":\"u1\",\"nsp\":\"/\",\"x\":[1, 2]}";

	(void)state;
	say(1, json);
	assert_got(1, 0);
	for (int i = 0; i < MEMBERS; i++)
		assert_int_equal(has_got(i, json), i != 1);
	assert_ptr_equal(fakes[0].got[0], fakes[2].got[0]);
}

static void an_answer_goes_to_the_one_that_asked(void **state)
{
	static const char json[] = "{\"source\":\"_sio_adapter\",\"type\":8,\"uid\":\"u0\","
				   "\"nsp\":\"/\",\"requesterUid\":\"u2\"}";

	(void)state;
	say_new(2, "/");
	forget_all();
	say(0, json);
	assert_true(has_got(2, json));
	assert_got(1, 0);
	assert_got(3, 0);
}

static void an_answer_to_a_stranger_goes_nowhere(void **state)
{
	(void)state;
	say(0, "{\"source\":\"_sio_adapter\",\"type\":8,\"uid\":\"u0\",\"nsp\":\"/\","
	       "\"requesterUid\":\"nobody\"}");
	say(0, "{\"source\":\"_sio_adapter\",\"type\":9,\"data\":{\"workerId\":77}}");
	say(0, "{\"source\":\"_sio_adapter\",\"type\":9,\"data\":{\"workerId\":\"2\"}}");
	for (int i = 0; i < MEMBERS; i++)
		assert_got(i, 0);
}

static void an_answer_to_oneself_goes_nowhere(void **state)
{
	(void)state;
	say_new(0, "/");
	forget_all();
	say(0, "{\"source\":\"_sio_adapter\",\"type\":8,\"uid\":\"u0\",\"nsp\":\"/\","
	       "\"requesterUid\":\"u0\"}");
	for (int i = 0; i < MEMBERS; i++)
		assert_got(i, 0);
}

static void the_old_family_answers_by_worker_id(void **state)
{
	static const char fetched[] =
	    "{\"source\":\"_sio_adapter\",\"type\":9,\"data\":{\"workerId\":4}}";
	static const char emitted[] =
	    "{\"source\":\"_sio_adapter\",\"type\":11,\"data\":{\"workerId\":4}}";
	static const char request[] =
	    "{\"source\":\"_sio_adapter\",\"type\":8,\"data\":{\"workerId\":4}}";

	(void)state;
	say(0, fetched);
	say(0, emitted);
	assert_true(has_got(3, fetched));
	assert_true(has_got(3, emitted));
	assert_got(1, 0);
	say(3, request);
	assert_true(has_got(0, request));
	assert_true(has_got(1, request));
	assert_true(has_got(2, request));
}

static void the_last_member_speaks_to_nobody(void **state)
{
	(void)state;
	for (int i = 1; i < MEMBERS; i++)
		hub_leave(&fakes[i].member);
	say_new(0, "/");
	say_old(0);
	assert_got(0, 0);
}

/* Leaving */

static void leaving_is_announced_for_every_namespace(void **state)
{
	(void)state;
	say_new(1, "/");
	say_new(1, "/chat");
	say_new(1, "/chat");
	say_new(2, "/");
	forget_all();
	hub_leave(&fakes[1].member);
	for (int i = 0; i < MEMBERS; i++)
		assert_got(i, i == 1 ? 0 : 2);
	assert_true(has_got(0, "{\"type\":13,\"uid\":\"u1\",\"nsp\":\"/\","
			       "\"source\":\"_sio_adapter\"}"));
	assert_true(has_got(0, "{\"type\":13,\"uid\":\"u1\",\"nsp\":\"/chat\","
			       "\"source\":\"_sio_adapter\"}"));
}

static void the_old_family_hears_of_a_workers_exit(void **state)
{
	(void)state;
	say_old(1);
	forget_all();
	hub_leave(&fakes[1].member);
	assert_got(0, 1);
	assert_true(has_got(0, "{\"type\":3,\"data\":2,\"source\":\"_sio_adapter\"}"));
}

static void one_that_never_spoke_leaves_in_silence(void **state)
{
	(void)state;
	hub_leave(&fakes[1].member);
	hub_leave(&fakes[1].member);
	for (int i = 0; i < MEMBERS; i++)
		assert_got(i, 0);
}

static void one_that_left_gets_nothing_and_may_come_back(void **state)
{
	(void)state;
	hub_leave(&fakes[1].member);
	say_new(0, "/");
	assert_got(1, 0);
	assert_got(2, 1);
	hub_join(&hub, &fakes[1].member, &ops, 20);
	say_new(0, "/");
	assert_got(1, 1);
}

static void an_answer_does_not_reach_one_that_left(void **state)
{
	(void)state;
	say_new(2, "/");
	hub_leave(&fakes[2].member);
	forget_all();
	say(0, "{\"source\":\"_sio_adapter\",\"type\":8,\"uid\":\"u0\",\"nsp\":\"/\","
	       "\"requesterUid\":\"u2\"}");
	for (int i = 0; i < MEMBERS; i++)
		assert_got(i, 0);
}

/* Back-pressure */

static void a_sender_waits_for_the_slowest(void **state)
{
	(void)state;
	fakes[2].congested = true;
	say_new(0, "/");
	assert_true(fakes[0].paused);
	assert_false(fakes[1].paused);
	assert_false(fakes[2].paused);
	fakes[2].congested = false;
	hub_drained(&fakes[2].member);
	assert_false(fakes[0].paused);
}

static void senders_wait_until_all_have_caught_up(void **state)
{
	(void)state;
	fakes[2].congested = fakes[3].congested = true;
	say_new(0, "/");
	say_new(1, "/");
	hub_drained(&fakes[2].member);
	assert_true(fakes[0].paused);
	assert_true(fakes[1].paused);
	hub_drained(&fakes[3].member);
	assert_false(fakes[0].paused);
	assert_false(fakes[1].paused);
}

static void a_congested_member_may_speak_to_those_who_are_not(void **state)
{
	(void)state;
	fakes[2].congested = true;
	say_new(0, "/");
	say_new(2, "/");
	assert_false(fakes[2].paused);
	assert_got(1, 2);
}

static void an_answer_waits_for_its_receiver_only(void **state)
{
	(void)state;
	say_new(2, "/");
	fakes[2].congested = true;
	say(0, "{\"source\":\"_sio_adapter\",\"type\":8,\"uid\":\"u0\",\"nsp\":\"/\","
	       "\"requesterUid\":\"u2\"}");
	assert_true(fakes[0].paused);
	say_new(1, "/");
	say(3, "{\"source\":\"_sio_adapter\",\"type\":8,\"uid\":\"u3\",\"nsp\":\"/\","
	       "\"requesterUid\":\"u1\"}");
	assert_false(fakes[3].paused);
}

static void draining_without_congestion_changes_nothing(void **state)
{
	(void)state;
	fakes[2].congested = true;
	say_new(0, "/");
	hub_drained(&fakes[1].member);
	assert_true(fakes[0].paused);
	hub_drained(&fakes[2].member);
	hub_drained(&fakes[2].member);
	assert_false(fakes[0].paused);
}

static void the_others_go_on_when_the_slowest_leaves(void **state)
{
	(void)state;
	fakes[2].congested = true;
	say_new(0, "/");
	hub_leave(&fakes[2].member);
	assert_false(fakes[0].paused);
	hub_drained(&fakes[2].member);
}

static void one_that_leaves_is_not_called_any_more(void **state)
{
	(void)state;
	fakes[2].congested = fakes[3].congested = true;
	say_new(0, "/");
	say_new(2, "/");
	say_new(2, "/");
	hub_drained(&fakes[3].member);
	assert_true(fakes[2].paused);
	forget_all();
	hub_leave(&fakes[2].member);
	assert_int_equal(fakes[2].n_calls, 0);
	assert_false(fakes[0].paused);
}

static void a_leave_may_congest(void **state)
{
	(void)state;
	say_new(1, "/");
	fakes[3].congested = true;
	hub_leave(&fakes[1].member);
	say_new(0, "/");
	assert_true(fakes[0].paused);
	hub_drained(&fakes[3].member);
	assert_false(fakes[0].paused);
}

#define HUB(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HUB(a_broadcast_goes_to_all_others_unchanged),
		HUB(an_answer_goes_to_the_one_that_asked),
		HUB(an_answer_to_a_stranger_goes_nowhere),
		HUB(an_answer_to_oneself_goes_nowhere),
		HUB(the_old_family_answers_by_worker_id),
		HUB(the_last_member_speaks_to_nobody),
		HUB(leaving_is_announced_for_every_namespace),
		HUB(the_old_family_hears_of_a_workers_exit),
		HUB(one_that_never_spoke_leaves_in_silence),
		HUB(one_that_left_gets_nothing_and_may_come_back),
		HUB(an_answer_does_not_reach_one_that_left),
		HUB(a_sender_waits_for_the_slowest),
		HUB(senders_wait_until_all_have_caught_up),
		HUB(a_congested_member_may_speak_to_those_who_are_not),
		HUB(an_answer_waits_for_its_receiver_only),
		HUB(draining_without_congestion_changes_nothing),
		HUB(the_others_go_on_when_the_slowest_leaves),
		HUB(one_that_leaves_is_not_called_any_more),
		HUB(a_leave_may_congest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
