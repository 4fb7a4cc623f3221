/* What the parts of init share. Included by init/ only. */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <uv.h>

#include "init/listen/frontend.h"
#include "init/listen/places.h"
#include "init/logs/access_file.h"
#include "init/logs/logs.h"
#include "init/pool/claims.h"
#include "init/pool/monitor.h"
#include "init/pool/pool.h"
#include "init/routers/lent_polls.h"
#include "init/routers/routers.h"
#include "init/sidecars/sidecars.h"
#include "init/supervisor/admin_http.h"
#include "init/supervisor/admin_socket.h"
#include "init/supervisor/admin_token.h"
#include "init/supervisor/app_metrics.h"
#include "init/supervisor/file_watch.h"
#include "init/supervisor/hooks.h"
#include "init/supervisor/peers_process.h"
#include "init/supervisor/pre_start.h"
#include "init/supervisor/settings_reload.h"
#include "init/supervisor/shutdown.h"
#include "init/supervisor/standing.h"
#include "init/supervisor/status_line.h"
#include "init/supervisor/websockets.h"
#include "init/system/credentials.h"
#include "init/system/memory.h"
#include "init/system/terminal.h"
#include "init/worker/app_messages.h"
#include "init/worker/command.h"
#include "init/worker/group.h"
#include "init/worker/version_question.h"
#include "ipc/scoreboard.h"
#include "relay/hub.h"
#include "settings/config.h"
#include "settings/cron.h"

struct init {
	uv_loop_t loop;
	const struct config *config;
	const struct command *command;
	struct credentials credentials;
	struct worker_context context;
	struct hub hub;
	struct places places;
	struct pool pool;
	struct claims claims;
	struct groups groups; /* of workers, without a leader */
	struct routers routers;
	struct shutdown shutdown;
	struct status_line status_line;
	struct standing standing;
	struct monitor monitor;
	struct file_watch file_watch;
	struct cron_clock cron;
	struct memory memory;
	struct logs logs;
	struct terminal terminal;
	struct pre_start pre_start;
	struct sidecars sidecars;
	struct hooks hooks;
	struct version_question version_question;
	struct admin_socket admin;
	struct admin_http admin_http;
	struct admin_token admin_token;
	struct settings_reload settings;
	struct peers_process peers;
	struct lent_polls lent_polls;
	struct app_metrics app_metrics;
	struct app_messages app_messages;
	struct websockets websockets;
	struct frontend frontend;
	struct access_file access_file;
	int sessions_fd, board_fd; /* kept for every router */
	struct scoreboard *board;
	uv_signal_t signals[NSIG]; /* by number */
	uv_timer_t systemd_watchdog, heartbeat;
	bool told_ready;
};
