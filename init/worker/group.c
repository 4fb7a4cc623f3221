/* The process group of a worker. */
#include "init/worker/group.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "init/worker/state.h"

#include "base/ban.h"

enum { STATUS_MAX = 4096, CHILDREN_MAX = 512, DEPTH_MAX = 4 };

static struct worker *of_group(struct group *g)
{
	return container_of(g, struct worker, group);
}

/* EPERM: all of it belong to others by now (set-user-ID programs), and there is nothing that we
 * could do to them. */
static bool is_there(const struct worker *w)
{
	return w->pid > 0 && kill(-w->pid, 0) == 0;
}

static bool has_signal(const char *status, const char *field, int sig)
{
	const char *at = strstr(status, field);

	return at && strtoull(at + strlen(field), NULL, 16) >> (sig - 1) & 1;
}

bool group_leader_takes(const char *status, int sig)
{
	return sig > 0 &&
	       (has_signal(status, "\nSigCgt:", sig) || has_signal(status, "\nSigBlk:", sig));
}

/* A small file of /proc, as a string. False: it cannot be read, or is empty. */
static bool read_text(const char *path, char *dst, size_t size)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, dst, size - 1);

	if (n <= 0)
		return false;
	dst[n] = '\0';
	return true;
}

/* True also where that cannot be read. */
static bool takes(pid_t pid, int sig)
{
	char path[32], text[STATUS_MAX];

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	return !read_text(path, text, sizeof(text)) || group_leader_takes(text, sig);
}

static bool any_takes(pid_t pid, int sig, unsigned depth)
{
	char path[64], children[CHILDREN_MAX], *at = children;

	if (takes(pid, sig))
		return true;
	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	if (depth == 0 || !read_text(path, children, sizeof(children)))
		return false;
	for (pid_t child; (child = (pid_t)strtol(at, &at, 10)) > 0;)
		if (any_takes(child, sig, depth - 1))
			return true;
	return false;
}

bool worker_group_takes_signal(const struct worker *w)
{
	return any_takes(w->pid, w->config->stop_signal, DEPTH_MAX);
}

static void tell_all(struct worker *w)
{
	(void)kill(-w->pid, w->config->stop_signal);
	(void)kill(-w->pid, SIGCONT);
	w->group.is_told = true;
}

/* At a terminal SIGINT comes to all: who waits for a child, such as npm, does not pass it on. pm2
 * sends its signal, which is that one, to all as well. */
static bool goes_to_all(const struct worker *w, int sig)
{
	if (w->config->stop_group != CONFIG_STOP_GROUP_AUTO)
		return w->config->stop_group == CONFIG_STOP_GROUP_ALL;
	return sig == SIGINT || !takes(w->pid, sig);
}

void worker_group_stop(struct worker *w)
{
	int sig = w->config->stop_signal;
	bool led = w->group.state == GROUP_LED;

	if (w->pid <= 0 || w->state == WORKER_DEAD)
		return;
	if (!led || goes_to_all(w, sig)) {
		tell_all(w);
		return;
	}
	(void)kill(w->pid, sig);
	(void)kill(-w->pid, SIGCONT);
}

static void keep_looking(struct groups *gs);

static void add(struct worker *w, enum group_state state)
{
	w->group.state = state;
	DL_APPEND(w->groups->list, &w->group);
	keep_looking(w->groups);
}

/* @w may be freed. */
static void end(struct worker *w, bool forced)
{
	struct groups *gs = w->groups;
	bool is_orphan = w->group.state == GROUP_ORPHANED;

	DL_DELETE(gs->list, &w->group);
	w->group.state = GROUP_LED;
	if (!is_orphan) {
		w->ops->on_group_ended(w, w->group.status, &w->group.usage);
		return;
	}
	fd_close(&w->group.channel_fd);
	gs->n_orphaned--;
	worker_release(w);
	gs->on_orphan_ended(gs->ctx, forced);
}

bool worker_group_holds(struct worker *w, int status, const struct rusage *usage)
{
	struct group *g = &w->group;

	if (!w->kill_at_ms || w->killed || !w->groups || !is_there(w))
		return false;
	g->status = status;
	g->usage = *usage;
	add(w, GROUP_STOPPING);
	log_debug("worker[%u]: its process has ended, others of its group are there pid=%d",
		  w->slot, (int)w->pid);
	if (w->told_ms && !g->is_told && w->config->stop_group != CONFIG_STOP_GROUP_LEADER)
		tell_all(w);
	return true;
}

void worker_group_orphan(struct worker *w)
{
	struct group *g = &w->group;

	if (!is_there(w))
		return;
	if (w->killed || !w->groups) {
		(void)kill(-w->pid, SIGKILL);
		return;
	}
	tell_all(w);
	g->kill_at_ms = uv_now(w->deadline.loop) + w->config->stop_timeout_ms;
	g->channel_fd = fcntl(w->channel.fd, F_DUPFD_CLOEXEC, 0);
	w->n_open++;
	w->groups->n_orphaned++;
	add(w, GROUP_ORPHANED);
}

static void kill_orphan(struct worker *w)
{
	(void)kill(-w->pid, SIGKILL);
	end(w, true);
}

/* One that has to be dealt with, or NULL. */
static struct group *find_due(const struct groups *gs, uint64_t now)
{
	struct group *g;

	DL_FOREACH(gs->list, g)
	if ((g->state == GROUP_ORPHANED && now >= g->kill_at_ms) || !is_there(of_group(g)))
		return g;
	return NULL;
}

/* Whoever is told of an end may change the list. */
void groups_look(struct groups *gs)
{
	struct group *g;

	while ((g = find_due(gs, uv_now(gs->look.loop)))) {
		struct worker *w = of_group(g);

		if (!is_there(w)) {
			end(w, false);
			continue;
		}
		log_warn(SIO_107,
			 "worker[%u]: what it left in its process group is still there at the stop "
			 "timeout, killed group=%d",
			 w->slot, (int)w->pid);
		kill_orphan(w);
	}
	if (!gs->list)
		(void)uv_timer_stop(&gs->look);
}

void groups_kill(struct groups *gs)
{
	struct group *g, *next;

	DL_FOREACH_SAFE(gs->list, g, next)
	if (g->state == GROUP_ORPHANED)
		kill_orphan(of_group(g));
}

/* Sockets that workers have left */

static void on_held_freed(uv_handle_t *h)
{
	worker_release(container_of((uv_timer_t *)h, struct worker, drain.timer));
}

static void on_held_closed(struct drain *d)
{
	struct groups *gs = container_of(d, struct worker, drain)->groups;

	DL_DELETE(gs->held, d);
	gs->n_orphaned--;
	uv_close((uv_handle_t *)&d->timer, on_held_freed);
	gs->on_orphan_ended(gs->ctx, false);
}

void groups_close_held(struct groups *gs, struct worker *w, uint32_t ms)
{
	DL_APPEND(gs->held, &w->drain);
	gs->n_orphaned++;
	drain_held(&w->drain, ms, on_held_closed);
}

void groups_hurry(struct groups *gs)
{
	struct drain *d, *next;

	DL_FOREACH_SAFE(gs->held, d, next)
	{
		drain_stop(d);
		on_held_closed(d);
	}
}

static void on_look(uv_timer_t *t)
{
	groups_look(container_of(t, struct groups, look));
}

static void keep_looking(struct groups *gs)
{
	if (!uv_is_active((uv_handle_t *)&gs->look))
		(void)uv_timer_start(&gs->look, on_look, GROUP_LOOK_MS, GROUP_LOOK_MS);
}

void groups_init(struct groups *gs, uv_loop_t *loop,
		 void (*on_orphan_ended)(void *ctx, bool forced), void *ctx)
{
	*gs = (struct groups){ .on_orphan_ended = on_orphan_ended, .ctx = ctx };
	(void)uv_timer_init(loop, &gs->look);
}
