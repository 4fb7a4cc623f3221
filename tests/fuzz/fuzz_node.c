/* What a worker writes to its channel: framing, reading, and repeating values, in either
 * serialization. The first byte is the serialization; the rest is read as one payload and as
 * frames. */
#include <stdint.h>
#include <stdlib.h>

#include "ipc/node.h"
#include "ipc/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { FRAME_MAX = 1 << 20 };

static void check_lies_within(struct str part, struct str whole)
{
	if (part.n > 0 && (part.p < whole.p || part.n > whole.n ||
			   part.p - whole.p > (ptrdiff_t)(whole.n - part.n)))
		abort();
}

static void check_value(const struct value *v, struct str payload)
{
	char text[NODE_ADDRESS_MAX];
	int64_t number;

	check_lies_within(v->raw, payload);
	check_lies_within(v->text, v->raw);
	if (wire_text(v, text, sizeof(text)) >= 0 && v->type != VALUE_STRING)
		abort();
	if (wire_int(v, -1, 1000, &number) == 0 && (number < -1 || number > 1000))
		abort();
}

/* Takes @frame. What we have written is read as what it was meant to be. */
static void check_ours(enum serialization mode, struct blob *frame, enum node_kind kind,
		       int64_t adapter_type)
{
	static struct node_msg m;
	struct str payload;
	size_t size;

	if (!frame)
		return;
	if (wire_split(mode, (struct str){ (const char *)frame->bytes, frame->len }, FRAME_MAX,
		       &payload, &size) != 1 ||
	    size != frame->len || node_read(mode, payload, &m) < 0 || m.kind != kind)
		abort();
	if (kind == NODE_ADAPTER && m.adapter_type != adapter_type)
		abort();
	blob_unref(frame);
}

/* A view that V8 itself has written ends elsewhere under the version that we write. */
static bool can_be_repeated(enum serialization mode, const struct value *v)
{
	return mode == SERIAL_JSON || !memchr(v->raw.p, 'V', v->raw.n);
}

static void repeat(enum serialization mode, const struct node_msg *m)
{
	bool is_query = m->kind == NODE_QUERY_SERVER;

	if (is_query && m->data.type != VALUE_ABSENT && can_be_repeated(mode, &m->data))
		check_ours(mode, node_listen_reply(mode, m, "k", 0, "0.0.0.0", 1, 2), NODE_INTERNAL,
			   0);
	if (is_query && m->data.type == VALUE_ABSENT)
		check_ours(mode, node_shared_reply(mode, m, "k", 2), NODE_HANDLE, 0);
	if (m->kind == NODE_ADAPTER && m->uid.type == VALUE_STRING && m->nsp.type == VALUE_STRING)
		check_ours(mode, node_adapter_close(mode, &m->uid, &m->nsp), NODE_ADAPTER, 13);
}

static void read_one(enum serialization mode, struct str payload)
{
	static struct node_msg m;

	if (node_read(mode, payload, &m) < 0)
		return;
	check_value(&m.data, payload);
	if (m.kind == NODE_ADAPTER) {
		check_value(&m.uid, payload);
		check_value(&m.nsp, payload);
		check_value(&m.requester_uid, payload);
		check_value(&m.worker_id, payload);
	}
	repeat(mode, &m);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	enum serialization mode = n && (bytes[0] & 1) ? SERIAL_ADVANCED : SERIAL_JSON;
	struct str rest = { (const char *)bytes, n }, payload;
	size_t size;

	if (n < 2)
		return 0;
	rest.p++;
	rest.n--;
	read_one(mode, rest);
	while (wire_split(mode, rest, FRAME_MAX, &payload, &size) == 1) {
		read_one(mode, payload);
		rest.p += size;
		rest.n -= size;
	}
	return 0;
}
