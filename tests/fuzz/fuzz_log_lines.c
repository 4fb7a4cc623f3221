/* What workers write: whatever it is, what comes out are whole lines, and JSON that is JSON. */
#include <stdint.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "init/logs/log_lines.h"
#include "ipc/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check(struct log_lines *l, struct str line)
{
	struct str text = { line.p, line.n - 1 };
	struct value root;

	if (line.n == 0 || line.p[line.n - 1] != '\n' || memchr(text.p, '\n', text.n))
		abort();
	if (l->format == WORKER_LOGS_JSON && (json_skim(text, NULL, 0, NULL, &root) < 0 ||
					      root.type != VALUE_OBJECT || !utf8_is_valid(text)))
		abort();
}

/* The first byte: format, stream, and how it is cut. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct str in = { (const char *)bytes + 1, n - 1 };
	struct log_lines l;
	size_t first;

	if (n == 0)
		return 0;
	first = in.n * (bytes[0] >> 2) / 64;
	log_lines_init(&l, bytes[0] & 1 ? WORKER_LOGS_JSON : WORKER_LOGS_PREFIX, 0, bytes[0] & 2,
		       check);
	log_lines_feed(&l, (struct str){ in.p, first }, "now");
	log_lines_feed(&l, (struct str){ in.p + first, in.n - first }, "now");
	log_lines_end(&l, "now");
	return 0;
}
