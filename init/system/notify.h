/* The service manager: sd_notify(3), socket activation (sd_listen_fds_with_names(3)), watchdog
 * (sd_watchdog_enabled(3)). All are silent no-ops without NOTIFY_SOCKET / LISTEN_FDS. How it is
 * spoken to is sd_daemon.h's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Takes the environment over once, before workers: afterwards LISTEN_*, NOTIFY_SOCKET and
 * WATCHDOG_* are gone from the environment (the values are kept here), so no worker inherits them.
 * Passed fds become CLOEXEC. */
void notify_init(void);

/* The passed listening socket with that name ("http", "admin"), or -1. The first unnamed stream
 * socket counts as "http". The caller owns it; a second call for the same name gives -1. Never
 * shutdown(2) it: the manager shares it. */
int notify_take_listener(const char *name);

/* Descriptors that the manager keeps for our next start, also after a crash, but not after
 * `systemctl stop` (sd_pid_notify_with_fds(3): FDSTORE=1). Whether it does: by $FDSTORE, which
 * systemd 254 and later set where FileDescriptorStoreMax= is, and for older ones our unit does. */
bool notify_can_keep(void);
/* @fds are borrowed; what is kept already changes nothing. A name is printable ASCII without
 * colons, of at most NOTIFY_KEPT_NAME_MAX bytes. */
void notify_keep(const char *name, const int *fds, unsigned n);
/* All of that name. Who waits at them is not waited for any more when we have closed ours. */
void notify_keep_no_more(const char *name);
enum { NOTIFY_KEPT_NAME_MAX = 240 };

/* One with that name which has come back, the caller's and still kept; -1: no more. */
int notify_take_kept(const char *name);
/* Of those that nobody has taken, the ones that @is_in_the_way says (NULL: all) are not kept any
 * more: their ports are free at once. */
void notify_drop_kept(bool (*is_in_the_way)(int fd, void *ctx), void *ctx);

void notify_ready(void);
void notify_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The end takes at most that long: the manager waits for it, however short its TimeoutStopSec= is.
 */
void notify_stopping(uint64_t within_ms);
/* A reload has begun; notify_ready() ends it (Type=notify-reload). */
void notify_reloading(void);

/* Half of WATCHDOG_USEC in milliseconds, 0 when no watchdog is set; then call notify_watchdog()
 * that often. */
uint64_t notify_watchdog_interval_ms(void);
void notify_watchdog(void);
