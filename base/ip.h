/* IP addresses and networks. An IPv4 address is held as the IPv6 address it is mapped to, so that
 * there is one kind of address and one kind of comparison. Pure functions. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/str.h"

enum { IP_TEXT_MAX = 46, CIDR_LIST_MAX = 64 };

struct ip {
	uint8_t byte[16];
};

struct cidr {
	struct ip ip;
	uint8_t bits; /* of 128 */
};

struct cidr_list {
	struct cidr row[CIDR_LIST_MAX];
	unsigned n;
	bool unix_peers; /* the word `unix`: whoever connects to a unix socket */
};

/* 10.1.2.3 or fd00::1, nothing around it. 0 or -EINVAL. */
int ip_parse(struct str s, struct ip *ret);

/* In its canonical form, with its NUL. */
void ip_print(const struct ip *ip, char dst[static IP_TEXT_MAX]);

/* An IPv4 address in network byte order. */
struct ip ip_of_v4(const void *four_bytes);

/* False: not an address of IP. */
bool ip_of_sockaddr(const struct sockaddr_storage *a, struct ip *ret);

/* Of an address of IP. */
uint16_t ip_port_of_sockaddr(const struct sockaddr_storage *a);

bool ip_is_v4(const struct ip *ip);

/* ADDRESS or ADDRESS/BITS with nothing but zeros behind the prefix. 0 or -EINVAL. */
int cidr_parse(struct str s, struct cidr *ret);
void cidr_print(const struct cidr *c, char dst[static IP_TEXT_MAX + 4]);
bool cidr_has(const struct cidr *c, const struct ip *ip);
bool cidr_list_has(const struct cidr_list *list, const struct ip *ip);
