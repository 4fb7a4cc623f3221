/* IP addresses and networks. See ip.h. */
#include "base/ip.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>

#include "base/ban.h"

static const uint8_t v4_prefix[12] = { [10] = 0xff, [11] = 0xff };

struct ip ip_of_v4(const void *four_bytes)
{
	struct ip ip;

	memcpy(ip.byte, v4_prefix, sizeof(v4_prefix));
	memcpy(ip.byte + sizeof(v4_prefix), four_bytes, 4);
	return ip;
}

/* It is in the same place for both families. */
uint16_t ip_port_of_sockaddr(const struct sockaddr_storage *a)
{
	uint16_t port;

	memcpy(&port, (const char *)a + offsetof(struct sockaddr_in, sin_port), sizeof(port));
	return ntohs(port);
}

bool ip_is_v4(const struct ip *ip)
{
	return memcmp(ip->byte, v4_prefix, sizeof(v4_prefix)) == 0;
}

int ip_parse(struct str s, struct ip *ret)
{
	char text[IP_TEXT_MAX];
	struct ip v6;
	uint8_t v4[4];

	if (s.n == 0 || s.n >= sizeof(text) || memchr(s.p, '\0', s.n))
		return -EINVAL;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	if (inet_pton(AF_INET, text, v4) == 1)
		*ret = ip_of_v4(v4);
	else if (inet_pton(AF_INET6, text, v6.byte) == 1)
		*ret = v6;
	else
		return -EINVAL;
	return 0;
}

static char *print_decimal(uint8_t n, char *p)
{
	if (n >= 100)
		*p++ = (char)('0' + n / 100);
	if (n >= 10)
		*p++ = (char)('0' + n / 10 % 10);
	*p++ = (char)('0' + n % 10);
	return p;
}

/* inet_ntop(3) goes through sprintf(3), and the address of each connection is printed. */
static void print_v4(const uint8_t byte[static 4], char *dst)
{
	for (int i = 0; i < 4; i++) {
		dst = print_decimal(byte[i], dst);
		*dst++ = i < 3 ? '.' : '\0';
	}
}

void ip_print(const struct ip *ip, char dst[static IP_TEXT_MAX])
{
	if (ip_is_v4(ip))
		print_v4(ip->byte + sizeof(v4_prefix), dst);
	else
		(void)inet_ntop(AF_INET6, ip->byte, dst, IP_TEXT_MAX);
}

bool ip_of_sockaddr(const struct sockaddr_storage *a, struct ip *ret)
{
	if (a->ss_family == AF_INET)
		*ret = ip_of_v4(&((const struct sockaddr_in *)a)->sin_addr);
	else if (a->ss_family == AF_INET6)
		memcpy(ret->byte, &((const struct sockaddr_in6 *)a)->sin6_addr, sizeof(ret->byte));
	else
		return false;
	return true;
}

/* The bits of byte @i that a prefix of @bits covers. */
static uint8_t mask(unsigned bits, unsigned i)
{
	unsigned before = i * 8;

	if (bits >= before + 8)
		return 0xff;
	return bits <= before ? 0 : (uint8_t)(0xff << (8 - (bits - before)));
}

int cidr_parse(struct str s, struct cidr *ret)
{
	const char *slash = s.n ? memchr(s.p, '/', s.n) : NULL;
	struct str address = { s.p, slash ? (size_t)(slash - s.p) : s.n };
	struct cidr c;
	uint64_t most, bits;

	if (ip_parse(address, &c.ip) < 0)
		return -EINVAL;
	most = ip_is_v4(&c.ip) && !memchr(address.p, ':', address.n) ? 32 : 128;
	bits = most;
	if (slash && str_to_u64((struct str){ slash + 1, s.n - address.n - 1 }, most, &bits) < 0)
		return -EINVAL;
	c.bits = (uint8_t)(128 - most + bits);
	for (unsigned i = 0; i < sizeof(c.ip.byte); i++)
		if (c.ip.byte[i] & ~mask(c.bits, i))
			return -EINVAL;
	*ret = c;
	return 0;
}

void cidr_print(const struct cidr *c, char dst[static IP_TEXT_MAX + 4])
{
	unsigned outer = ip_is_v4(&c->ip) && c->bits >= 96 ? 96 : 0;

	ip_print(&c->ip, dst);
	if (c->bits < 128)
		(void)snprintf(dst + strlen(dst), 5, "/%u", c->bits - outer);
}

bool cidr_has(const struct cidr *c, const struct ip *ip)
{
	unsigned whole = c->bits / 8;

	if (memcmp(c->ip.byte, ip->byte, whole) != 0)
		return false;
	return whole == sizeof(ip->byte) ||
	       (ip->byte[whole] & mask(c->bits, whole)) == c->ip.byte[whole];
}

bool cidr_list_has(const struct cidr_list *list, const struct ip *ip)
{
	for (unsigned i = 0; i < list->n; i++)
		if (cidr_has(&list->row[i], ip))
			return true;
	return false;
}
