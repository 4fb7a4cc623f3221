/* The protocol of sd-daemon(3), which service managers speak: what they are told (sd_notify(3)),
 * what they have passed (sd_listen_fds(3)), how often they want to hear of us
 * (sd_watchdog_enabled(3)). Two speak it: libsystemd, loaded where it is, and a few lines of our
 * own, which need nothing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SD_DAEMON_FIRST_FD = 3 };

struct sd_daemon {
	const char *name;
	/* False: it cannot be had here, and nothing else may be called. */
	bool (*load)(void);
	/* Sends @state, lines of NAME=VALUE, and @n_fds descriptors with it, to @socket (what
	 * NOTIFY_SOCKET has said). Borrows @fds. Waits only while the manager's queue is full. 0 or
	 * -errno. */
	int (*notify)(const char *socket, const char *state, const int *fds, size_t n_fds);
	/* How many descriptors this process was passed, from SD_DAEMON_FIRST_FD on: they are the
	 * caller's from then on, and CLOEXEC. Reads the environment. 0: none; -errno. Where there
	 * are some, *ret has a name for each (LISTEN_FDNAMES, else "unknown"), free with
	 * sd_daemon_free_names(). */
	int (*listen_fds)(char ***ret_names);
	/* The watchdog's interval in µs, or 0 where none is wanted of this process. Reads the
	 * environment. */
	uint64_t (*watchdog_us)(void);
};

/* The one that this build and this machine have; loads it. */
const struct sd_daemon *sd_daemon_load(void);
void sd_daemon_free_names(char **names, int n);

/* All of this build, the preferred one first, NULL at the end. */
extern const struct sd_daemon *const sd_daemons[];
extern const struct sd_daemon sd_daemon_builtin;
#ifdef SIOINIT_HAVE_SYSTEMD
extern const struct sd_daemon sd_daemon_library;
#endif
