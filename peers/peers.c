/* One loop: ask, count, wait. An address that a socket of ours can be bound to is this container's
 * own, so nothing needs to be known of its interfaces. */
#include "peers/peers.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "peers/dns_answer.h"

#include "base/ban.h"

enum {
	IN_A_ROW = 12, /* answers with others, after which they are not just leaving */
	ASKED_MAX = 36,
	PAUSE_MIN_S = 1,
	PAUSE_MAX_S = 10,
	UNANSWERED_PAUSE_S = 10,
	ANSWER_MAX = 8192,
};

/* Asking */

static bool ask_for(const char *name, int type, struct dns_answer *ret)
{
	static unsigned char bytes[ANSWER_MAX];
	int n = res_search(name, ns_c_in, type, bytes, sizeof(bytes));

	return n >= 0 &&
	       dns_answer_parse(ret, bytes, n < ANSWER_MAX ? (size_t)n : ANSWER_MAX) == 0 &&
	       ret->n > 0;
}

/* Others have the same family as we have, if there are any. */
static bool ask(const char *name, struct dns_answer *ret)
{
	return ask_for(name, ns_t_a, ret) || ask_for(name, ns_t_aaaa, ret);
}

/* Judging */

static bool is_ours(const struct ip *ip)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	bool is_v4 = ip_is_v4(ip);
	auto_fd int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(&v4.sin_addr, ip->byte + sizeof(ip->byte) - sizeof(v4.sin_addr),
	       sizeof(v4.sin_addr));
	memcpy(&v6.sin6_addr, ip->byte, sizeof(v6.sin6_addr));
	return fd >= 0 &&
	       bind(fd, is_v4 ? (void *)&v4 : (void *)&v6, is_v4 ? sizeof(v4) : sizeof(v6)) == 0;
}

/* NULL: this container is alone. */
static const struct ip *find_other(const struct dns_answer *a)
{
	for (size_t i = 0; i < a->n; i++)
		if (!is_ours(&a->addresses[i]))
			return &a->addresses[i];
	return NULL;
}

static void say_others(const char *name, const struct ip *other)
{
	char text[IP_TEXT_MAX];

	ip_print(other, text);
	log_warn(SIO_303,
		 "peers: this is not the only one of SIOINIT_PEERS=\"%s\" (%s is another), and "
		 "@socket.io/cluster-adapter reaches the workers of this one alone: clients at the "
		 "others do not get its broadcasts. In the app, use @socket.io/redis-adapter or "
		 "@socket.io/redis-streams-adapter in its place",
		 name, text);
}

static unsigned pause_s(const struct dns_answer *a)
{
	return a->ttl_s < PAUSE_MIN_S   ? PAUSE_MIN_S
	       : a->ttl_s > PAUSE_MAX_S ? PAUSE_MAX_S
					: a->ttl_s;
}

/* Where there is no ready pod yet, this is what DNS says. */
static void say_unanswered(const char *name, unsigned times)
{
	if (times == 1)
		log_info("peers: SIOINIT_PEERS=\"%s\": %s; asked again", name, hstrerror(h_errno));
	if (times == ASKED_MAX)
		log_warn(SIO_304,
			 "peers: SIOINIT_PEERS=\"%s\": %s: whether there are other containers of "
			 "this app is not known; the name of a headless Service is wanted",
			 name, hstrerror(h_errno));
}

void peers_prepare(void)
{
	(void)res_init();
}

int peers_main(const char *name)
{
	unsigned in_a_row = 0, unanswered = 0;
	struct dns_answer answer;

	for (unsigned i = 0; i < ASKED_MAX; i++) {
		bool is_answered = ask(name, &answer);
		const struct ip *other = is_answered ? find_other(&answer) : NULL;

		in_a_row = other ? in_a_row + 1 : 0;
		if (in_a_row == IN_A_ROW) {
			say_others(name, other);
			break;
		}
		if (!is_answered)
			say_unanswered(name, ++unanswered);
		(void)sleep(is_answered ? pause_s(&answer) : UNANSWERED_PAUSE_S);
	}
	return 0;
}
