/* The relay with fake members: who gets what, what is said of one that leaves, and who pays when
 * somebody is slow or floods. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/macros.h"
#include "ipc/node.h"
#include "ipc/wire.h"
#include "relay/hub.h"

enum { MEMBERS = 4, FRAMES_MAX = 1024, QUOTA = 1 << 20, TIMEOUT_MS = 30000 };

struct fake {
	struct hub_member member;
	struct blob *got[FRAMES_MAX];
	unsigned n_got, n_dropped;
	uint64_t age_ms;
	struct hub_backlog incoming; /* the begin of a large frame */
	int err;                     /* of the next send */
	const char *evicted;
};

static struct hub hub;
static struct fake fakes[MEMBERS];

static struct fake *of(struct hub_member *m)
{
	return container_of(m, struct fake, member);
}

static int fake_send(struct hub_member *m, struct blob *frame)
{
	struct fake *f = of(m);

	if (f->err)
		return f->err;
	if (f->n_got == FRAMES_MAX)
		f->n_dropped++;
	else
		f->got[f->n_got++] = blob_ref(frame);
	return 0;
}

static struct hub_backlog fake_backlog(struct hub_member *m)
{
	const struct fake *f = of(m);
	struct hub_backlog b = { .age_ms = f->age_ms };

	for (unsigned i = 0; i < f->n_got; i++)
		b.bytes += f->got[i]->len;
	return b;
}

static struct hub_backlog fake_incoming(struct hub_member *m)
{
	return of(m)->incoming;
}

static void fake_drop_incoming(struct hub_member *m)
{
	hub.quota.used -= of(m)->incoming.bytes;
	of(m)->incoming.bytes = 0;
}

static void forget(struct fake *f)
{
	for (unsigned i = 0; i < f->n_got; i++)
		blob_unref(f->got[i]);
	f->n_got = 0;
}

static void fake_evicted(struct hub_member *m, const char *why)
{
	of(m)->evicted = why;
	forget(of(m));
}

static const struct hub_member_ops ops = { fake_send, fake_backlog, fake_incoming,
					   fake_drop_incoming, fake_evicted };

static void forget_all(void)
{
	for (int i = 0; i < MEMBERS; i++)
		forget(&fakes[i]);
}

static int setup(void **state)
{
	(void)state;
	hub_init(&hub, SERIAL_JSON, QUOTA, TIMEOUT_MS);
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
	assert_int_equal(hub.quota.used, 0);
	assert_null(hub.adapters);
	assert_null(hub.groups);
	return 0;
}

/* What stands in @text, without its end, comes from @from with one read. */
static void read_from(int from, const char *text)
{
	static struct node_msg m;

	while (*text) {
		const char *end = strchr(text, '\n');
		size_t n = (size_t)(end - text);
		struct channel_frame f = { { text, n }, { text, n + 1 }, NULL, -1 };

		assert_int_equal(node_read(SERIAL_JSON, f.payload, &m), 0);
		if (m.kind == NODE_ADAPTER || m.kind == NODE_ENGINE)
			hub_receive(&fakes[from].member, &m, &f);
		else
			hub_relay_app(&fakes[from].member, &f);
		text = end + 1;
	}
	hub_flush(&fakes[from].member);
}

static void say(int from, const char *json)
{
	char line[1024];

	(void)snprintf(line, sizeof(line), "%s\n", json);
	read_from(from, line);
}

static void say_new(int from, const char *nsp)
{
	char json[512];

	(void)snprintf(json, sizeof(json),
		       "{\"source\":\"_sio_adapter\",\"type\":3,\"uid\":\"u%d%s\",\"nsp\":\"%s\"}",
		       from, nsp, nsp);
	say(from, json);
}

static void say_old(int from)
{
	say(from, "{\"source\":\"_sio_adapter\",\"type\":4,\"data\":{\"packet\":1},\"nsp\":\"/\"}");
}

static void all_take_part(void (*speak)(int from))
{
	for (int i = 0; i < MEMBERS; i++)
		speak(i);
	forget_all();
}

static void speak_new(int from)
{
	say_new(from, "/");
}

static void speak_chat(int from)
{
	say_new(from, "/chat");
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

static void assert_silence(void)
{
	for (int i = 0; i < MEMBERS; i++)
		assert_got(i, 0);
}

/* Relaying */

static void a_broadcast_goes_to_all_others_unchanged(void **state)
{
	static const char json[] =
	    "{\"source\":\"_sio_adapter\",\"type\":3,\"uid\":\"u1/\",\"nsp\":\"/\",\"x\":[1, 2]}";

	(void)state;
	all_take_part(speak_new);
	say(1, json);
	assert_got(1, 0);
	for (int i = 0; i < MEMBERS; i++)
		assert_int_equal(has_got(i, json), i != 1);
	assert_ptr_equal(fakes[0].got[0], fakes[2].got[0]);
}

static void who_has_not_spoken_in_a_namespace_hears_nothing_of_it(void **state)
{
	(void)state;
	say_new(0, "/");
	assert_silence();
	say_new(1, "/");
	assert_got(0, 1);
	say_new(2, "/chat");
	assert_got(0, 1);
	assert_got(1, 0);
	say_new(0, "/");
	assert_got(1, 1);
	assert_got(2, 0);
}

static void two_servers_of_a_worker_are_one_receiver(void **state)
{
	(void)state;
	say(1, "{\"source\":\"_sio_adapter\",\"type\":1,\"uid\":\"a\",\"nsp\":\"/\"}");
	say(1, "{\"source\":\"_sio_adapter\",\"type\":1,\"uid\":\"b\",\"nsp\":\"/\"}");
	say_new(0, "/");
	assert_got(1, 1);
}

static void neighbours_of_a_read_travel_together(void **state)
{
	static const char read[] =
	    "{\"source\":\"_sio_adapter\",\"type\":3,\"uid\":\"u0/\",\"nsp\":\"/\"}\n"
	    "{\"source\":\"_sio_adapter\",\"type\":3,\"uid\":\"u0/\",\"nsp\":\"/\",\"x\":2}\n"
	    "{\"source\":\"_sio_adapter\",\"type\":8,\"uid\":\"u0/\",\"nsp\":\"/"
	    "\",\"requesterUid\":\"u2/\"}\n"
	    "{\"source\":\"_sio_adapter\",\"type\":3,\"uid\":\"u0/\",\"nsp\":\"/\",\"x\":3}\n";

	(void)state;
	all_take_part(speak_new);
	read_from(0, read);
	assert_got(1, 2);
	assert_got(2, 3);
	assert_memory_equal(fakes[1].got[0]->bytes, read, fakes[1].got[0]->len);
	assert_int_equal(fakes[1].got[0]->len + fakes[2].got[1]->len + fakes[1].got[1]->len,
			 strlen(read));
}

static void an_answer_goes_to_the_one_that_asked(void **state)
{
	static const char json[] = "{\"source\":\"_sio_adapter\",\"type\":8,\"uid\":\"u0/\","
				   "\"nsp\":\"/\",\"requesterUid\":\"u2/\"}";

	(void)state;
	all_take_part(speak_new);
	say(0, json);
	assert_true(has_got(2, json));
	assert_got(1, 0);
	assert_got(3, 0);
}

static void an_answer_to_a_stranger_goes_nowhere(void **state)
{
	(void)state;
	all_take_part(speak_new);
	say(0, "{\"source\":\"_sio_adapter\",\"type\":8,\"uid\":\"u0/\",\"nsp\":\"/\","
	       "\"requesterUid\":\"nobody\"}");
	say(0, "{\"source\":\"_sio_adapter\",\"type\":8,\"uid\":\"u0/\",\"nsp\":\"/\","
	       "\"requesterUid\":\"u0/\"}");
	say(0, "{\"source\":\"_sio_adapter\",\"type\":9,\"data\":{\"workerId\":77}}");
	say(0, "{\"source\":\"_sio_adapter\",\"type\":9,\"data\":{\"workerId\":\"2\"}}");
	assert_silence();
}

static void the_old_family_answers_by_worker_id(void **state)
{
	static const char fetched[] =
	    "{\"source\":\"_sio_adapter\",\"type\":9,\"data\":{\"workerId\":4},\"nsp\":\"/\"}";
	static const char emitted[] =
	    "{\"source\":\"_sio_adapter\",\"type\":11,\"data\":{\"workerId\":4},\"nsp\":\"/\"}";
	static const char request[] =
	    "{\"source\":\"_sio_adapter\",\"type\":8,\"data\":{\"workerId\":4},\"nsp\":\"/\"}";

	(void)state;
	all_take_part(say_old);
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

static void the_families_never_hear_each_other(void **state)
{
	(void)state;
	say_old(0);
	say_new(1, "/");
	say_old(2);
	say_new(3, "/");
	forget_all();
	say_old(0);
	say_new(1, "/");
	assert_got(0, 0);
	assert_got(1, 0);
	assert_got(2, 1);
	assert_got(3, 1);
	forget_all();
	hub_leave(&fakes[0].member);
	assert_got(2, 1);
	assert_got(3, 0);
}

static void the_last_member_speaks_to_nobody(void **state)
{
	(void)state;
	all_take_part(speak_new);
	for (int i = 1; i < MEMBERS; i++)
		hub_leave(&fakes[i].member);
	forget_all();
	say_new(0, "/");
	say_old(0);
	assert_silence();
}

static void what_has_a_strange_uid_is_passed_over(void **state)
{
	(void)state;
	all_take_part(speak_new);
	say(0, "{\"source\":\"_sio_adapter\",\"type\":3,\"uid\":7,\"nsp\":\"/\"}");
	assert_silence();
	assert_int_equal(hub.passed_over.n[HUB_UNREADABLE], 1);
}

/* cluster-engine and the app's own messages */

static void an_engine_speaks_to_all_that_are_ready(void **state)
{
	static const char json[] = "{\"_source\":\"_eio\",\"senderId\":\"e0\",\"type\":1}";

	(void)state;
	hub_ready(&fakes[1].member);
	hub_ready(&fakes[0].member);
	say(0, json);
	assert_true(has_got(1, json));
	assert_got(0, 0);
	assert_got(2, 0);
}

static void an_engine_answers_the_one_it_names(void **state)
{
	static const char known[] =
	    "{\"_source\":\"_eio\",\"senderId\":\"e1\",\"recipientId\":\"e0\"}";
	static const char unknown[] =
	    "{\"_source\":\"_eio\",\"senderId\":\"e1\",\"recipientId\":\"e9\"}";

	(void)state;
	for (int i = 0; i < MEMBERS; i++)
		hub_ready(&fakes[i].member);
	say(0, "{\"_source\":\"_eio\",\"senderId\":\"e0\"}");
	say(0, "{\"_source\":\"_eio\",\"senderId\":\"another\"}");
	forget_all();
	say(1, known);
	assert_true(has_got(0, known));
	assert_got(2, 0);
	say(1, unknown);
	assert_true(has_got(2, unknown));
	assert_true(has_got(0, unknown));
}

static void a_message_of_the_app_goes_to_all_that_are_ready(void **state)
{
	(void)state;
	hub_ready(&fakes[2].member);
	say(0, "{\"hello\":1}");
	assert_true(has_got(2, "{\"hello\":1}"));
	assert_got(1, 0);
	assert_got(3, 0);
}

static void an_adapter_with_the_name_of_an_engine_harms_nobody(void **state)
{
	(void)state;
	all_take_part(speak_new);
	say(0, "{\"_source\":\"_eio\",\"senderId\":\"x\"}");
	say(0, "{\"source\":\"_sio_adapter\",\"type\":3,\"uid\":\"x\",\"nsp\":\"/\"}");
	say(0, "{\"source\":\"_sio_adapter\",\"type\":13,\"uid\":\"x\",\"nsp\":\"/\"}");
	say(0, "{\"source\":\"_sio_adapter\",\"type\":2,\"uid\":\"x\",\"nsp\":\"/\"}");
	assert_silence();
}

/* Leaving */

static void leaving_is_announced_for_every_namespace(void **state)
{
	(void)state;
	all_take_part(speak_new);
	all_take_part(speak_chat);
	hub_leave(&fakes[1].member);
	for (int i = 0; i < MEMBERS; i++)
		assert_got(i, i == 1 ? 0 : 2);
	assert_true(has_got(0, "{\"type\":13,\"uid\":\"u1/\",\"nsp\":\"/\","
			       "\"source\":\"_sio_adapter\"}"));
	assert_true(has_got(0, "{\"type\":13,\"uid\":\"u1/chat\",\"nsp\":\"/chat\","
			       "\"source\":\"_sio_adapter\"}"));
}

static void where_the_name_is_long_it_is_announced_with_the_next_frame(void **state)
{
	char nsp[400], closed[1024];

	(void)state;
	memset(nsp, 'n', sizeof(nsp));
	memcpy(nsp, "/", 1);
	nsp[sizeof(nsp) - 1] = '\0';
	for (int i = 0; i < MEMBERS; i++) {
		char frame[1024];

		(void)snprintf(
		    frame, sizeof(frame),
		    "{\"source\":\"_sio_adapter\",\"type\":1,\"uid\":\"l%d\",\"nsp\":\"%s\"}", i,
		    nsp);
		say(i, frame);
	}
	forget_all();
	hub_leave(&fakes[1].member);
	assert_silence();
	(void)snprintf(closed, sizeof(closed),
		       "{\"type\":13,\"uid\":\"l1\",\"nsp\":\"%s\",\"source\":\"_sio_adapter\"}",
		       nsp);
	{
		char frame[1024];

		(void)snprintf(
		    frame, sizeof(frame),
		    "{\"source\":\"_sio_adapter\",\"type\":7,\"uid\":\"l0\",\"nsp\":\"%s\"}", nsp);
		say(0, frame);
		assert_true(has_got(2, frame));
	}
	assert_true(has_got(0, closed));
	assert_true(has_got(2, closed));
	assert_got(0, 1);
	assert_got(2, 2);
}

static void the_old_family_hears_of_a_workers_exit(void **state)
{
	(void)state;
	all_take_part(say_old);
	hub_leave(&fakes[1].member);
	assert_got(0, 1);
	assert_true(has_got(0, "{\"type\":3,\"data\":2,\"source\":\"_sio_adapter\"}"));
}

static void one_that_never_spoke_leaves_in_silence(void **state)
{
	(void)state;
	hub_leave(&fakes[1].member);
	hub_leave(&fakes[1].member);
	assert_silence();
}

static void one_that_left_gets_nothing_and_may_come_back(void **state)
{
	(void)state;
	all_take_part(speak_new);
	hub_leave(&fakes[1].member);
	forget_all();
	say_new(0, "/");
	assert_got(1, 0);
	assert_got(2, 1);
	hub_join(&hub, &fakes[1].member, &ops, 20);
	say_new(1, "/");
	say_new(0, "/");
	assert_got(1, 1);
}

static void an_answer_does_not_reach_one_that_left(void **state)
{
	(void)state;
	all_take_part(speak_new);
	hub_leave(&fakes[2].member);
	forget_all();
	say(0, "{\"source\":\"_sio_adapter\",\"type\":8,\"uid\":\"u0/\",\"nsp\":\"/\","
	       "\"requesterUid\":\"u2/\"}");
	assert_silence();
}

static void who_has_closed_stays_closed(void **state)
{
	(void)state;
	all_take_part(speak_new);
	say(1, "{\"source\":\"_sio_adapter\",\"type\":13,\"uid\":\"u1/\",\"nsp\":\"/\"}");
	assert_got(0, 1);
	forget_all();
	for (int i = 0; i < 3; i++)
		say_new(1, "/"); /* heartbeats of the closed one */
	say_new(0, "/");
	assert_got(0, 0);
	assert_got(1, 0);
	assert_got(2, 1);
	say(1, "{\"source\":\"_sio_adapter\",\"type\":1,\"uid\":\"again\",\"nsp\":\"/\"}");
	assert_got(0, 1);
	forget_all();
	hub_leave(&fakes[1].member);
	assert_got(0, 1);
	assert_true(has_got(
	    0, "{\"type\":13,\"uid\":\"again\",\"nsp\":\"/\",\"source\":\"_sio_adapter\"}"));
}

/* Bounds */

static void namespaces_that_come_and_go_leave_little(void **state)
{
	char json[256];

	(void)state;
	all_take_part(speak_new);
	for (int i = 0; i < 100000; i++) {
		(void)snprintf(
		    json, sizeof(json),
		    "{\"source\":\"_sio_adapter\",\"type\":1,\"uid\":\"c%d\",\"nsp\":\"/d-%d\"}", i,
		    i);
		say(0, json);
		(void)snprintf(
		    json, sizeof(json),
		    "{\"source\":\"_sio_adapter\",\"type\":13,\"uid\":\"c%d\",\"nsp\":\"/d-%d\"}",
		    i, i);
		say(0, json);
	}
	assert_true(fakes[0].member.membership_bytes <= HUB_MEMBERSHIP_BYTES_MAX);
	assert_false(fakes[0].member.is_told_all);
	say_new(0, "/");
	assert_got(1, 1);
}

static void one_with_too_many_namespaces_is_told_everything(void **state)
{
	char json[256];
	int i;

	(void)state;
	all_take_part(speak_new);
	for (i = 0; !fakes[0].member.is_told_all; i++) {
		assert_true(i < 100000);
		(void)snprintf(
		    json, sizeof(json),
		    "{\"source\":\"_sio_adapter\",\"type\":1,\"uid\":\"c%d\",\"nsp\":\"/d-%d\"}", i,
		    i);
		say(0, json);
	}
	assert_true(i > 5000);
	say_new(1, "/elsewhere");
	assert_got(0, 1);
	say_new(1, "/");
	assert_got(0, 2);
	forget_all();
	say(1, "{\"source\":\"_sio_adapter\",\"type\":8,\"uid\":\"u1/\",\"nsp\":\"/"
	       "\",\"requesterUid\":\"unknown\"}");
	assert_got(0, 1);
	assert_got(2, 0);
}

static void flood(int from, size_t bytes)
{
	static char line[10 << 10];
	int n = snprintf(
	    line, sizeof(line),
	    "{\"source\":\"_sio_adapter\",\"type\":3,\"uid\":\"u%d/\",\"nsp\":\"/\",\"x\":\"",
	    from);

	memset(line + n, 'x', sizeof(line) - (size_t)n);
	memcpy(line + sizeof(line) - 4, "\"}\n", 4);
	for (size_t sent = 0; sent < bytes; sent += sizeof(line))
		read_from(from, line);
}

static void the_slow_one_leaves_and_the_others_hear_of_it(void **state)
{
	(void)state;
	all_take_part(speak_new);
	fakes[2].age_ms = HUB_SLOW_MS;
	for (int i = 0; i < 100 && !fakes[2].evicted; i++) {
		flood(0, QUOTA / 32);
		forget(&fakes[1]);
		forget(&fakes[3]);
	}
	assert_non_null(fakes[2].evicted);
	assert_null(fakes[2].member.hub);
	for (int i = 0; i < MEMBERS; i++)
		assert_int_equal(fakes[i].evicted != NULL, i == 2);
	forget_all();
	say_new(0, "/");
	assert_got(1, 1);
	assert_got(2, 0);
	assert_int_equal(hub.passed_over.n[HUB_NO_ROOM], 0);
}

static void a_burst_hurts_nobody(void **state)
{
	(void)state;
	all_take_part(speak_new);
	flood(0, QUOTA / 10 * 4);
	for (int i = 1; i < MEMBERS; i++) {
		assert_got(i, QUOTA / 10 * 4 / (10 << 10) + 1);
		assert_null(fakes[i].evicted);
	}
	assert_true(hub.quota.used < QUOTA / 2);
}

static void who_floods_pays_when_nobody_is_slow(void **state)
{
	(void)state;
	all_take_part(speak_new);
	speak_new(1);
	flood(0, 2 * QUOTA);
	assert_non_null(fakes[0].evicted);
	for (int i = 1; i < MEMBERS; i++)
		assert_null(fakes[i].evicted);
	assert_true(hub.quota.used <= QUOTA);
}

static void incoming(int from, size_t bytes, uint64_t age_ms)
{
	hub.quota.used += bytes;
	fakes[from].incoming = (struct hub_backlog){ bytes, age_ms };
}

static void a_frame_that_does_not_go_on_hurts_nobody(void **state)
{
	(void)state;
	all_take_part(speak_new);
	incoming(3, QUOTA / 8 * 7, 0);
	flood(0, QUOTA / 4);
	assert_int_equal(fakes[3].incoming.bytes, 0);
	for (int i = 0; i < MEMBERS; i++)
		assert_null(fakes[i].evicted);
	assert_got(1, QUOTA / 4 / (10 << 10) + 1);
	assert_int_equal(hub.passed_over.n[HUB_NO_ROOM], 0);
}

static void a_frame_that_is_received_makes_only_the_slow_leave(void **state)
{
	(void)state;
	all_take_part(speak_new);
	flood(0, QUOTA / 2);
	hub_make_room(&fakes[3].member, QUOTA);
	for (int i = 0; i < MEMBERS; i++)
		assert_null(fakes[i].evicted);
	fakes[1].age_ms = HUB_SLOW_MS;
	incoming(2, QUOTA / 8, HUB_SLOW_MS);
	hub_make_room(&fakes[3].member, QUOTA);
	assert_non_null(fakes[1].evicted);
	assert_null(fakes[2].evicted);
	assert_int_equal(fakes[2].incoming.bytes, 0);
}

static void a_flood_costs_nobody_else_his_place(void **state)
{
	(void)state;
	all_take_part(speak_new);
	flood(1, QUOTA / 10);
	flood(0, 2 * QUOTA);
	assert_non_null(fakes[0].evicted);
	for (int i = 0; i < 5; i++)
		flood(1 + i % 3, QUOTA / 20); /* nothing is read yet */
	for (int i = 1; i < MEMBERS; i++)
		assert_null(fakes[i].evicted);
	assert_int_equal(hub.passed_over.n[HUB_NO_ROOM], 0);
	forget_all();
	say_new(1, "/");
	assert_int_equal(hub.quota.max, QUOTA);
}

static void who_is_behind_the_others_leaves(void **state)
{
	(void)state;
	all_take_part(speak_new);
	for (int i = 0; i < 200 && !fakes[3].evicted; i++) {
		flood(i % 3, QUOTA / 100);
		for (int k = 0; k < 3; k++)
			forget(&fakes[k]);
	}
	assert_non_null(fakes[3].evicted);
	for (int i = 0; i < 3; i++)
		assert_null(fakes[i].evicted);
	assert_int_equal(hub.passed_over.n[HUB_NO_ROOM], 0);
}

static void what_is_larger_than_the_quota_is_passed_over(void **state)
{
	struct node_msg m = { .kind = NODE_ADAPTER, .adapter_type = 3 };
	static char large[QUOTA + 1];
	struct channel_frame f = { { large, QUOTA }, { large, QUOTA + 1 }, NULL, -1 };

	(void)state;
	all_take_part(speak_new);
	m.uid = (struct value){ .type = VALUE_STRING, .raw = STR("\"u0/\"") };
	hub_receive(&fakes[0].member, &m, &f);
	hub_flush(&fakes[0].member);
	assert_silence();
	assert_int_equal(hub.passed_over.n[HUB_NO_ROOM], 1);
	assert_null(fakes[0].evicted);
}

static void who_could_not_be_heard_takes_part_all_the_same(void **state)
{
	(void)state;
	incoming(1, QUOTA, 0);
	say_new(1, "/");
	assert_int_equal(hub.passed_over.n[HUB_NO_ROOM], 1);
	hub.quota.used = 0;
	fakes[1].incoming.bytes = 0;
	say_new(0, "/");
	assert_got(1, 1);
}

static void a_large_frame_is_shared_and_counted_once(void **state)
{
	struct node_msg m = { .kind = NODE_ADAPTER, .adapter_type = 3 };
	struct blob *b = blob_new(100 << 10);
	struct channel_frame f = {
		{ (char *)b->bytes, b->len }, { (char *)b->bytes, b->len }, b, -1
	};

	(void)state;
	all_take_part(speak_new);
	m.uid = (struct value){ .type = VALUE_STRING, .raw = STR("\"u0/\"") };
	hub_receive(&fakes[0].member, &m, &f);
	assert_got(1, 1);
	assert_ptr_equal(fakes[1].got[0], b);
	assert_ptr_equal(fakes[2].got[0], b);
	assert_int_equal(hub.quota.used, 100 << 10);
	blob_unref(b);
	forget_all();
	assert_int_equal(hub.quota.used, 0);
}

static void one_that_cannot_be_given_a_frame_leaves(void **state)
{
	(void)state;
	all_take_part(speak_new);
	fakes[1].err = -ENOMEM;
	fakes[3].err = -EPIPE; /* it is leaving already */
	say_new(0, "/");
	assert_non_null(fakes[1].evicted);
	assert_null(fakes[3].evicted);
	assert_got(2, 2);
	assert_true(
	    has_got(0, "{\"type\":13,\"uid\":\"u1/\",\"nsp\":\"/\",\"source\":\"_sio_adapter\"}"));
}

static void who_is_behind_for_too_long_leaves(void **state)
{
	(void)state;
	all_take_part(speak_new);
	fakes[1].age_ms = TIMEOUT_MS - 1;
	fakes[2].age_ms = TIMEOUT_MS;
	hub_look(&hub, 1);
	assert_null(fakes[1].evicted);
	assert_non_null(fakes[2].evicted);
	assert_got(1, 1);
}

#define HUB(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HUB(a_broadcast_goes_to_all_others_unchanged),
		HUB(who_has_not_spoken_in_a_namespace_hears_nothing_of_it),
		HUB(two_servers_of_a_worker_are_one_receiver),
		HUB(neighbours_of_a_read_travel_together),
		HUB(an_answer_goes_to_the_one_that_asked),
		HUB(an_answer_to_a_stranger_goes_nowhere),
		HUB(the_old_family_answers_by_worker_id),
		HUB(the_families_never_hear_each_other),
		HUB(the_last_member_speaks_to_nobody),
		HUB(what_has_a_strange_uid_is_passed_over),
		HUB(an_engine_speaks_to_all_that_are_ready),
		HUB(an_engine_answers_the_one_it_names),
		HUB(a_message_of_the_app_goes_to_all_that_are_ready),
		HUB(an_adapter_with_the_name_of_an_engine_harms_nobody),
		HUB(leaving_is_announced_for_every_namespace),
		HUB(where_the_name_is_long_it_is_announced_with_the_next_frame),
		HUB(the_old_family_hears_of_a_workers_exit),
		HUB(one_that_never_spoke_leaves_in_silence),
		HUB(one_that_left_gets_nothing_and_may_come_back),
		HUB(an_answer_does_not_reach_one_that_left),
		HUB(who_has_closed_stays_closed),
		HUB(namespaces_that_come_and_go_leave_little),
		HUB(one_with_too_many_namespaces_is_told_everything),
		HUB(the_slow_one_leaves_and_the_others_hear_of_it),
		HUB(a_burst_hurts_nobody),
		HUB(who_floods_pays_when_nobody_is_slow),
		HUB(a_frame_that_does_not_go_on_hurts_nobody),
		HUB(a_frame_that_is_received_makes_only_the_slow_leave),
		HUB(a_flood_costs_nobody_else_his_place),
		HUB(who_is_behind_the_others_leaves),
		HUB(what_is_larger_than_the_quota_is_passed_over),
		HUB(who_could_not_be_heard_takes_part_all_the_same),
		HUB(a_large_frame_is_shared_and_counted_once),
		HUB(one_that_cannot_be_given_a_frame_leaves),
		HUB(who_is_behind_for_too_long_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
