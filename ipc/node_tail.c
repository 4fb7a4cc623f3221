/* Comparing ends of frames. See node_tail.h for why that is enough. */
#include "ipc/node_tail.h"

#include "base/ban.h"

/* Behind 0xff and the version: an object, "type" and a number; then "data" and an object. */
static const struct str v8_begin = STR("o\"\x04typeI"),
			v8_data = STR("\"\x04"
				      "datao"),
			v8_uid = STR("\"\x03uid"), v8_end = STR("{\x05");
static const struct str json_begin = STR("{\"type\":"), json_data = STR(",\"data\":{"),
			json_uid = STR(",\"uid\":"), json_end = STR("}");

enum { V8_HEADER = 2, TYPE_MAX = 63 /* one byte of V8's, two digits */ };

static bool take(struct str *s, struct str prefix)
{
	if (s->n < prefix.n || memcmp(s->p, prefix.p, prefix.n) != 0)
		return false;
	s->p += prefix.n;
	s->n -= prefix.n;
	return true;
}

static bool ends_with(struct str s, struct str suffix)
{
	return s.n >= suffix.n && memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0;
}

/* One byte: twice the number (zigzag). */
static int take_v8_type(struct str *s)
{
	unsigned char c = s->n ? (unsigned char)*s->p : 0xff;

	if (c & 0x81)
		return -1;
	s->p++;
	s->n--;
	return c / 2;
}

static int take_json_type(struct str *s)
{
	int type = -1;

	while (s->n && *s->p >= '0' && *s->p <= '9' && type <= TYPE_MAX) {
		type = (type < 0 ? 0 : type * 10) + (*s->p - '0');
		s->p++;
		s->n--;
	}
	return type;
}

/* The type, if data follows it; else -1. */
static int read_begin(enum serialization mode, struct str s)
{
	int type;

	if (mode == SERIAL_ADVANCED) {
		if (s.n < V8_HEADER)
			return -1;
		s.p += V8_HEADER;
		s.n -= V8_HEADER;
	}
	if (!take(&s, mode == SERIAL_JSON ? json_begin : v8_begin))
		return -1;
	type = mode == SERIAL_JSON ? take_json_type(&s) : take_v8_type(&s);
	return take(&s, mode == SERIAL_JSON ? json_data : v8_data) ? type : -1;
}

static size_t at(struct str tail, struct str part)
{
	return (size_t)(part.p - tail.p);
}

void node_tail_learn(struct node_tail *t, enum serialization mode, struct str payload,
		     const struct node_msg *m)
{
	struct str key = mode == SERIAL_JSON ? json_uid : v8_uid;
	const char *begin, *end = payload.p + payload.n;
	struct str tail;

	if (m->kind != NODE_ADAPTER || m->uid.type != VALUE_STRING || m->nsp.type != VALUE_STRING ||
	    m->requester_uid.type != VALUE_ABSENT || m->nsp.raw.p < m->uid.raw.p ||
	    read_begin(mode, payload) < 0 ||
	    !ends_with(payload, mode == SERIAL_JSON ? json_end : v8_end))
		return;
	begin = m->uid.raw.p - key.n;
	tail = (struct str){ begin, (size_t)(end - begin) };
	if (begin < payload.p || tail.n > NODE_TAIL_MAX || memcmp(begin, key.p, key.n) != 0)
		return;
	t->n = tail.n;
	t->uid_at = at(tail, m->uid.raw);
	t->uid_n = m->uid.raw.n;
	t->nsp_at = at(tail, m->nsp.raw);
	t->nsp_n = m->nsp.raw.n;
	memcpy(t->bytes, tail.p, tail.n);
}

bool node_tail_read(const struct node_tail *t, enum serialization mode, struct str payload,
		    struct node_msg *ret)
{
	const char *tail = payload.p + payload.n - t->n;
	int type;

	if (t->n == 0 || !ends_with(payload, (struct str){ t->bytes, t->n }))
		return false;
	type = read_begin(mode, payload);
	if (type < 0)
		return false;
	ret->kind = NODE_ADAPTER;
	ret->adapter_type = type;
	ret->uid = (struct value){ .type = VALUE_STRING, .raw = { tail + t->uid_at, t->uid_n } };
	ret->nsp = (struct value){ .type = VALUE_STRING, .raw = { tail + t->nsp_at, t->nsp_n } };
	ret->requester_uid = ret->worker_id = (struct value){ .type = VALUE_ABSENT };
	ret->seq = ret->ack = -1;
	return true;
}
