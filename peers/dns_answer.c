/* A head, the question again, then records: a name, a fixed part, data. */
#include "peers/dns_answer.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <resolv.h>
#include <stdbool.h>
#include <string.h>

#include "base/ban.h"

enum { AT_TYPE = 0, AT_CLASS = 2, AT_TTL = 4, AT_LENGTH = 8 };

static unsigned get16(const unsigned char *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static uint32_t get32(const unsigned char *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

/* What is behind the name at @p and @more bytes; NULL: it does not end before that. */
static const unsigned char *skip(const unsigned char *p, const unsigned char *end, size_t more)
{
	int n = dn_skipname(p, end);

	return n < 0 || (size_t)(end - p) < (size_t)n + more ? NULL : p + n + more;
}

/* False: no address. */
static bool address_of(const unsigned char *fixed, const unsigned char *data, struct ip *ret)
{
	unsigned type = get16(fixed + AT_TYPE), length = get16(fixed + AT_LENGTH);

	if (get16(fixed + AT_CLASS) != ns_c_in)
		return false;
	if (type == ns_t_a && length == NS_INADDRSZ)
		*ret = ip_of_v4(data);
	else if (type == ns_t_aaaa && length == sizeof(ret->byte))
		memcpy(ret->byte, data, sizeof(ret->byte));
	else
		return false;
	return true;
}

static void take(struct dns_answer *a, const unsigned char *fixed, const unsigned char *data)
{
	uint32_t ttl = get32(fixed + AT_TTL);
	struct ip ip;

	if (a->n == DNS_ADDRESSES_MAX || !address_of(fixed, data, &ip))
		return;
	a->ttl_s = a->n == 0 || ttl < a->ttl_s ? ttl : a->ttl_s;
	a->addresses[a->n++] = ip;
}

int dns_answer_parse(struct dns_answer *ret, const unsigned char *bytes, size_t n)
{
	const unsigned char *p = bytes + NS_HFIXEDSZ, *end = bytes + n, *data;
	unsigned questions, records;

	*ret = (struct dns_answer){ .n = 0 };
	if (n < NS_HFIXEDSZ)
		return -EBADMSG;
	records = get16(bytes + 6);
	for (questions = get16(bytes + 4); p && questions > 0; questions--)
		p = skip(p, end, NS_QFIXEDSZ);
	for (; p && records > 0; records--) {
		data = skip(p, end, NS_RRFIXEDSZ);
		if (!data || (size_t)(end - data) < get16(data - NS_RRFIXEDSZ + AT_LENGTH))
			return -EBADMSG;
		take(ret, data - NS_RRFIXEDSZ, data);
		p = data + get16(data - NS_RRFIXEDSZ + AT_LENGTH);
	}
	return p ? 0 : -EBADMSG;
}
