/* What the skimmer finds in payloads, for a comparison with Node. In: a byte for the serialization
 * (0 JSON, 1 advanced), a 32-bit big-endian length, the payload; again and again. Out: a line each:
 * the result, then the root's type, then KEY=VALUE for the keys that are there. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/macros.h"
#include "ipc/text.h"
#include "ipc/wire.h"

enum { HEAD_SIZE = 5, PAYLOAD_MAX = 64 << 20 };

static const char *const keys[] = { "type", "uid", "nsp", "source", "requesterUid", "cmd",
				    "act",  "seq", "ack", "key",    "data" };

static void print_value(const struct value *v)
{
	static const char letters[] = {
		[VALUE_UNDEFINED] = 'u', [VALUE_NULL] = 'z',   [VALUE_BOOL] = 'b',
		[VALUE_NUMBER] = 'n',    [VALUE_STRING] = 's', [VALUE_OBJECT] = 'o',
		[VALUE_OTHER] = 'x',
	};
	size_t at = 0;
	int32_t c;

	(void)putchar(letters[v->type]);
	if (v->type == VALUE_BOOL)
		(void)printf("%d", v->boolean);
	if (v->type == VALUE_NUMBER)
		(void)printf("%.17g", v->number);
	if (v->type == VALUE_STRING)
		while ((c = text_next(v, &at)) >= 0)
			(void)printf("%" PRIx32 ".", (uint32_t)c);
}

static void skim(enum serialization mode, struct str payload)
{
	struct value v[ARRAY_LEN(keys)], root;
	int r = wire_skim(mode, payload, keys, ARRAY_LEN(keys), v, &root);

	(void)printf("%d", r);
	if (r == 0) {
		(void)putchar(' ');
		print_value(&root);
	}
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(keys); i++) {
		if (v[i].type == VALUE_ABSENT)
			continue;
		(void)printf(" %s=", keys[i]);
		print_value(&v[i]);
	}
	(void)putchar('\n');
}

int main(void)
{
	unsigned char head[HEAD_SIZE];

	while (fread(head, 1, HEAD_SIZE, stdin) == HEAD_SIZE) {
		size_t n =
		    (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
		char *payload = n <= PAYLOAD_MAX ? malloc(n ? n : 1) : NULL;

		if (!payload || fread(payload, 1, n, stdin) != n)
			return 1;
		skim(head[0] ? SERIAL_ADVANCED : SERIAL_JSON, (struct str){ payload, n });
		free(payload);
	}
	return 0;
}
