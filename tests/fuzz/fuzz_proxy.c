/* PROXY headers: what is complete was partial or bad before its last byte and does not change with
 * what follows; nothing is read behind the end. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "router/http/proxy_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* On memory of its own, so that a byte read too many is one that is not there. */
static enum proxy_parse_result parse(const uint8_t *bytes, size_t n, struct proxy_header *ret)
{
	char *copy = malloc(n ? n : 1);
	enum proxy_parse_result r;

	if (!copy)
		abort();
	memcpy(copy, bytes, n);
	r = proxy_header_parse((struct str){ copy, n }, ret);
	free(copy);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct proxy_header all = { 0 }, cut = { 0 };

	if (n == 0 || parse(bytes, n, &all) != PROXY_COMPLETE)
		return 0;
	if (all.size == 0 || all.size > n || all.size > PROXY_HEADER_MAX)
		abort();
	if (parse(bytes, all.size, &cut) != PROXY_COMPLETE || cut.size != all.size ||
	    cut.has_client != all.has_client || cut.tls != all.tls ||
	    memcmp(&cut.client, &all.client, sizeof(all.client)) != 0)
		abort();
	for (size_t i = 0; i < all.size; i++)
		if (parse(bytes, i, &cut) != PROXY_PARTIAL)
			abort();
	return 0;
}
