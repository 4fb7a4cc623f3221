/* The service manager's side: its words are kept here, since workers must not see those variables.
 */
#include "init/system/notify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/fd.h"
#include "base/macros.h"
#include "init/system/sd_daemon.h"

#include "base/ban.h"

enum { LISTENERS_MAX = 128, NAME_SIZE = 256 /* systemd's limit */ };

/* What we have given the manager to keep comes back among what it passes, by this name. */
#define KEPT "kept "

struct passed {
	int fd;
	char name[NAME_SIZE];
};

static struct passed passed[LISTENERS_MAX];
static size_t n_passed;
static uint64_t watchdog_us;
static bool can_keep;

static const char *const names[] = { "NOTIFY_SOCKET",  "LISTEN_FDS",     "LISTEN_PID",
				     "LISTEN_PIDFDID", "LISTEN_FDNAMES", "WATCHDOG_USEC",
				     "WATCHDOG_PID",   "FDSTORE" };

static void forget_environment(void)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)unsetenv(names[i]);
}

static const struct sd_daemon *manager;
static char *notify_socket;

static bool has_manager(void)
{
	return getenv("NOTIFY_SOCKET") || getenv("LISTEN_FDS") || getenv("WATCHDOG_USEC");
}

/* Whether clients can connect to it. */
static bool is_listener(int fd)
{
	int type = 0, listens = 0;
	socklen_t n = sizeof(type), m = sizeof(listens);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_STREAM &&
	       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &m) == 0 && listens;
}

static void take_listeners(void)
{
	char **fd_names = NULL;
	int n = manager->listen_fds(&fd_names);

	for (int i = 0; i < n && n_passed < LISTENERS_MAX; i++) {
		int fd = SD_DAEMON_FIRST_FD + i;

		if (!is_listener(fd))
			continue;
		passed[n_passed].fd = fd;
		(void)snprintf(passed[n_passed].name, sizeof(passed[0].name), "%s", fd_names[i]);
		n_passed++;
	}
	sd_daemon_free_names(fd_names, n);
}

void notify_init(void)
{
	const char *s = getenv("NOTIFY_SOCKET");

	if (!has_manager())
		return;
	manager = sd_daemon_load();
	take_listeners();
	watchdog_us = manager->watchdog_us();
	notify_socket = s ? strdup(s) : NULL;
	can_keep = notify_socket && getenv("FDSTORE");
	forget_environment();
}

static void send_with_fds(const char *state, const int *fds, unsigned n)
{
	if (notify_socket)
		(void)manager->notify(notify_socket, state, fds, n);
}

static void send_state(const char *state)
{
	send_with_fds(state, NULL, 0);
}

static bool is_kept(const struct passed *p)
{
	return p->fd >= 0 && strncmp(p->name, KEPT, strlen(KEPT)) == 0;
}

/* systemd.socket(5): without FileDescriptorName= it is the unit's name; systemd-socket-activate
 * says "unknown". */
static bool is_unnamed(const char *name)
{
	return strcmp(name, "") == 0 || strcmp(name, "unknown") == 0 || strstr(name, ".socket");
}

int notify_take_listener(const char *name)
{
	for (size_t i = 0; i < n_passed; i++)
		if (passed[i].fd >= 0 && strcmp(passed[i].name, name) == 0)
			return fd_take(&passed[i].fd);
	for (size_t i = 0; i < n_passed && strcmp(name, "http") == 0; i++)
		if (passed[i].fd >= 0 && !is_kept(&passed[i]) && is_unnamed(passed[i].name))
			return fd_take(&passed[i].fd);
	return -1;
}

bool notify_can_keep(void)
{
	return can_keep;
}

void notify_keep(const char *name, const int *fds, unsigned n)
{
	char state[NAME_SIZE + 64];

	(void)snprintf(state, sizeof(state), "FDSTORE=1\nFDPOLL=0\nFDNAME=" KEPT "%s", name);
	if (can_keep)
		send_with_fds(state, fds, n);
}

static void keep_no_more(const char *full_name)
{
	char state[NAME_SIZE + 64];

	(void)snprintf(state, sizeof(state), "FDSTOREREMOVE=1\nFDNAME=%s", full_name);
	send_state(state);
}

void notify_keep_no_more(const char *name)
{
	char full_name[NAME_SIZE];

	(void)snprintf(full_name, sizeof(full_name), KEPT "%s", name);
	if (can_keep)
		keep_no_more(full_name);
}

int notify_take_kept(const char *name)
{
	for (size_t i = 0; i < n_passed; i++)
		if (is_kept(&passed[i]) && strcmp(passed[i].name + strlen(KEPT), name) == 0)
			return fd_take(&passed[i].fd);
	return -1;
}

void notify_drop_kept(bool (*is_in_the_way)(int fd, void *ctx), void *ctx)
{
	for (size_t i = 0; i < n_passed; i++) {
		struct passed *p = &passed[i];

		if (!is_kept(p) || (is_in_the_way && !is_in_the_way(p->fd, ctx)))
			continue;
		keep_no_more(p->name);
		(void)shutdown(p->fd, SHUT_RDWR);
		fd_close(&p->fd);
	}
}

void notify_ready(void)
{
	send_state("READY=1");
}

void notify_status(const char *fmt, ...)
{
	char state[256] = "STATUS=";
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(state + 7, sizeof(state) - 7, fmt, ap);
	va_end(ap);
	send_state(state);
}

void notify_stopping(uint64_t within_ms)
{
	char state[64];

	(void)snprintf(state, sizeof(state), "STOPPING=1\nEXTEND_TIMEOUT_USEC=%" PRIu64,
		       within_ms * 1000);
	send_state(state);
}

void notify_reloading(void)
{
	char state[64];
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	(void)snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%lld",
		       (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	send_state(state);
}

uint64_t notify_watchdog_interval_ms(void)
{
	return watchdog_us / 2000;
}

void notify_watchdog(void)
{
	send_state("WATCHDOG=1");
}
