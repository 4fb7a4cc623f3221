/* PID 1: wires the parts. Listeners first, so that a port in use is said before any worker runs;
 * signals before the first child; then the workers, who take longest, and the routers. */
#include "init/init.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "init/pool/claims.h"
#include "init/supervisor/banner.h"
#include "init/supervisor/core.h"
#include "init/supervisor/cron_restart.h"
#include "init/supervisor/signals.h"
#include "init/supervisor/switchboard.h"
#include "init/supervisor/termination_log.h"
#include "init/system/cpus.h"
#include "init/system/notify.h"
#include "init/system/reap.h"
#include "init/system/role.h"
#include "init/worker/heap.h"
#include "init/worker/worker.h"
#include "ipc/session_memory.h"

#include "base/ban.h"

enum { HEARTBEAT_MS = 1000, WORKERS_PER_ROUTER = 8 };

static unsigned count_routers(const struct config *c)
{
	struct cpus cpus;
	unsigned n = c->routers;

	cpus_detect("", &cpus);
	if (n == 0) /* by the workers that there will be */
		n = (cpus_workers(c, &cpus) - 1) / WORKERS_PER_ROUTER + 1;
	return n < ROUTERS_MAX ? n : ROUTERS_MAX;
}

static void on_watchdog(uv_timer_t *t)
{
	(void)t;
	notify_watchdog();
}

static void start_watchdog(struct init *in)
{
	uint64_t interval = notify_watchdog_interval_ms();

	(void)uv_timer_init(&in->loop, &in->systemd_watchdog);
	if (interval)
		(void)uv_timer_start(&in->systemd_watchdog, on_watchdog, interval, interval);
}

static void say_heap(const struct init *in, unsigned workers)
{
	uint32_t megabytes = heap_megabytes(in->config, in->memory.limit, workers);

	if (megabytes)
		log_info("init: heap of %uM for each worker", megabytes);
	else if (in->config->heap_mb == HEAP_AUTO)
		log_info("init: no memory limit, so Node chooses the heap");
}

static void on_beat(uv_timer_t *t)
{
	struct init *in = t->data;

	counter_set(&in->board->beat_ms, uv_hrtime() / 1000000);
	hub_look(&in->hub, uv_now(t->loop));
	standing_look(in, uv_now(t->loop));
	log_settle();
	websockets_look(&in->websockets);
	cron_restart_look(in);
	peers_process_look(in);
	status_line_beat(in);
}

/* For /livez, which the router answers, and for the relay. */
static void start_heartbeat(struct init *in)
{
	(void)uv_timer_init(&in->loop, &in->heartbeat);
	in->heartbeat.data = in;
	(void)uv_timer_start(&in->heartbeat, on_beat, HEARTBEAT_MS, HEARTBEAT_MS);
}

static void start_workers(struct init *in)
{
	struct cpus cpus;
	unsigned n;

	cpus_detect("", &cpus);
	n = cpus_workers(in->config, &cpus);
	counter_set(&in->board->cpus_milli, cpus_milli(&cpus));
	if (!banner_say(in, n, &cpus))
		log_info("init: %u workers (%s)", n, cpus.why);
	in->context.reach = command_reach(in->config, in->command);
	if (in->context.reach.claimed)
		claims_open(&in->claims, &in->pool);
	log_info("init: workers are reached by %s (%s)", worker_style_name(in->context.reach.style),
		 in->context.reach.why);
	in->context.dialect = dialect_choose(in->config, in->command);
	log_info("init: serialization %s (%s)",
		 in->context.dialect.mode == SERIAL_JSON ? "json" : "advanced",
		 in->context.dialect.why);
	app_metrics_init(in, switchboard_deliver_app_metrics);
	memory_init(&in->memory, uv_now(&in->loop));
	standing_look(in, uv_now(&in->loop));
	hub_init(&in->hub, in->context.dialect.mode,
		 memory_for_relay(&in->memory, in->config->relay_memory),
		 in->config->relay_timeout_ms);
	in->hub.board = in->board;
	if (!in->context.dialect.bound_unread)
		in->hub.run_max = CHANNEL_UNREAD_MAX;
	say_heap(in, n);
	in->context.at_start = n;
	pool_start(&in->pool, n);
}

static void on_sidecar_died(void *ctx, const char *line)
{
	struct init *in = ctx;

	log_info("%s", line);
	exit_history_add(&in->pool.exit_history, time(NULL), 0, line, (struct str){ NULL, 0 });
}

static void on_sidecar_given_up(void *ctx, int code)
{
	shutdown_begin(ctx, code, SHUTDOWN_FAST);
}

static const struct sidecars_ops sidecars_ops = { on_sidecar_died, on_sidecar_given_up,
						  shutdown_sidecars_over };

/* Before the first command where there is one, so that probes are answered while it runs; else
 * behind the workers, who take longer to start. */
static void start_routers(struct init *in, bool before_workers)
{
	if (before_workers == (in->config->pre_start != NULL))
		routers_start(&in->routers);
}

static void start_serving(struct init *in)
{
	start_workers(in);
	start_routers(in, false);
	monitor_start(&in->monitor, &in->pool);
	(void)uv_timer_again(&in->heartbeat); /* in step with the monitor: one wake-up for both */
	file_watch_start(in);
	admin_socket_open(in);
	sidecars_start(&in->sidecars, in->context.at_start);
	cron_restart_start(in);
}

static uint64_t unix_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void open_shared_memory(struct init *in)
{
	struct rlimit files;

	in->sessions_fd = session_memory_create(in->config->session_table);
	if (in->sessions_fd < 0)
		die(EXIT_OUR_FAILURE, SIO_009, "no memory for the session table: %s",
		    strerror(-in->sessions_fd));
	in->board_fd = scoreboard_create();
	in->board = in->board_fd < 0 ? NULL : scoreboard_map(dup(in->board_fd));
	if (!in->board)
		die(EXIT_OUR_FAILURE, SIO_010, "no memory for the scoreboard: %s", strerror(errno));
	counter_set(&in->board->started_ms, uv_hrtime() / 1000000);
	counter_set(&in->board->beat_ms, uv_hrtime() / 1000000);
	counter_set(&in->board->pid, (uint64_t)getpid());
	counter_set(&in->board->started_unix_ms, unix_ms());
	if (getrlimit(RLIMIT_NOFILE, &files) == 0)
		counter_set(&in->board->fds_max, files.rlim_cur);
	standing_init(in);
}

static void resolve_credentials(struct init *in)
{
	char err[256];

	if (credentials_resolve(in->config->user, in->config->group, &in->credentials, err,
				sizeof(err)) < 0)
		die(EXIT_BAD_CONFIG, SIO_028, "%s", err);
}

static void on_access_file(void *ctx)
{
	switchboard_tell_access_log(ctx);
}

static void on_orphan_ended(void *ctx, bool forced)
{
	shutdown_worker_ended(ctx, forced);
}

/* Two containers that start in the same moment, both as process 1, do not share their chances. */
static void seed_random(void)
{
	unsigned seed;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
		seed = (unsigned)getpid() ^ (unsigned)uv_hrtime();
	srandom(seed);
}

/* Who knows whom. */
static void wire(struct init *in, unsigned n_routers)
{
	in->context = (struct worker_context){ .loop = &in->loop,
					       .config = in->config,
					       .command = in->command,
					       .credentials = &in->credentials,
					       .frontend = &in->frontend,
					       .memory = &in->memory,
					       .places = &in->places,
					       .groups = &in->groups,
					       .hub = &in->hub,
					       .logs = &in->logs,
					       .terminal = &in->terminal,
					       .board = in->board };
	groups_init(&in->groups, &in->loop, on_orphan_ended, in);
	pool_init(&in->pool, &in->context, &in->memory, &switchboard_worker_ops,
		  &switchboard_pool_ops, in);
	in->routers = (struct routers){ .n = n_routers,
					.role = role_router,
					.loop = &in->loop,
					.config = in->config,
					.credentials = &in->credentials,
					.board = in->board,
					.ops = &switchboard_routers_ops,
					.owner = in };
	routers_init(&in->routers);
}

static void on_hooks_done(void *ctx)
{
	struct init *in = ctx;

	uv_stop(&in->loop);
}

int init_main(struct config *c, const struct command *cmd)
{
	static struct init in; /* for the life of the process */
	unsigned n_routers;

	in = (struct init){ .config = c, .command = cmd };
	log_set_component("init");
	termination_log_open(c->termination_log);
	seed_random();
	resolve_credentials(&in);
	terminal_init(&in.terminal, STDIN_FILENO);
	notify_init();
	n_routers = count_routers(c);
	frontend_open(&in.frontend, c, n_routers);
	in.places.port_is_untold = !frontend_tells_port(&in.frontend, c);
	open_shared_memory(&in);
	lent_polls_init(&in.lent_polls, in.board);
	if (uv_loop_init(&in.loop) < 0)
		die(EXIT_OUR_FAILURE, SIO_011, "no event loop");
	logs_init(&in.logs, &in.loop, c, &in.credentials, log_open());
	sidecars_init(&in.sidecars,
		      &(struct sidecars_context){ &in.loop, c, &in.credentials, &in.logs, in.board,
						  &sidecars_ops, &in });
	signals_init(&in);
	shutdown_init(&in);
	settings_reload_init(&in, c, admin_socket_reload_refused);
	admin_token_init(&in.admin_token, &in.loop, c);
	hooks_init(&in.hooks, &in.loop, c, &in.credentials, on_hooks_done, &in);
	start_watchdog(&in);
	start_heartbeat(&in);
	if (c->max_connections_per_address)
		websockets_init(&in.websockets, &in.loop, in.board);
	access_file_open(&in.access_file, &in.loop, c->access_log ? c->access_log_file : NULL,
			 on_access_file, &in);
	wire(&in, n_routers);
	if (exit_history_init(&in.pool.exit_history) < 0)
		die(EXIT_OUR_FAILURE, SIO_012, "no memory for the history of ends");
	start_routers(&in, true);
	pre_start_run(&in, start_serving);
	(void)uv_run(&in.loop, UV_RUN_DEFAULT);
	logs_finish_files(&in.logs);
	(void)reap_sweep(); /* the routers, and what escaped from its worker's group */
	places_close(&in.places);
	admin_socket_close(&in);
	endpoint_close_all();
	frontend_close(&in.frontend);
	access_file_close(&in.access_file);
	logs_finish(&in.logs);
	log_info("init: done code=%d", in.shutdown.exit_code);
	credentials_free(&in.credentials);
	termination_log_write(in.shutdown.exit_code, exit_history_last(&in.pool.exit_history));
	exit_history_free(&in.pool.exit_history);
	return in.shutdown.exit_code;
}
