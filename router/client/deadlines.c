/* The lists of deadlines. See deadlines.h. */
#include "router/client/deadlines.h"

#include "router/client/context.h"

#include "base/ban.h"

enum {
	LINGER_MS = 2000,
	QUIET_MS = 100,
	PROTOCOL_MS = 3000,
	UPGRADE_MS = 1000,
	ADMIN_MS = 10000,
	EVENTS_MS = 10000,
	PARK_MS = 200,
	POLL_MS = 3600000, /* no client or proxy waits longer, and vanished ones are noticed */
};

void deadlines_init(struct frontend *f, void (*on_client)(struct deadline *d),
		    void (*on_exchange)(struct deadline *d))
{
	const struct router_conf *conf = frontend_conf(f);
	const uint32_t durations_ms[N_DEADLINES] = {
		[DEADLINE_HEADER] = conf->header_timeout_ms,
		[DEADLINE_KEEPALIVE] = conf->keepalive_timeout_ms,
		[DEADLINE_TAKING] = conf->body_timeout_ms,
		[DEADLINE_LINGER] = LINGER_MS,
		[DEADLINE_QUIET] = QUIET_MS,
		[DEADLINE_PROTOCOL] = PROTOCOL_MS,
		[DEADLINE_UPGRADE] = UPGRADE_MS,
		[DEADLINE_ADMIN] = ADMIN_MS,
		[DEADLINE_EVENTS] = EVENTS_MS,
		[DEADLINE_PACE] = conf->body_timeout_ms,
		[DEADLINE_RESPONSE] = conf->response_timeout_ms,
		[DEADLINE_PARK] = PARK_MS,
		[DEADLINE_POLL] = POLL_MS,
		[DEADLINE_SILENCE] = conf->tunnel_timeout_ms,
	};

	for (int i = 0; i < N_DEADLINES; i++)
		deadline_list_init(&f->deadlines[i], f->backend->loop->uv, durations_ms[i],
				   i < DEADLINE_PACE ? on_client : on_exchange);
}

void deadlines_deinit(struct frontend *f)
{
	for (int i = 0; i < N_DEADLINES; i++)
		uv_close((uv_handle_t *)&f->deadlines[i].timer, NULL);
}
