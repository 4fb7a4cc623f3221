/* The routers' life. While one is not there, nothing is queued for it: the next one is told all
 * when it says that it is up.
 *
 * A router is not trusted: one that says what makes no sense, or that does not read what it is
 * told, is killed and replaced. */
#include "init/routers/routers.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "init/routers/router_message.h"

#include "base/ban.h"

enum { PAUSE_MS = 200, QUICK_DEATH_MS = 1000 };

/* Distrust */

static void on_channel_closed(struct control *c)
{
	free(c);
}

static void drop_channel(struct router_process *r, struct control *c)
{
	if (r->channel == c)
		r->channel = NULL;
	r->up = false;
	control_close(c, on_channel_closed);
}

/* Its end is noticed as any other's, and the next one is told everything. */
static void router_condemn(struct router_process *r, const char *what)
{
	log_error(SIO_432, "init: router[%u] %s: killed pid=%d", r->index, what, (int)r->pid);
	if (r->channel)
		drop_channel(r, r->channel);
	if (r->pid > 0)
		(void)kill(r->pid, SIGKILL);
}

/* What became of a message. One that has missed any knows too little to go on; that it has ended
 * on_end() is told. */
static void check_sent(struct router_process *r, int err)
{
	if (err < 0 && err != -EPIPE && err != -ECONNRESET)
		router_condemn(r, "does not take what it is told");
}

/* Telling */

void router_send(struct router_process *r, const struct control_msg *m, int fd)
{
	if (r->channel)
		check_sent(r, control_send(r->channel, m, fd));
	else
		fd_close(&fd);
}

void router_tell(struct router_process *r, const struct control_msg *m)
{
	if (r->up)
		router_send(r, m, -1);
}

void router_lend(struct router_process *r, const struct control_msg *m, int fd)
{
	if (r->up)
		check_sent(r, control_lend(r->channel, m, fd));
}

void routers_tell(struct routers *rs, const struct control_msg *m)
{
	for (unsigned i = 0; i < rs->n; i++)
		router_tell(&rs->list[i], m);
}

void routers_flush(struct routers *rs)
{
	for (unsigned i = 0; i < rs->n; i++)
		if (rs->list[i].channel)
			control_flush(rs->list[i].channel);
}

static struct router_process *first_that_listens(struct routers *rs)
{
	for (unsigned i = 0; i < rs->n; i++)
		if (rs->list[i].up)
			return &rs->list[i];
	return NULL;
}

void routers_tell_one(struct routers *rs, const struct control_msg *m)
{
	struct router_process *r = first_that_listens(rs);

	if (r)
		router_tell(r, m);
}

void routers_hand_back(struct routers *rs, const struct control_msg *m, int fd)
{
	struct router_process *r = &rs->list[m->router];
	struct router_process *other = first_that_listens(rs);
	bool is_client = m->kind == HANDOFF_CLIENT || m->kind == HANDOFF_RAW;

	if (!r->up && is_client && other)
		r = other;
	if (r->channel)
		(void)control_send(r->channel, m, fd); /* else it ends, which both sides see */
	else
		fd_close(&fd);
}

static void on_message(struct control *c, const struct control_msg *m, int fd)
{
	struct router_process *r = c->poll.data;
	struct router_standing standing = { .up = r->up,
					    .first = r->index == 0,
					    .last_worker = r->routers->ops->last_worker(r) };
	const char *fault = router_message_fault(m, fd, &standing);

	if (m->fd_lost)
		log_warn(SIO_433, "init: no descriptor left for what router[%u] sent", r->index);
	if (fault) {
		fd_close(&fd);
		router_condemn(r, fault);
		return;
	}
	if (m->type == CONTROL_UP)
		r->up = true;
	r->routers->ops->on_message(r, m, fd);
}

/* One that is dying is a moment away from being reaped; one that is not is useless. */
static void on_end(struct control *c, int err)
{
	struct router_process *r = c->poll.data;

	if (err < 0 && err != -ECONNRESET) {
		router_condemn(r, err == -EBADMSG ? "sent what is no message"
						  : "does not take what it is told");
		return;
	}
	drop_channel(r, c);
	if (r->pid > 0)
		(void)kill(r->pid, SIGKILL);
}

static const struct control_ops ops = { on_message, on_end };

/* Life */

static void router_start(struct router_process *r);

static void on_retry(uv_timer_t *t)
{
	router_start(t->data);
}

static void start_later(struct router_process *r, uint64_t after_ms)
{
	(void)uv_timer_start(&r->retry, on_retry, after_ms, 0);
}

/* A new channel; *ret_far is the router's end. */
static int router_connect(struct router_process *r, int *ret_far)
{
	struct control *c = calloc(1, sizeof(*c));
	int sv[2], e;

	if (!c)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0) {
		free(c);
		return -errno;
	}
	*ret_far = sv[1];
	e = control_init(c, r->routers->loop, sv[0], &ops);
	if (e < 0) {
		free(c);
		return e;
	}
	c->poll.data = r;
	r->channel = c;
	return 0;
}

static void router_start(struct router_process *r)
{
	const struct routers *rs = r->routers;
	auto_fd int far = -1;
	int e = router_connect(r, &far);

	if (e == 0)
		e = role_start(&rs->role, rs->config, rs->credentials, far);
	if (e < 0) {
		log_error(SIO_434, "init: cannot start the router: %s", strerror(-e));
		if (r->channel)
			drop_channel(r, r->channel);
		start_later(r, PAUSE_MS);
		return;
	}
	r->pid = e;
	counter_set(&r->routers->board->routers[r->index].pid, (uint64_t)r->pid);
	r->started_ms = uv_now(r->routers->loop);
	counter_add(&r->routers->board->router_starts, 1);
}

/* Its sandbox ends a router by SIGSYS. */
static void log_end(const struct router_process *r, int status)
{
	if (WIFEXITED(status))
		log_warn(SIO_435, "init: router[%u] ended with exit code %d, starting another",
			 r->index, WEXITSTATUS(status));
	else if (WTERMSIG(status) == SIGSYS)
		log_error(
		    SIO_436,
		    "init: router[%u] was killed: it made a system call that its sandbox "
		    "does not allow (the kernel's log may name it); starting another; without: "
		    "SIOINIT_SANDBOX=off",
		    r->index);
	else
		log_warn(SIO_437, "init: router[%u] ended by signal %s, starting another", r->index,
			 sigabbrev_np(WTERMSIG(status)));
}

static void router_ended(struct router_process *r, int status)
{
	bool quick = uv_now(r->routers->loop) - r->started_ms < QUICK_DEATH_MS;

	r->pid = 0;
	if (r->channel)
		drop_channel(r, r->channel);
	counter_set(&r->routers->board->routers[r->index].pid, 0);
	scoreboard_router_ended(r->routers->board, r->index);
	if (r->routers->is_closed)
		return;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_BAD_CONFIG) {
		r->routers->ops->on_misconfigured(r);
		return;
	}
	log_end(r, status);
	start_later(r, quick ? PAUSE_MS : 0);
}

bool routers_ended(struct routers *rs, pid_t pid, int status)
{
	for (unsigned i = 0; i < rs->n; i++)
		if (rs->list[i].pid == pid) {
			router_ended(&rs->list[i], status);
			return true;
		}
	return false;
}

void routers_start(struct routers *rs)
{
	for (unsigned i = 0; i < rs->n; i++)
		router_start(&rs->list[i]);
}

void routers_close(struct routers *rs)
{
	rs->is_closed = true;
	for (unsigned i = 0; i < rs->n; i++)
		(void)uv_timer_stop(&rs->list[i].retry);
}

void routers_init(struct routers *rs)
{
	counter_set(&rs->board->n_routers, rs->n);
	for (unsigned i = 0; i < rs->n; i++) {
		struct router_process *r = &rs->list[i];

		r->routers = rs;
		r->index = i;
		(void)uv_timer_init(rs->loop, &r->retry);
		r->retry.data = r;
	}
}
