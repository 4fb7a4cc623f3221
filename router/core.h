/* The router as a whole; known to router.c and control.c, which wire its parts. */
#pragma once

#include "ipc/control.h"
#include "router/admin/serve.h"
#include "router/backend/context.h"
#include "router/client/context.h"
#include "router/net/listener.h"
#include "router/net/loop.h"

struct router {
	uv_loop_t uv;
	struct loop loop;
	struct control link; /* to init */
	struct listeners listeners;
	struct backend backend;
	struct frontend frontend;
	struct admin admin;
	uv_timer_t settle; /* armed: the log has counts to write */
	uv_idle_t sweep; /* active: sessions of dead workers are being removed, some in each turn */
};
