/* What workers answer to prom-client's question: collected, read as trees in either serialization,
 * made one, written as text. */
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "ipc/app_answers.h"
#include "ipc/tree.h"
#include "router/admin/prom_merge.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void add(struct prom_merge *merge, enum serialization mode, const char *payload, size_t n)
{
	char *copy = malloc(n + 1);
	json_t *tree;

	if (!copy)
		return;
	memcpy(copy, payload, n);
	if (tree_read(mode, copy, n, &tree) == 0) {
		(void)prom_merge_add(merge, tree);
		json_decref(tree);
	}
	free(copy);
}

/* The first byte is the serialization; a second one of 0: one payload, else a file of init's. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static struct app_answer list[APP_ANSWERS_MAX];
	struct buf text = BUF_INIT(1 << 20);
	struct prom_merge *merge = prom_merge_new();
	const char *rest = (const char *)bytes + 2;
	enum serialization mode;

	if (n < 2 || !merge) {
		prom_merge_free(merge);
		return 0;
	}
	mode = bytes[0] & 1 ? SERIAL_ADVANCED : SERIAL_JSON;
	if (bytes[1] == 0)
		add(merge, mode, rest, n - 2);
	else
		for (size_t i = 0, k = app_answers_find(rest, n - 2, list); i < k; i++)
			add(merge, mode, rest + list[i].at, list[i].n);
	(void)prom_merge_write(merge, METRICS_TEXT, &text);
	(void)prom_merge_write(merge, METRICS_OPENMETRICS, &text);
	buf_free(&text);
	prom_merge_free(merge);
	return 0;
}
