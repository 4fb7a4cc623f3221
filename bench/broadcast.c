/* Built by hand from V8's encoding (v8 src/objects/value-serializer.cc) and the Buffer tag that
 * Node adds to it (lib/internal/child_process/serialization.js). */
#include "bench/broadcast.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"

enum { SIZE = 10240, OBJECTS = 244, FRAME_MAX = 1 << 16, LENGTH = 4 };

static const char begin[] = "\xff\x0fo\"\x04type";
static const char broadcast_type[] = "I\x06\"\x04"
				     "data";

static void put(struct buf *b, const void *bytes, size_t n)
{
	int r = buf_append(b, bytes, n);

	assert(r == 0);
}

static void put_byte(struct buf *b, uint8_t byte)
{
	put(b, &byte, 1);
}

static void put_varint(struct buf *b, size_t n)
{
	for (; n > 0x7f; n >>= 7)
		put_byte(b, (uint8_t)(n | 0x80));
	put_byte(b, (uint8_t)n);
}

static void put_string(struct buf *b, const char *latin1, size_t n)
{
	put_byte(b, '"');
	put_varint(b, n);
	put(b, latin1, n);
}

static void put_text(struct buf *b, const char *ascii)
{
	put_string(b, ascii, strlen(ascii));
}

static void put_int(struct buf *b, size_t n)
{
	put_byte(b, 'I');
	put_varint(b, n << 1);
}

static void put_double(struct buf *b, double d)
{
	put_byte(b, 'N');
	put(b, &d, sizeof(d));
}

static void put_object_end(struct buf *b, uint8_t members)
{
	put_byte(b, '{');
	put_byte(b, members);
}

static void begin_array(struct broadcast *b, size_t n)
{
	put_byte(&b->frame, b->has_indices ? 'a' : 'A');
	put_varint(&b->frame, n);
}

static void begin_element(struct broadcast *b, size_t i)
{
	if (b->has_indices)
		put_int(&b->frame, i);
}

static void end_array(struct broadcast *b, size_t n)
{
	put_byte(&b->frame, b->has_indices ? '@' : '$');
	put_varint(&b->frame, b->has_indices ? n : 0);
	put_varint(&b->frame, n);
}

/* payloads */

static void put_short(struct broadcast *b)
{
	char text[100];

	memset(text, 'x', sizeof(text));
	put_string(&b->frame, text, sizeof(text));
}

static void put_long_text(struct broadcast *b)
{
	static const char item[] = "{\"id\":17,\"name\":\"item 17\",\"value\":1059.5},";
	char text[SIZE];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = item[i % (sizeof(item) - 1)];
	put_string(&b->frame, text, sizeof(text));
}

static void put_item(struct buf *b, size_t i)
{
	char name[16];

	(void)snprintf(name, sizeof(name), "item %zu", i);
	put_byte(b, 'o');
	put_text(b, "id");
	put_int(b, i);
	put_text(b, "name");
	put_text(b, name);
	put_text(b, "value");
	put_double(b, (double)i * 3.5 + 1000.25);
	put_object_end(b, 3);
}

static void put_items(struct broadcast *b)
{
	begin_array(b, OBJECTS);
	for (size_t i = 0; i < OBJECTS; i++) {
		begin_element(b, i);
		put_item(&b->frame, i);
	}
	end_array(b, OBJECTS);
}

static void put_binary(struct broadcast *b)
{
	char bytes[SIZE];

	memset(bytes, 'b', sizeof(bytes));
	put(&b->frame, "\\\0\n", 3);
	put_varint(&b->frame, sizeof(bytes));
	put(&b->frame, bytes, sizeof(bytes));
}

static const struct {
	const char *name;
	void (*put)(struct broadcast *b);
} payloads[] = { { "100", put_short },
		 { "text", put_long_text },
		 { "json", put_items },
		 { "binary", put_binary } };

/* the frame */

static void put_packet(struct broadcast *b, void (*put_payload)(struct broadcast *b))
{
	struct buf *f = &b->frame;

	put_text(f, "packet");
	put_byte(f, 'o');
	put_text(f, "type");
	put_int(f, 2);
	put_text(f, "data");
	begin_array(b, 3);
	begin_element(b, 0);
	put_text(f, "all");
	begin_element(b, 1);
	b->number_at = f->len + 1;
	put_double(f, 0);
	begin_element(b, 2);
	put_payload(b);
	end_array(b, 3);
	put_object_end(f, 2);
}

static void put_options(struct broadcast *b)
{
	struct buf *f = &b->frame;

	put_text(f, "opts");
	put_byte(f, 'o');
	for (int i = 0; i < 2; i++) {
		put_text(f, i == 0 ? "rooms" : "except");
		begin_array(b, 0);
		end_array(b, 0);
	}
	put_text(f, "flags");
	put_byte(f, 'o');
	put_object_end(f, 0);
	put_object_end(f, 3);
}

static void put_origin(struct buf *f, int sender)
{
	char uid[BROADCAST_UID + 1];

	broadcast_uid(sender, uid);
	put_text(f, "uid");
	put_text(f, uid);
	put_text(f, "nsp");
	put_text(f, "/");
	put_text(f, "source");
	put_text(f, "_sio_adapter");
}

static void set_length(struct buf *f)
{
	size_t n = f->len - LENGTH;

	for (int i = LENGTH - 1; i >= 0; i--, n >>= 8)
		f->p[i] = (char)n;
}

static void build(struct broadcast *b, void (*put_payload)(struct broadcast *b), int sender)
{
	struct buf *f = &b->frame;

	buf_free(f);
	*f = BUF_INIT(FRAME_MAX);
	put(f, "\0\0\0\0", LENGTH);
	put(f, begin, sizeof(begin) - 1);
	put(f, broadcast_type, sizeof(broadcast_type) - 1);
	put_byte(f, 'o');
	put_packet(b, put_payload);
	put_options(b);
	put_object_end(f, 2);
	put_origin(f, sender);
	put_object_end(f, 5);
	set_length(f);
}

void broadcast_uid(int pid, char uid[static BROADCAST_UID + 1])
{
	(void)snprintf(uid, BROADCAST_UID + 1, "%016x", (unsigned)pid);
}

int broadcast_build(struct broadcast *b, const char *payload, int sender, bool reencoded)
{
	for (size_t i = 0; i < ARRAY_LEN(payloads); i++) {
		if (strcmp(payload, payloads[i].name) != 0)
			continue;
		b->has_indices = reencoded;
		build(b, payloads[i].put, sender);
		return 0;
	}
	return -EINVAL;
}

void broadcast_set_number(struct broadcast *b, uint32_t number)
{
	double d = number + 0.5; /* no integer: always as long */

	memcpy(b->frame.p + b->number_at, &d, sizeof(d));
}

bool broadcast_is(const char *frame, size_t len)
{
	size_t type_at = LENGTH + sizeof(begin) - 1, n = sizeof(broadcast_type) - 1;

	return len >= type_at + n && memcmp(frame + LENGTH, begin, sizeof(begin) - 1) == 0 &&
	       memcmp(frame + type_at, broadcast_type, n) == 0;
}
