/* The PROXY protocol. See proxy_protocol.h. */
#include "router/http/proxy_protocol.h"

#include <arpa/inet.h>
#include <stdint.h>

#include "base/macros.h"

#include "base/ban.h"

enum {
	V1_MAX = 107,
	V2_FIXED = 16,
	V2_LOCAL = 0x20,
	V2_PROXY = 0x21,
	TLV_CRC32C = 0x03,
	TLV_SSL = 0x20,
	TLV_HEAD = 3,
	CLIENT_SSL = 0x01,
};

static const struct str v1_signature = { "PROXY ", 6 };
static const struct str v2_signature = { "\r\n\r\n\0\r\nQUIT\n", 12 };

/* Version 1 */

/* The next word of a line whose words have one blank between them; false when there is none. */
static bool take_word(struct str *line, struct str *ret)
{
	const char *blank = line->n ? memchr(line->p, ' ', line->n) : NULL;
	size_t n = blank ? (size_t)(blank - line->p) : line->n;

	*ret = (struct str){ line->p, n };
	if (n == 0)
		return false;
	n += blank != NULL;
	*line = (struct str){ line->p + n, line->n - n };
	return !blank || line->n > 0;
}

static bool is_port(struct str s)
{
	uint64_t n;

	return str_to_u64(s, UINT16_MAX, &n) == 0 && (s.n == 1 || s.p[0] != '0');
}

static bool is_address(struct str s, bool v4, struct ip *ret)
{
	return ip_parse(s, ret) == 0 && v4 == !memchr(s.p, ':', s.n);
}

/* SOURCE DESTINATION SOURCE_PORT DESTINATION_PORT */
static bool take_addresses(struct str line, bool v4, struct ip *ret_source)
{
	struct str word[4];
	struct ip destination;

	for (size_t i = 0; i < ARRAY_LEN(word); i++)
		if (!take_word(&line, &word[i]) || (line.n == 0) != (i + 1 == ARRAY_LEN(word)))
			return false;
	return is_address(word[0], v4, ret_source) && is_address(word[1], v4, &destination) &&
	       is_port(word[2]) && is_port(word[3]);
}

static bool take_v1(struct str line, struct proxy_header *ret)
{
	struct str family;

	if (!take_word(&line, &family))
		return false;
	if (str_eq(family, STR("UNKNOWN"))) /* what follows is to be ignored */
		return true;
	ret->has_client = true;
	if (str_eq(family, STR("TCP4")))
		return take_addresses(line, true, &ret->client);
	return str_eq(family, STR("TCP6")) && take_addresses(line, false, &ret->client);
}

static enum proxy_parse_result parse_v1(struct str in, struct proxy_header *ret)
{
	size_t most = in.n < V1_MAX ? in.n : V1_MAX;
	const char *lf = memchr(in.p, '\n', most), *cr = memchr(in.p, '\r', most);
	size_t n = v1_signature.n;

	if (!lf)
		return in.n >= V1_MAX || (cr && cr + 1 < in.p + in.n) ? PROXY_BAD : PROXY_PARTIAL;
	if (cr != lf - 1)
		return PROXY_BAD;
	*ret = (struct proxy_header){ .size = (size_t)(lf - in.p) + 1 };
	return take_v1((struct str){ in.p + n, (size_t)(cr - in.p) - n }, ret) ? PROXY_COMPLETE
									       : PROXY_BAD;
}

/* Version 2 */

/* Bytes of both addresses and ports by family, and where they count at all: a stream of IP. */
static const struct {
	uint8_t family;
	uint16_t size;
} families[] = {
	{ 0x00, 0 },  { 0x01, 0 },  { 0x02, 0 },  { 0x10, 0 },  { 0x20, 0 },   { 0x30, 0 },
	{ 0x11, 12 }, { 0x12, 12 }, { 0x21, 36 }, { 0x22, 36 }, { 0x31, 216 }, { 0x32, 216 },
};

/* -1: no such family. */
static int addresses_size(uint8_t family)
{
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if (families[i].family == family)
			return families[i].size;
	return -1;
}

static uint16_t read_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t read_u32(const uint8_t *p)
{
	return (uint32_t)read_u16(p) << 16 | read_u16(p + 2);
}

/* RFC 4960, appendix B; bit by bit, as a header is short and seldom has one. */
static uint32_t crc32c(uint32_t crc, uint8_t byte)
{
	crc ^= byte;
	for (int i = 0; i < 8; i++)
		crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	return crc;
}

/* Over the header, in which the four bytes at @field count as zeros. */
static bool checksum_is_right(const uint8_t *header, size_t n, const uint8_t *field)
{
	uint32_t crc = UINT32_MAX;

	for (const uint8_t *p = header; p < header + n; p++)
		crc = crc32c(crc, p >= field && p < field + 4 ? 0 : *p);
	return ~crc == read_u32(field);
}

/* Type, length, value, one after the other, from @at to the end of the header. */
static bool take_tlvs(const uint8_t *header, size_t size, size_t at, struct proxy_header *ret)
{
	while (at < size) {
		const uint8_t *tlv = header + at, *value = tlv + TLV_HEAD;
		size_t n;

		if (size - at < TLV_HEAD)
			return false;
		n = read_u16(tlv + 1);
		if (size - at - TLV_HEAD < n)
			return false;
		if (tlv[0] == TLV_CRC32C && (n != 4 || !checksum_is_right(header, size, value)))
			return false;
		if (tlv[0] == TLV_SSL && n >= 5)
			ret->tls = (value[0] & CLIENT_SSL) != 0;
		at += TLV_HEAD + n;
	}
	return true;
}

static bool take_v2(const uint8_t *header, size_t size, struct proxy_header *ret)
{
	int addresses = addresses_size(header[13]);

	if (header[12] == V2_LOCAL)
		return true;
	if (header[12] != V2_PROXY || addresses < 0 || size - V2_FIXED < (size_t)addresses)
		return false;
	ret->has_client = header[13] == 0x11 || header[13] == 0x21;
	if (header[13] == 0x11)
		ret->client = ip_of_v4(header + V2_FIXED);
	else if (header[13] == 0x21)
		memcpy(ret->client.byte, header + V2_FIXED, sizeof(ret->client.byte));
	/* of an unspecified family it is not said where the addresses end */
	return addresses == 0 || take_tlvs(header, size, V2_FIXED + (size_t)addresses, ret);
}

static enum proxy_parse_result parse_v2(struct str in, struct proxy_header *ret)
{
	const uint8_t *header = (const uint8_t *)in.p;
	size_t size;

	if (in.n > 12 && header[12] != V2_LOCAL && header[12] != V2_PROXY)
		return PROXY_BAD;
	if (in.n < V2_FIXED)
		return PROXY_PARTIAL;
	size = V2_FIXED + (size_t)read_u16(header + 14);
	if (size > PROXY_HEADER_MAX)
		return PROXY_BAD;
	if (in.n < size)
		return PROXY_PARTIAL;
	*ret = (struct proxy_header){ .size = size };
	return take_v2(header, size, ret) ? PROXY_COMPLETE : PROXY_BAD;
}

/* Whether @in begins with @signature, as far as either of them goes. */
static bool may_be(struct str in, struct str signature)
{
	return memcmp(in.p, signature.p, in.n < signature.n ? in.n : signature.n) == 0;
}

enum proxy_parse_result proxy_header_parse(struct str in, struct proxy_header *ret)
{
	if (in.n == 0)
		return PROXY_PARTIAL;
	if (may_be(in, v1_signature))
		return in.n < v1_signature.n ? PROXY_PARTIAL : parse_v1(in, ret);
	if (may_be(in, v2_signature))
		return in.n < v2_signature.n ? PROXY_PARTIAL : parse_v2(in, ret);
	return PROXY_BAD;
}
