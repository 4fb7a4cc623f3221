/* --max-old-space-size. V8 takes underscores for hyphens in its options. */
#include "init/worker/heap.h"

#include <stdio.h>
#include <string.h>

#include "base/ban.h"

enum { SHARED_PERCENT = 75 };

uint32_t heap_megabytes(const struct config *c, uint64_t limit, unsigned workers)
{
	uint64_t megabytes;

	if (c->heap_mb != HEAP_AUTO)
		return c->heap_mb;
	megabytes = (limit >> 20) * SHARED_PERCENT / 100 / workers;
	if (limit && megabytes == 0)
		return 1;
	return megabytes < HEAP_AUTO ? (uint32_t)megabytes : HEAP_AUTO - 1;
}

char *heap_node_options(const char *now, uint32_t megabytes)
{
	char *entry;

	if (megabytes == 0 ||
	    (now && (strstr(now, "--max-old-space-size") || strstr(now, "--max_old_space_size"))))
		return NULL;
	if (asprintf(&entry, "NODE_OPTIONS=%s%s--max-old-space-size=%u", now ? now : "",
		     now && *now ? " " : "", megabytes) < 0)
		return NULL;
	return entry;
}
