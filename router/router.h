/* The router process: accepts clients, speaks HTTP/1.1, keeps the session table, chooses workers,
 * proxies requests and hands WebSockets over. Everything it needs from init comes over the control
 * channel. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "router/balance.h"
#include "router/stickiness.h"

struct router_conf {
	uint32_t header_timeout_ms, keepalive_timeout_ms, body_timeout_ms;
	uint32_t max_connections, max_sessions, max_head_bytes;
	const char *probe_path;  /* borrowed for good */
	const char *health_path; /* ditto; NULL: a worker's own port is ready when it accepts */
	uint32_t drain_time_ms;  /* for what is closed evenly */
	bool unix_pairs;         /* to the workers, instead of loopback TCP */
	enum balance_method balance;
	enum sticky_kind sticky;
	const char *sticky_name; /* of a header field or a parameter; borrowed for good, as all */
	const char *sticky_cookie;
	const char *sid_param;
	uint32_t slow_start_ms;
};

/* Runs until the control channel ends (init is gone or wants it gone). @control_fd is consumed. The
 * exit code. */
int router_main(const struct router_conf *conf, int control_fd);
