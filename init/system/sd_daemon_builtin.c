/* By hand, for builds without libsystemd and where it is not installed: one datagram for each
 * notification, and numbers in the environment. */
#include "init/system/sd_daemon.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

#include "base/ban.h"

enum { FDS_MAX = 253 /* the kernel's limit for one message, SCM_MAX_FD */ };

static bool load(void)
{
	return true;
}

/* A path, or with @ in front a name in the kernel's own space. */
static int manager_address(const char *text, struct sockaddr_un *ret, socklen_t *ret_len)
{
	size_t n = strlen(text);

	if ((text[0] != '/' && text[0] != '@') || n < 2)
		return -EAFNOSUPPORT;
	if (n >= sizeof(ret->sun_path))
		return -ENAMETOOLONG;
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(ret->sun_path, text, n);
	if (text[0] == '@')
		ret->sun_path[0] = '\0';
	*ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	return 0;
}

/* @m has room for them. */
static void attach(struct msghdr *m, const int *fds, size_t n_fds)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n_fds * sizeof(*fds));
	memcpy(CMSG_DATA(c), fds, n_fds * sizeof(*fds));
	m->msg_controllen = CMSG_SPACE(n_fds * sizeof(*fds));
}

static int notify(const char *socket_name, const char *state, const int *fds, size_t n_fds)
{
	union {
		char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct sockaddr_un a;
	struct iovec text = { (void *)state, strlen(state) };
	struct msghdr m = { .msg_name = &a, .msg_iov = &text, .msg_iovlen = 1 };
	int r = manager_address(socket_name, &a, &m.msg_namelen);
	auto_fd int fd = -1;

	if (r < 0)
		return r;
	if (n_fds > FDS_MAX)
		return -E2BIG;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (n_fds > 0) {
		memset(&control, 0, sizeof(control));
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		attach(&m, fds, n_fds);
	}
	return sendmsg(fd, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* The number that @variable has, 0 where it has none. */
static uint64_t number(const char *variable, uint64_t max)
{
	const char *text = getenv(variable);
	uint64_t n;

	return text && str_to_u64(str_of(text), max, &n) == 0 ? n : 0;
}

static bool is_for_us(const char *variable)
{
	return number(variable, INT_MAX) == (uint64_t)getpid();
}

/* The names are one text with colons between them; those that are wanting are unknown. */
static int split_names(const char *text, size_t n, char ***ret)
{
	char **names = calloc(n, sizeof(*names));
	const char *at = text ? text : "";

	for (size_t i = 0; names && i < n; i++) {
		size_t len = strcspn(at, ":");

		names[i] = text && *at ? strndup(at, len) : strdup("unknown");
		if (!names[i]) {
			while (i-- > 0)
				free(names[i]);
			free(names);
			return -ENOMEM;
		}
		at += len + (at[len] == ':');
	}
	*ret = names;
	return names ? 0 : -ENOMEM;
}

static int listen_fds(char ***ret_names)
{
	size_t n = number("LISTEN_FDS", INT_MAX - SD_DAEMON_FIRST_FD);
	int r = 0;

	if (!is_for_us("LISTEN_PID"))
		return 0;
	for (size_t i = 0; i < n && r == 0; i++)
		r = fd_set_cloexec((int)(SD_DAEMON_FIRST_FD + i), 1);
	if (r == 0 && n > 0)
		r = split_names(getenv("LISTEN_FDNAMES"), n, ret_names);
	return r < 0 ? r : (int)n;
}

/* Without WATCHDOG_PID it is for whoever is there. */
static uint64_t watchdog_us(void)
{
	if (getenv("WATCHDOG_PID") && !is_for_us("WATCHDOG_PID"))
		return 0;
	return number("WATCHDOG_USEC", UINT64_MAX - 1);
}

const struct sd_daemon sd_daemon_builtin = { "built-in", load, notify, listen_fds, watchdog_us };
