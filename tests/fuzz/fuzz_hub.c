/* The relay among members that come, speak, close, fall behind, run out of memory and die, as the
 * input says. Whoever takes part gets every message of the others once and in their order, unless
 * it has left; nobody else gets any; what the relay holds is bounded and freed. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/macros.h"
#include "relay/hub.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { MEMBERS = 5, NAMES = 4, FRAMES_IN_READ = 6, QUOTA = 64 << 10, WORDS = 16 };

struct player {
	struct hub_member member;
	struct blob *queue[4096];
	unsigned n_queued;
	struct hub_backlog incoming; /* the begin of a large frame */
	bool is_here, is_slow, has_no_memory, is_ready;
	bool takes_part[NAMES], has_closed[NAMES];
	unsigned last[MEMBERS]; /* number of the last message from each */
	unsigned life;          /* of the member: part of its uids */
};

/* A message under way. */
struct sent {
	unsigned number;
	int name; /* -1: to all that are ready */
	bool got[MEMBERS], wanted[MEMBERS];
};

static struct hub hub;
static struct player players[MEMBERS];
static struct sent read_frames[FRAMES_IN_READ];
static unsigned n_sent, last_number;

static void check(bool ok)
{
	if (!ok)
		abort();
}

static struct player *of(struct hub_member *m)
{
	return container_of(m, struct player, member);
}

static int number_of(const struct player *p)
{
	return (int)(p - players);
}

static void note_delivery(int to, int from, unsigned number)
{
	check(players[to].last[from] < number);
	players[to].last[from] = number;
	for (unsigned i = 0; i < n_sent; i++)
		if (read_frames[i].number == number) {
			check(!read_frames[i].got[to]);
			read_frames[i].got[to] = true;
			check(read_frames[i].wanted[to]);
			return;
		}
	abort();
}

/* The lines of @frame: messages, and the ends that the hub announces. */
static void note_lines(int to, const struct blob *frame)
{
	const char *p = (const char *)frame->bytes, *end = p + frame->len;

	while (p < end) {
		const char *line_end = memchr(p, '\n', (size_t)(end - p));
		int from, n = 0;
		unsigned number;
		char line[256];

		check(line_end && (size_t)(line_end - p) < sizeof(line));
		memcpy(line, p, (size_t)(line_end - p));
		line[line_end - p] = '\0';
		if (sscanf(line, "{\"from\":%d,\"number\":%u%n", &from, &number, &n) == 2 && n)
			note_delivery(to, from, number);
		else
			check(strstr(line, "\"type\":13,") != NULL);
		p = line_end + 1;
	}
}

static int play_send(struct hub_member *m, struct blob *frame)
{
	struct player *p = of(m);

	check(p->is_here);
	if (p->has_no_memory || p->n_queued == ARRAY_LEN(p->queue))
		return -ENOMEM;
	p->queue[p->n_queued++] = blob_ref(frame);
	note_lines(number_of(p), frame);
	return 0;
}

static struct hub_backlog play_backlog(struct hub_member *m)
{
	const struct player *p = of(m);
	struct hub_backlog b = { .age_ms = p->is_slow ? HUB_SLOW_MS : 0 };

	for (unsigned i = 0; i < p->n_queued; i++)
		b.bytes += p->queue[i]->len;
	return b;
}

static struct hub_backlog play_incoming(struct hub_member *m)
{
	return of(m)->incoming;
}

static void play_drop_incoming(struct hub_member *m)
{
	hub.quota.used -= of(m)->incoming.bytes;
	of(m)->incoming.bytes = 0;
	hub_passed_over(m, HUB_NO_ROOM);
}

static void drop_queue(struct player *p)
{
	for (unsigned i = 0; i < p->n_queued; i++)
		blob_unref(p->queue[i]);
	p->n_queued = 0;
}

static void gone(struct player *p)
{
	p->is_here = false;
	hub.quota.used -= p->incoming.bytes;
	p->incoming.bytes = 0;
	drop_queue(p);
}

static void play_evicted(struct hub_member *m, const char *why)
{
	check(why && !m->hub);
	gone(of(m));
}

static const struct hub_member_ops ops = { play_send, play_backlog, play_incoming,
					   play_drop_incoming, play_evicted };

static void join(struct player *p)
{
	unsigned life = p->life + 1;

	*p = (struct player){ .is_here = true, .life = life };
	for (int i = 0; i < MEMBERS; i++) /* what others said before is not for it */
		p->last[i] = last_number;
	hub_join(&hub, &p->member, &ops, number_of(p) + 1);
}

/* Speaking */

static void expect(struct sent *s, const struct player *from, int name, int to)
{
	*s = (struct sent){ .number = ++last_number, .name = name };
	for (int i = 0; i < MEMBERS; i++) {
		const struct player *p = &players[i];

		s->wanted[i] = p != from && p->is_here &&
			       (name < 0 ? p->is_ready : p->takes_part[name]) &&
			       (to < 0 || to == i);
	}
}

static int write_frame(char *dst, size_t size, struct player *from, int name, int type, int to)
{
	char requester[64] = "";

	if (name < 0)
		return snprintf(dst, size, "{\"from\":%d,\"number\":%u,\"_source\":\"_eio\"}\n",
				number_of(from), last_number);
	if (to >= 0)
		(void)snprintf(requester, sizeof(requester), "\"requesterUid\":\"u%d.%u.%d\",", to,
			       players[to].life, name);
	return snprintf(dst, size,
			"{\"from\":%d,\"number\":%u,\"type\":%d,%s\"uid\":\"u%d.%u.%d\","
			"\"nsp\":\"/%d\",\"source\":\"_sio_adapter\"}\n",
			number_of(from), last_number, type, requester, number_of(from), from->life,
			name, name);
}

static void receive(struct player *from, char *line, int n)
{
	static struct node_msg m;
	struct channel_frame f = { { line, (size_t)n - 1 }, { line, (size_t)n }, NULL, -1 };

	check(node_read(SERIAL_JSON, f.payload, &m) == 0);
	hub_receive(&from->member, &m, &f);
}

/* One read of @count messages, as @words say. */
static void speak(struct player *from, const uint8_t *words, unsigned count)
{
	static char text[FRAMES_IN_READ * 256];
	uint64_t passed_over = hub.passed_over.n[HUB_NO_ROOM];
	char *p = text;

	n_sent = 0;
	for (unsigned i = 0; i < count && from->is_here; i++) {
		int name = (int)(words[i] % (NAMES + 1)) - 1, type = words[i] & 0x80 ? 13 : 3,
		    to = words[i] & 0x40 ? (words[i] >> 3) % MEMBERS : -1, n;
		bool was_closed = name >= 0 && from->has_closed[name];

		if (to >= 0 && (name < 0 || !players[to].is_here || !players[to].takes_part[name]))
			to = -1;
		if (was_closed)
			type = 3;
		expect(&read_frames[n_sent++], from, name, to);
		if (was_closed)
			memset(read_frames[n_sent - 1].wanted, 0, sizeof(read_frames[0].wanted));
		n = write_frame(p, 256, from, name, type, to);
		receive(from, p, n);
		p += n;
		if (name >= 0 && !was_closed)
			from->takes_part[name] = type != 13;
		if (name >= 0 && type == 13)
			from->has_closed[name] = true;
	}
	if (from->is_here)
		hub_flush(&from->member);
	if (hub.passed_over.n[HUB_NO_ROOM] != passed_over)
		return;
	for (unsigned i = 0; i < n_sent; i++)
		for (int k = 0; k < MEMBERS && from->is_here; k++)
			check(!players[k].is_here ||
			      read_frames[i].got[k] == read_frames[i].wanted[k]);
}

/* One step; returns how many bytes it took. */
static size_t step(const uint8_t *b, size_t n)
{
	struct player *p = &players[b[1] % MEMBERS];
	unsigned count = 1 + b[2] % FRAMES_IN_READ;

	if (!p->is_here) {
		join(p);
		return 2;
	}
	switch (b[0] % 12) {
	case 0:
		hub_leave(&p->member);
		gone(p);
		break;
	case 1:
		p->is_slow = !p->is_slow;
		break;
	case 2:
		p->has_no_memory = b[2] & 1;
		break;
	case 3:
		drop_queue(p);
		p->is_slow = false;
		break;
	case 4:
		hub_look(&hub, b[2]);
		break;
	case 10: /* a large frame begins, if there is room for it */
		if (p->incoming.bytes)
			break;
		hub_make_room(&p->member, QUOTA / 256 * b[2]);
		if (!p->is_here || !quota_has_room(&hub.quota, QUOTA / 256 * b[2]))
			break;
		p->incoming =
		    (struct hub_backlog){ QUOTA / 256 * b[2], b[2] & 1 ? 0 : HUB_SLOW_MS };
		hub.quota.used += p->incoming.bytes;
		break;
	case 11: /* it is whole, and nobody's business */
		hub.quota.used -= p->incoming.bytes;
		p->incoming.bytes = 0;
		break;
	case 5:
		hub_ready(&p->member);
		p->is_ready = true;
		break;
	default:
		if (n < 3 + count)
			return n;
		speak(p, b + 3, count);
		return 3 + count;
	}
	return 3;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	size_t at = 0;

	log_set_level(LOG_LEVEL_ERROR);
	hub_init(&hub, SERIAL_JSON, QUOTA, 0);
	last_number = 0;
	for (int i = 0; i < MEMBERS; i++)
		join(&players[i]);
	while (n - at >= 3) {
		at += step(bytes + at, n - at);
		check(hub.quota.used <=
		      QUOTA + QUOTA / 2 + MEMBERS * sizeof(read_frames) + CHANNEL_BATCH_MAX);
		n_sent = 0;
	}
	for (int i = 0; i < MEMBERS; i++) {
		hub_leave(&players[i].member);
		gone(&players[i]);
	}
	check(hub.quota.used == 0 && !hub.adapters && !hub.groups && !hub.members);
	return 0;
}
