/* What the parts of init share. Included by init/ only. */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <uv.h>

#include "init/admin_socket.h"
#include "init/app_messages.h"
#include "init/app_metrics.h"
#include "init/command.h"
#include "init/config.h"
#include "init/credentials.h"
#include "init/dev_watch.h"
#include "init/frontend.h"
#include "init/logs.h"
#include "init/memory.h"
#include "init/parked.h"
#include "init/pool.h"
#include "init/pre_start.h"
#include "init/primary.h"
#include "init/reload.h"
#include "init/router_process.h"
#include "init/shutdown.h"
#include "init/terminal.h"
#include "init/watch.h"
#include "init/websockets.h"
#include "ipc/scoreboard.h"
#include "relay/hub.h"

struct init {
	uv_loop_t loop;
	const struct config *config;
	const struct command *command;
	struct dialect dialect;
	struct reach reach;
	struct credentials credentials;
	struct hub hub;
	struct primary primary;
	struct pool pool;
	struct routers routers;
	struct reload reload;
	struct shutdown shutdown;
	struct watch watch;
	struct dev_watch dev_watch;
	struct memory memory;
	struct logs logs;
	struct terminal terminal;
	struct pre_start pre_start;
	struct admin_socket admin;
	struct parked parked;
	struct app_metrics app_metrics;
	struct app_messages app_messages;
	struct websockets websockets;
	struct frontend frontend;
	int sessions_fd, board_fd; /* kept for every router */
	struct scoreboard *board;
	uv_signal_t signals[NSIG]; /* by number */
	uv_timer_t systemd_watchdog, heartbeat;
	bool told_ready;
};

/* All workers that are wanted are ready: the log and the service manager hear of it, the first
 * time.
 */
void init_serving(struct init *in);
