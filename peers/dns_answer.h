/* The answer to a question for the addresses of a name (RFC 1035, 4). Reads only. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"

enum { DNS_ADDRESSES_MAX = 64 };

struct dns_answer {
	size_t n; /* those above DNS_ADDRESSES_MAX are left out */
	struct ip addresses[DNS_ADDRESSES_MAX];
	uint32_t ttl_s; /* the least of theirs; 0 without any */
};

/* 0, or -EBADMSG: not a whole answer. What is in it besides addresses is passed over. */
int dns_answer_parse(struct dns_answer *ret, const unsigned char *bytes, size_t n);
