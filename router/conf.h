/* The settings that concern the router, as main.c reads them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "router/backend/balance.h"
#include "router/http/trace.h"

enum access_format { ACCESS_OFF, ACCESS_COMMON, ACCESS_LOGFMT, ACCESS_JSON };

/* What proxied requests reach node:cluster workers by. */
enum upstream_kind {
	UPSTREAM_AUTO,   /* as the next, where that can be */
	UPSTREAM_NATIVE, /* pairs with the ends of the client's connection */
	UPSTREAM_TCP,    /* loopback */
	UPSTREAM_UNIX,
};

enum sticky_kind {
	STICKY_SID,     /* nothing else: a request without a session goes to any worker */
	STICKY_COOKIE,  /* a cookie that we set, which names the worker */
	STICKY_ADDRESS, /* the client's address, hashed */
	STICKY_HEADER,  /* a header field, hashed */
	STICKY_HASH,    /* a parameter of the query, hashed */
	STICKY_NONE,    /* sessions are not looked at either */
	STICKY_N_KINDS,
};

/* Everything is borrowed for good. Times of 0 are no limit. */
struct router_conf {
	uint32_t header_timeout_ms, keepalive_timeout_ms, body_timeout_ms;
	uint32_t response_timeout_ms; /* to the head of the answer */
	uint32_t tunnel_timeout_ms;   /* in which nothing is said on a tunnel, or in an answer */
	uint32_t max_connections, max_sessions, max_head_bytes;
	uint32_t max_connections_per_address;     /* 0: no limit */
	uint32_t handshake_rate, handshake_burst; /* 0: no limit; 0: one second's worth */
	uint32_t handshake_rate_per_address, handshake_burst_per_address; /* ditto */
	const struct cidr_list *trusted;
	bool proxy_protocol;
	const char *request_id; /* a field name or NULL */
	struct trace_rule trace;
	bool trace_spans; /* not with TRACE_OFF */
	enum access_format access_format;
	const char *probe_path;
	const char *health_path; /* NULL: who listens or accepts is ready, and is not asked on */
	uint32_t health_interval_ms; /* 0: only until it is ready */
	uint32_t drain_time_ms;      /* for what is closed evenly */
	enum upstream_kind upstream;
	enum balance_method balance;
	enum sticky_kind sticky;
	const char *sticky_name; /* of a header field or a parameter */
	const char *sticky_cookie, *sticky_cookie_attributes;
	bool sticky_cookie_secure_auto; /* Secure where the client came by TLS */
	const char *sid_param;
	uint32_t slow_start_ms;
	const char *admin_hosts; /* see router/admin/guard.h; or NULL */
	bool sandbox;            /* see router/sandbox.h */
};
