/* The service manager's side. libsystemd reads the environment when it is asked; since workers must
 * not see those variables, they are set only for the moment of a call. */
#include "init/system/notify.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/fd.h"
#include "base/log.h"
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

static const char *const names[] = { "NOTIFY_SOCKET",  "LISTEN_FDS",     "LISTEN_PID",
				     "LISTEN_PIDFDID", "LISTEN_FDNAMES", "WATCHDOG_USEC",
				     "WATCHDOG_PID" };

static void forget_environment(void)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)unsetenv(names[i]);
}

#ifdef SIOINIT_HAVE_SYSTEMD

/* Loaded only where a service manager is: with what it links itself, the library would cost every
 * container more memory than all the rest of sioinit. */
static struct {
	__typeof__(sd_notify) *notify;
	__typeof__(sd_listen_fds_with_names) *listen_fds_with_names;
	__typeof__(sd_is_socket) *is_socket;
	__typeof__(sd_watchdog_enabled) *watchdog_enabled;
} systemd;

static char *notify_socket;

static bool load_systemd(void)
{
	static const struct {
		const char *name;
		void *at;
	} symbols[] = {
		{ "sd_notify", &systemd.notify },
		{ "sd_listen_fds_with_names", &systemd.listen_fds_with_names },
		{ "sd_is_socket", &systemd.is_socket },
		{ "sd_watchdog_enabled", &systemd.watchdog_enabled },
	};
	void *library = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);

	for (size_t i = 0; library && i < ARRAY_LEN(symbols); i++) {
		void *symbol = dlsym(library, symbols[i].name);

		if (!symbol)
			return false;
		memcpy(symbols[i].at, &symbol, sizeof(symbol)); /* dlsym(3) */
	}
	return library;
}

static bool has_manager(void)
{
	return getenv("NOTIFY_SOCKET") || getenv("LISTEN_FDS") || getenv("WATCHDOG_USEC");
}

static void take_listeners(void)
{
	char **fd_names = NULL;
	int n = systemd.listen_fds_with_names(1, &fd_names);

	for (int i = 0; i < n; i++) {
		int fd = SD_LISTEN_FDS_START + i;

		(void)fd_set_cloexec(fd, 1);
		if (n_passed < LISTENERS_MAX &&
		    systemd.is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) > 0) {
			passed[n_passed].fd = fd;
			(void)snprintf(passed[n_passed].name, sizeof(passed[0].name), "%s",
				       fd_names ? fd_names[i] : "");
			n_passed++;
		}
		if (fd_names)
			free(fd_names[i]);
	}
	free(fd_names);
}

void notify_init(void)
{
	const char *s = getenv("NOTIFY_SOCKET");

	if (!has_manager())
		return;
	if (load_systemd()) {
		take_listeners();
		(void)systemd.watchdog_enabled(0, &watchdog_us);
		notify_socket = s ? strdup(s) : NULL;
	} else {
		log_warn("init: libsystemd.so.0 cannot be loaded: the service manager is not told "
			 "anything and passes no sockets");
	}
	forget_environment();
}

static void send_state(const char *state)
{
	if (!notify_socket)
		return;
	(void)setenv("NOTIFY_SOCKET", notify_socket, 1);
	(void)systemd.notify(1, state); /* unsets it again */
}

#else

void notify_init(void)
{
	forget_environment();
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
