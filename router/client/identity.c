/* Identities. See identity.h. */
#include "router/client/identity.h"

#include "base/ban.h"

void identity_set(struct identity *id, const struct ip *ip, const struct cidr_list *trusted)
{
	id->is_unix = !ip;
	if (ip) {
		id->ip = *ip;
		ip_print(ip, id->addr);
		id->trusted = cidr_list_has(trusted, ip);
	} else {
		memcpy(id->addr, "unix", sizeof("unix"));
		id->trusted = trusted->unix_peers;
	}
}

void identity_of_peer(struct identity *id, const struct sockaddr_storage *peer,
		      const struct cidr_list *trusted)
{
	struct ip ip;

	*id = (struct identity){ 0 };
	identity_set(id, ip_of_sockaddr(peer, &ip) ? &ip : NULL, trusted);
	if (!id->is_unix)
		id->port = ip_port_of_sockaddr(peer);
}

bool identity_of_request(const struct identity *id, const struct http_head *head,
			 const struct cidr_list *trusted, struct ip *ret)
{
	static const struct ip nobody;

	*ret = id->ip;
	if (id->trusted)
		forwarded_client(head, trusted, ret);
	return !id->is_unix || memcmp(ret, &nobody, sizeof(nobody)) != 0;
}

void identity_describe(const struct identity *id, struct control_msg *m)
{
	_Static_assert(sizeof(m->address) == sizeof(id->ip), "the bytes of an address");
	m->tls = id->tls;
	if (!id->is_unix)
		memcpy(m->address, &id->ip, sizeof(id->ip));
}

void identity_recall(struct identity *id, const struct control_msg *m,
		     const struct cidr_list *trusted)
{
	struct ip peer = id->ip, ip;

	memcpy(&ip, m->address, sizeof(ip));
	id->tls = m->tls;
	if (!m->address[0] && !m->address[1])
		return;
	id->named = id->is_unix || memcmp(&ip, &peer, sizeof(ip)) != 0;
	identity_set(id, &ip, trusted);
}

/* An IPv6 client that a balancer names on its connection of IPv4, or the opposite, has not come to
 * an address of ours. */
static void make_alike(struct ends *e)
{
	static const uint8_t v4[] = { 127, 0, 0, 1 };
	static const struct ip v6 = { { [15] = 1 } };

	if (e->family == AF_UNSPEC || ip_is_v4(&e->client) == ip_is_v4(&e->public))
		return;
	e->public = ip_is_v4(&e->client) ? ip_of_v4(v4) : v6;
	if (!ip_is_v4(&e->client))
		e->family = AF_INET6;
}

struct ends identity_ends(const struct identity *id, int fd)
{
	struct ends e = id->is_unix ? (struct ends){ 0 } : ends_of_socket(fd);

	e.client = id->ip;
	e.client_port = id->named ? 0 : id->port;
	make_alike(&e);
	return e;
}

struct forwarded_peer identity_forwarded(const struct identity *id, bool is_seen)
{
	return (struct forwarded_peer){ str_of(id->addr), id->trusted, id->tls, is_seen };
}
