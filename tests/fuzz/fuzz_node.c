/* What a worker writes to its channel: framing, reading, and repeating a value, in either
 * serialization. */
#include <stdint.h>

#include "ipc/node.h"
#include "ipc/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	enum serialization mode = n && (bytes[0] & 1) ? SERIAL_ADVANCED : SERIAL_JSON;
	struct str rest = { (const char *)bytes, n }, payload;
	static struct node_msg m;
	size_t size;

	if (n == 0)
		return 0;
	rest.p++;
	rest.n--;
	if (node_read(mode, rest, &m) == 0 && m.kind == NODE_QUERY_SERVER)
		blob_unref(node_listen_reply(mode, &m, "k", 0, "0.0.0.0", 1, 2));
	while (wire_split(mode, rest, 1 << 20, &payload, &size) == 1) {
		(void)node_read(mode, payload, &m);
		rest.p += size;
		rest.n -= size;
	}
	return 0;
}
