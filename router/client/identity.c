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

struct forwarded_peer identity_forwarded(const struct identity *id)
{
	return (struct forwarded_peer){ str_of(id->addr), id->trusted, id->tls };
}
