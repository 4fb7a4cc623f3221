/* The router process: accepts clients, speaks HTTP/1.1, keeps the session table, chooses workers,
 * proxies requests and hands WebSockets over. Everything it needs from init comes over the control
 * channel. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "router/backend/balance.h"
#include "router/backend/choose.h"
#include "router/http/trace.h"

enum access_format { ACCESS_OFF, ACCESS_COMMON, ACCESS_LOGFMT, ACCESS_JSON };

/* Everything is borrowed for good. */
struct router_conf {
	uint32_t header_timeout_ms, keepalive_timeout_ms, body_timeout_ms;
	uint32_t max_connections, max_sessions, max_head_bytes;
	uint32_t max_connections_per_address;     /* 0: no limit */
	uint32_t handshake_rate, handshake_burst; /* 0: no limit; 0: one second's worth */
	const struct cidr_list *trusted;
	bool proxy_protocol;
	const char *request_id; /* a field name or NULL */
	enum trace_mode traceparent;
	enum access_format access_format;
	const char *probe_path;
	const char *health_path; /* NULL: who listens or accepts is ready, and is not asked on */
	uint32_t health_interval_ms; /* 0: only until it is ready */
	uint32_t drain_time_ms;      /* for what is closed evenly */
	bool unix_pairs;             /* to the workers, instead of loopback TCP */
	enum balance_method balance;
	enum sticky_kind sticky;
	const char *sticky_name; /* of a header field or a parameter */
	const char *sticky_cookie, *sticky_cookie_attributes;
	bool sticky_cookie_secure_auto; /* Secure where the client came by TLS */
	const char *sid_param;
	uint32_t slow_start_ms;
};

/* Runs until the control channel ends (init is gone or wants it gone). @control_fd is consumed. The
 * exit code. */
int router_main(const struct router_conf *conf, int control_fd);
