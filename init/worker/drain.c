/* The numbers of the worker's client sockets, as they are at the start, are walked in random order,
 * some each tick. What a number means may have changed by then, so it is looked at again. Few
 * sockets need not be spread: at least one goes each tick. */
#include "init/worker/drain.h"

#include <dirent.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "init/listen/frontend.h"
#include "init/system/credentials.h"
#include "init/worker/endpoint.h"

#include "base/ban.h"

enum { TICK_MS = 20, FDS_MAX = 1 << 20 };

static int *list_fds(pid_t pid, size_t *ret_n)
{
	char path[32];
	DIR *dir;
	struct dirent *e;
	int *fds = NULL;
	size_t n = 0, cap = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && n < FDS_MAX && (e = readdir(dir))) {
		if (e->d_name[0] < '0' || e->d_name[0] > '9')
			continue;
		if (n == cap) {
			int *more = realloc(fds, (cap ? cap * 2 : 64) * sizeof(*fds));

			if (!more)
				break;
			fds = more;
			cap = cap ? cap * 2 : 64;
		}
		fds[n++] = atoi(e->d_name);
	}
	if (dir)
		(void)closedir(dir);
	*ret_n = n;
	return fds;
}

static void shuffle(int *fds, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = (size_t)random() % i;
		int t = fds[i - 1];

		fds[i - 1] = fds[j];
		fds[j] = t;
	}
}

/* Of a router's own network, in which all are bound to its one device: connections for requests
 * that it proxies, with the addresses of clients. */
static bool is_routers(int fd)
{
	char device[IFNAMSIZ] = "";
	socklen_t len = sizeof(device);

	return getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, &len) == 0 &&
	       strcmp(device, "lo") == 0;
}

static bool is_client(const struct drain *d, int fd)
{
	struct sockaddr_storage local = { 0 };
	socklen_t len = sizeof(local);
	int listening = 0;
	socklen_t listening_len = sizeof(listening);

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &listening_len) < 0 || listening)
		return false;
	return getsockname(fd, (struct sockaddr *)&local, &len) == 0 &&
	       (frontend_has(d->frontend, &local) || (d->own && endpoint_has(d->own, &local))) &&
	       !is_routers(fd);
}

static void close_one(const struct drain *d, int number)
{
	auto_fd int fd = pidfd_getfd(d->pidfd, number, 0);

	if (fd >= 0 && is_client(d, fd))
		(void)shutdown(fd, SHUT_RDWR);
}

static void close_next(struct drain *d)
{
	int *fd = &d->fds[d->at++];

	if (!d->is_held) {
		close_one(d, *fd);
		return;
	}
	(void)shutdown(*fd, SHUT_RDWR);
	fd_close(fd);
}

static void on_tick(uv_timer_t *t)
{
	struct drain *d = t->data;
	void (*on_done)(struct drain *) = d->on_done;

	if (!d->is_held)
		credentials_borrow(d->pid);
	for (size_t i = 0; i < d->per_tick && d->at < d->n; i++)
		close_next(d);
	if (!d->is_held)
		credentials_resume();
	if (d->at < d->n)
		return;
	drain_stop(d);
	on_done(d);
}

/* The descriptor @number of the worker if it is a client's, or -1. */
static int get_client(const struct drain *d, int number)
{
	auto_fd int fd = pidfd_getfd(d->pidfd, number, 0);

	return fd >= 0 && is_client(d, fd) ? fd_take(&fd) : -1;
}

/* Of the numbers in the worker, or @as_copies of ours instead, those of clients, @most of them. */
static void keep_clients(struct drain *d, bool as_copies, size_t most)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->n && kept < most; i++) {
		int fd = get_client(d, d->fds[i]);

		if (fd < 0)
			continue;
		d->fds[kept++] = as_copies ? fd_take(&fd) : d->fds[i];
		fd_close(&fd);
	}
	d->n = kept;
	d->is_held = as_copies;
}

void drain_init(struct drain *d, uv_loop_t *loop)
{
	*d = (struct drain){ .pidfd = -1 };
	(void)uv_timer_init(loop, &d->timer);
	d->timer.data = d;
}

static void find_clients(struct drain *d, pid_t pid, const struct frontend *l, bool as_copies,
			 size_t most)
{
	d->pid = pid;
	d->frontend = l;
	d->pidfd = pidfd_open(pid, 0);
	d->at = 0;
	credentials_borrow(pid);
	d->fds = list_fds(pid, &d->n);
	keep_clients(d, as_copies, most);
	credentials_resume();
}

static void pace(struct drain *d, size_t most, uint32_t ms, void (*on_done)(struct drain *d))
{
	size_t ticks = ms / TICK_MS;

	if (d->n == 0) {
		drain_stop(d);
		on_done(d);
		return;
	}
	d->on_done = on_done;
	shuffle(d->fds, d->n);
	if (d->n > most)
		d->n = most;
	d->per_tick = ticks ? (d->n + ticks - 1) / ticks : d->n;
	(void)uv_timer_start(&d->timer, on_tick, 0, TICK_MS);
}

void drain_start(struct drain *d, pid_t pid, const struct frontend *l, size_t most, uint32_t ms,
		 void (*on_done)(struct drain *d))
{
	drain_stop(d);
	find_clients(d, pid, l, false, SIZE_MAX);
	pace(d, most, ms, on_done);
}

static void on_held_long_enough(uv_timer_t *t)
{
	drain_stop(t->data);
}

static size_t most_to_hold(void)
{
	struct rlimit files = { 0 };

	(void)getrlimit(RLIMIT_NOFILE, &files);
	return files.rlim_cur / 4;
}

void drain_hold(struct drain *d, pid_t pid, const struct frontend *l, const struct endpoint *own,
		uint32_t ms)
{
	drain_stop(d);
	d->own = own;
	find_clients(d, pid, l, true, most_to_hold());
	if (d->n > 0)
		(void)uv_timer_start(&d->timer, on_held_long_enough, ms, 0);
	else
		drain_stop(d);
}

void drain_held(struct drain *d, uint32_t ms, void (*on_done)(struct drain *d))
{
	pace(d, SIZE_MAX, ms, on_done);
}

size_t drain_count(pid_t pid, const struct frontend *l)
{
	struct drain d = { .pidfd = -1 };
	size_t n;

	find_clients(&d, pid, l, false, SIZE_MAX);
	n = d.n;
	fd_close(&d.pidfd);
	free(d.fds);
	return n;
}

void drain_stop(struct drain *d)
{
	(void)uv_timer_stop(&d->timer);
	while (d->is_held && d->at < d->n)
		fd_close(&d->fds[d->at++]);
	fd_close(&d->pidfd);
	free(d->fds);
	d->fds = NULL;
	d->is_held = false;
	d->own = NULL;
	d->n = d->at = 0;
}
