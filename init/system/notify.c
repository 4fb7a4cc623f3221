/* The service manager's side. libsystemd reads the environment when it is asked; since workers must
 * not see those variables, they are set only for the moment of a call. */
#include "init/system/notify.h"

#include <dlfcn.h>
#include <inttypes.h>
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

#ifdef SIOINIT_HAVE_SYSTEMD

/* Loaded only where a service manager is: with what it links itself, the library would cost every
 * container more memory than all the rest of sioinit. */
static struct {
	__typeof__(sd_pid_notify_with_fds) *notify_with_fds;
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
		{ "sd_pid_notify_with_fds", &systemd.notify_with_fds },
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
		can_keep = notify_socket && getenv("FDSTORE");
	} else {
		log_warn("init: libsystemd.so.0 cannot be loaded: the service manager is not told "
			 "anything and passes no sockets");
	}
	forget_environment();
}

static void send_with_fds(const char *state, const int *fds, unsigned n)
{
	if (!notify_socket)
		return;
	(void)setenv("NOTIFY_SOCKET", notify_socket, 1);
	(void)systemd.notify_with_fds(0, 1, state, fds, n); /* unsets it again */
}

#else

void notify_init(void)
{
	forget_environment();
}

static void send_with_fds(const char *state, const int *fds, unsigned n)
{
	(void)state;
	(void)fds;
	(void)n;
}

#endif

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
