/* Answers of a DNS server: what is read of them is theirs, and what is cut off is no answer. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "peers/dns_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* On memory of its own, so that a byte read too many is one that is not there. */
static int parse(const uint8_t *bytes, size_t n, struct dns_answer *ret)
{
	uint8_t *copy = malloc(n ? n : 1);
	int r;

	if (!copy)
		abort();
	memcpy(copy, bytes, n);
	r = dns_answer_parse(ret, copy, n);
	free(copy);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct dns_answer all, again;

	if (n == 0 || parse(bytes, n, &all) < 0)
		return 0;
	if (all.n > DNS_ADDRESSES_MAX || (all.n == 0 && all.ttl_s != 0))
		abort();
	if (parse(bytes, n, &again) < 0 || again.n != all.n || again.ttl_s != all.ttl_s ||
	    memcmp(again.addresses, all.addresses, all.n * sizeof(all.addresses[0])) != 0)
		abort();
	return 0;
}
