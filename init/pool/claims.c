/* See claims.h. PID 1 keeps nothing of who connects: it decides at once. */
#include "init/pool/claims.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "init/pool/pool.h"
#include "init/system/parent.h"
#include "init/worker/claim.h"
#include "init/worker/claim_script.h"
#include "init/worker/context.h"
#include "init/worker/worker.h"

#include "base/ban.h"

enum { BACKLOG = 128, DEPTH_MAX = 64 };

/* SO_PEERCRED says 0 for a process that our PID namespace does not have. */
static struct worker *worker_above(const struct pool *p, pid_t pid)
{
	struct worker *w = NULL;

	for (unsigned i = 0; pid > 1 && !w && i < DEPTH_MAX; i++) {
		w = pool_find(p, pid);
		pid = parent_of(pid);
	}
	return w;
}

static void judge(const struct pool *p, int fd)
{
	auto_fd int peer = fd;
	struct ucred who = { 0 };
	socklen_t len = sizeof(who);
	struct worker *w;

	if (getsockopt(peer, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
		return;
	w = worker_above(p, who.pid);
	if (w && worker_is_claimable(w))
		worker_claimed(w, fd_take(&peer), who.pid);
	else
		log_debug("init: pid=%d gets no channel: %s", (int)who.pid,
			  w ? "its worker's is taken" : "it belongs to no worker");
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
	int fd, listener = -1;

	(void)events;
	if (status < 0 || uv_fileno((uv_handle_t *)poll, &listener) < 0)
		return;
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0)
		judge(poll->data, fd);
}

/* An owned descriptor, or -errno. */
static int listen_at(const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	memcpy(at.sun_path + 1, name, CLAIM_NAME_LEN);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	return fd_take(&fd);
}

static int open_listener(struct claims *cs, size_t i, const char *name, struct pool *p)
{
	int fd = listen_at(name);

	if (fd < 0)
		return fd;
	cs->listeners[i].fd = fd;
	(void)uv_poll_init(p->context->loop, &cs->listeners[i].poll, fd);
	cs->listeners[i].poll.data = p;
	return uv_poll_start(&cs->listeners[i].poll, UV_READABLE, on_connection);
}

/* Node 18 takes every abstract name for one of nothing but NUL, which is anybody's who shares our
 * network. */
void claims_open(struct claims *cs, struct pool *p)
{
	static const char nuls[CLAIM_NAME_LEN + 1];
	char name[CLAIM_NAME_LEN + 1];
	int r;

	claim_name(name);
	r = open_listener(cs, 0, name, p);
	if (r < 0) {
		log_warn(SIO_124, "init: nobody can ask for a channel, so it is inherited: %s",
			 strerror(-r));
		p->context->reach.claimed = false;
		return;
	}
	p->context->claimed_from = open_listener(cs, 1, nuls, p) == 0 ? 18 : 20;
}
