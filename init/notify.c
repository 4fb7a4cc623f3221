/* The service manager's side. libsystemd reads the environment when it is asked; since workers must
 * not see those variables, they are set only for the moment of a call. */
#include "init/notify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/fd.h"
#include "base/macros.h"
#include "base/str.h"

#ifdef SIOINIT_HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "base/ban.h"

enum { LISTENERS_MAX = 16 };

struct passed {
	int fd;
	char name[64];
};

static struct passed passed[LISTENERS_MAX];
static size_t n_passed;
static uint64_t watchdog_us;

#ifdef SIOINIT_HAVE_SYSTEMD

static char *notify_socket;

static void take_listeners(void)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names);

	for (int i = 0; i < n; i++) {
		int fd = SD_LISTEN_FDS_START + i;

		(void)fd_set_cloexec(fd, 1);
		if (n_passed < LISTENERS_MAX && sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) > 0) {
			passed[n_passed].fd = fd;
			(void)snprintf(passed[n_passed].name, sizeof(passed[0].name), "%s",
				       names ? names[i] : "");
			n_passed++;
		}
		if (names)
			free(names[i]);
	}
	free(names);
}

void notify_init(void)
{
	const char *s = getenv("NOTIFY_SOCKET");

	take_listeners();
	(void)sd_watchdog_enabled(1, &watchdog_us);
	notify_socket = s ? strdup(s) : NULL;
	(void)unsetenv("NOTIFY_SOCKET");
}

static void send_state(const char *state)
{
	if (!notify_socket)
		return;
	(void)setenv("NOTIFY_SOCKET", notify_socket, 1);
	(void)sd_notify(1, state); /* unsets it again */
}

#else

void notify_init(void)
{
	static const char *const names[] = { "NOTIFY_SOCKET",  "LISTEN_FDS",    "LISTEN_PID",
					     "LISTEN_FDNAMES", "WATCHDOG_USEC", "WATCHDOG_PID" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)unsetenv(names[i]);
}

static void send_state(const char *state)
{
	(void)state;
}

#endif

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
		if (passed[i].fd >= 0 && is_unnamed(passed[i].name))
			return fd_take(&passed[i].fd);
	return -1;
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

void notify_stopping(void)
{
	send_state("STOPPING=1");
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
