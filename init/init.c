/* PID 1: wires the parts. Listeners first, so that a port in use is said before any worker runs;
 * signals before the first child; then the routers and the workers. */
#include "init/init.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "init/core.h"
#include "init/cpus.h"
#include "init/notify.h"
#include "init/reap.h"
#include "init/signals.h"

#include "base/ban.h"

enum { WORKERS_PER_ROUTER = 8 };

void init_serving(struct init *in)
{
	if (in->told_ready)
		return;
	in->told_ready = true;
	log_info("serving on port %u with %u workers", in->config->port, in->pool.wanted);
	notify_ready();
}

/* A socket that was passed to us is one for all routers. */
static void open_public(const struct config *c, int fds[static ROUTERS_MAX], unsigned n)
{
	int r;

	for (unsigned i = 0; i < ROUTERS_MAX; i++)
		fds[i] = -1;
	fds[0] = notify_take_listener("http");
	if (fds[0] >= 0)
		return;
	r = primary_listen_each("", c->port, fds, n);
	if (r < 0)
		die(EXIT_BAD_CONFIG, "port %u: %s; choose another with SIOINIT_PORT or PORT",
		    c->port, strerror(-r));
}

static void open_admin(struct init *in)
{
	const struct config_address *a = &in->config->admin;

	in->admin_fd = notify_take_listener("admin");
	if (in->admin_fd >= 0 || a->off)
		return;
	in->admin_fd = a->host[0] == '/' ? primary_listen_unix(a->host, 0)
					 : primary_listen_tcp(a->host, a->port, 0);
	if (in->admin_fd < 0)
		die(EXIT_BAD_CONFIG,
		    "admin address %s:%u: %s; choose another with SIOINIT_ADMIN, or off", a->host,
		    a->port, strerror(-in->admin_fd));
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

static unsigned count_workers(const struct config *c)
{
	struct cpus cpus;
	unsigned n;

	cpus_detect("", &cpus);
	n = cpus_workers(c, &cpus);
	log_info("init: %u workers (%s)", n, cpus.why);
	return n;
}

static unsigned count_routers(const struct config *c, unsigned n_workers)
{
	unsigned n = c->routers ? c->routers : (n_workers - 1) / WORKERS_PER_ROUTER + 1;

	return n < ROUTERS_MAX ? n : ROUTERS_MAX;
}

static void start_workers(struct init *in, unsigned n)
{
	in->dialect = command_dialect(in->config, in->command);
	log_info("init: serialization %s (%s)",
		 in->dialect.mode == SERIAL_JSON ? "json" : "advanced", in->dialect.why);
	hub_init(&in->hub, in->dialect.mode);
	in->hub.board = in->board;
	pool_start(in, n);
}

static void open_shared_memory(struct init *in)
{
	in->sessions_fd = memfd_create("sioinit-sessions", MFD_CLOEXEC);
	in->board_fd = scoreboard_create();
	in->board = in->board_fd < 0 ? NULL : scoreboard_map(dup(in->board_fd));
	if (in->sessions_fd < 0 || !in->board)
		die(EXIT_OUR_FAILURE, "no memory for the session table: %s", strerror(errno));
	counter_set(&in->board->started_ms, uv_hrtime() / 1000000);
}

int init_main(const struct config *c, const struct command *cmd, char *self)
{
	static struct init in; /* for the life of the process */
	unsigned n_workers, n_routers;
	int public_fds[ROUTERS_MAX];

	in = (struct init){ .config = c, .command = cmd };
	srandom((unsigned)getpid());
	(void)fd_raise_limit();
	notify_init();
	n_workers = count_workers(c);
	n_routers = count_routers(c, n_workers);
	open_public(c, public_fds, n_routers);
	open_admin(&in);
	open_shared_memory(&in);
	if (uv_loop_init(&in.loop) < 0)
		die(EXIT_OUR_FAILURE, "no event loop");
	signals_init(&in);
	shutdown_init(&in);
	start_watchdog(&in);
	routers_init(&in, n_routers, self, public_fds);
	routers_start(&in);
	start_workers(&in, n_workers);
	watch_start(&in);
	admin_socket_open(&in);
	(void)uv_run(&in.loop, UV_RUN_DEFAULT);
	(void)reap_sweep(); /* the routers, and what escaped from its worker's group */
	primary_close(&in.primary);
	admin_socket_close(&in);
	log_info("init: done code=%d", in.shutdown.exit_code);
	return in.shutdown.exit_code;
}
