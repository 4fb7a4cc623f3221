/* The service manager: sd_notify(3), socket activation (sd_listen_fds_with_names(3)), watchdog
 * (sd_watchdog_enabled(3)). All are silent no-ops without NOTIFY_SOCKET / LISTEN_FDS. How it is
 * spoken to is sd_daemon.h's. */
#pragma once

#include <stdint.h>

/* Takes the environment over once, before workers: afterwards LISTEN_*, NOTIFY_SOCKET and
 * WATCHDOG_* are gone from the environment (the values are kept here), so no worker inherits them.
 * Passed fds become CLOEXEC. */
void notify_init(void);

/* The passed listening socket with that name ("http", "admin"), or -1. The first unnamed stream
 * socket counts as "http". The caller owns it; a second call for the same name gives -1. Never
 * shutdown(2) it: the manager shares it. */
int notify_take_listener(const char *name);

void notify_ready(void);
void notify_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void notify_stopping(void);
/* A reload has begun; notify_ready() ends it (Type=notify-reload). */
void notify_reloading(void);

/* Half of WATCHDOG_USEC in milliseconds, 0 when no watchdog is set; then call notify_watchdog()
 * that often. */
uint64_t notify_watchdog_interval_ms(void);
void notify_watchdog(void);
