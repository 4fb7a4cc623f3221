/* Ends of connections. See ends.h. */
#include "router/backend/ends.h"

#include <string.h>

#include "base/ban.h"

struct ends ends_of_socket(int fd)
{
	struct sockaddr_storage a = { 0 };
	socklen_t len = sizeof(a);
	struct ends ret = { 0 };

	if (getsockname(fd, (struct sockaddr *)&a, &len) < 0 || !ip_of_sockaddr(&a, &ret.public))
		return ret;
	ret.family = a.ss_family;
	ret.public_port = ip_port_of_sockaddr(&a);
	return ret;
}

bool ends_match(const struct ends *a, const struct ends *b)
{
	return a->family == b->family && a->public_port == b->public_port &&
	       memcmp(&a->client, &b->client, sizeof(a->client)) == 0 &&
	       memcmp(&a->public, &b->public, sizeof(a->public)) == 0;
}
