/* What each signal does. Those that the table does not name reach every worker once, unchanged. */
#include "init/supervisor/signals.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/macros.h"
#include "init/supervisor/core.h"
#include "init/system/package_manager.h"
#include "init/system/reap.h"

#include "base/ban.h"

static void stop_gently(struct init *in, int sig)
{
	log_info("init: SIG%s, stopping", sigabbrev_np(sig));
	shutdown_begin(in, 0, SHUTDOWN_GENTLE);
}

static void stop_fast(struct init *in, int sig)
{
	log_info("init: SIG%s, stopping fast", sigabbrev_np(sig));
	shutdown_begin(in, 0, SHUTDOWN_FAST);
}

static void reload(struct init *in, int sig)
{
	if (terminal_is_gone(&in->terminal))
		stop_fast(in, sig);
	else
		settings_reload(in);
	access_file_reopen(&in->access_file);
	logs_reopen_files(&in->logs);
}

static void one_more(struct init *in, int sig)
{
	(void)sig;
	if (in->context.wanted < POOL_MAX)
		pool_scale(&in->pool, in->context.wanted + 1);
}

static void one_less(struct init *in, int sig)
{
	(void)sig;
	if (in->context.wanted > 1)
		pool_scale(&in->pool, in->context.wanted - 1);
}

static void say_status_and_reopen(struct init *in, int sig)
{
	(void)sig;
	pool_log_status(&in->pool);
	access_file_reopen(&in->access_file);
	logs_reopen_files(&in->logs);
}

static void suspend(struct init *in, int sig)
{
	if (in->terminal.fd < 0) {
		pool_signal(&in->pool, sig);
		return;
	}
	pool_signal_groups(&in->pool, SIGTSTP);
	terminal_stop_job();
	pool_signal_groups(&in->pool, SIGCONT);
}

static void go_on(struct init *in, int sig)
{
	if (in->terminal.fd < 0) {
		pool_signal(&in->pool, sig);
		return;
	}
	terminal_continued(&in->terminal);
	pool_signal_groups(&in->pool, SIGCONT);
}

static void ignore(struct init *in, int sig)
{
	(void)in;
	log_debug("init: SIG%s ignored", sigabbrev_np(sig));
}

/* USR1 would open Node's inspector. */
static const struct {
	int sig;
	void (*act)(struct init *in, int sig);
} table[] = {
	{ SIGTERM, stop_gently }, { SIGINT, stop_gently }, { SIGQUIT, stop_fast },
	{ SIGHUP, reload },       { SIGTTIN, one_more },   { SIGTTOU, one_less },
	{ SIGTSTP, suspend },     { SIGCONT, go_on },      { SIGUSR1, say_status_and_reopen },
	{ SIGPIPE, ignore },
};

static int mapped(const struct config_signal_map *map, int sig)
{
	for (unsigned i = 0; i < map->n; i++)
		if (map->row[i].from == sig)
			return map->row[i].to;
	return sig;
}

static void act_on(struct init *in, int sig)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].sig == sig) {
			table[i].act(in, sig);
			return;
		}
	pool_signal(&in->pool, sig);
}

static void on_signal(uv_signal_t *h, int received)
{
	struct init *in = h->data;
	int sig = mapped(&in->config->signal_map, received);

	if (sig && !pre_start_signal(in, sig))
		act_on(in, sig);
}

static void on_exit_status(pid_t pid, int status, const struct rusage *usage, void *ctx)
{
	struct init *in = ctx;

	if (!routers_ended(&in->routers, pid, status) && !pre_start_ended(in, pid, status) &&
	    !hooks_ended(&in->hooks, pid, status) &&
	    !access_file_ended(&in->access_file, pid, status) &&
	    !logs_writer_ended(&in->logs, pid) &&
	    !sidecars_ended(&in->sidecars, pid, status, usage) &&
	    !settings_reload_ended(in, pid, status) &&
	    !admin_token_ended(&in->admin_token, pid, status) && !peers_process_ended(in, pid) &&
	    !version_question_ended(&in->version_question, pid) &&
	    !pool_ended(&in->pool, pid, status, usage))
		log_debug("init: reaped orphan %d", (int)pid);
}

static void on_stop(pid_t pid, int sig, void *ctx)
{
	struct init *in = ctx;
	struct worker *w = pool_find(&in->pool, pid);

	if (terminal_holder_stopped(&in->terminal, pid, sig) || !w)
		return;
	worker_stopped(w, sig);
	monitor_judge(&in->monitor, w);
}

static const struct reap_ops reap_ops = { on_exit_status, on_stop };

static void on_child(uv_signal_t *h, int sig)
{
	struct init *in = h->data;

	(void)sig;
	reap_all(&reap_ops, in);
	groups_look(&in->groups);
}

/* What no handler may be set for, what the kernel raises for faults of our own, and what the thread
 * library keeps for itself. */
static bool is_forwardable(int sig)
{
	static const int not [] = { SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE,
				    SIGILL,  SIGABRT, SIGTRAP, SIGSYS, SIGCHLD };

	for (size_t i = 0; i < ARRAY_LEN(not ); i++)
		if (not [i] == sig)
			return false;
	return sig < 32 || (sig >= SIGRTMIN && sig <= SIGRTMAX);
}

static void watch(struct init *in, int sig, uv_signal_cb act)
{
	uv_signal_t *h = &in->signals[sig];

	(void)uv_signal_init(&in->loop, h);
	h->data = in;
	(void)uv_signal_start(h, act, sig);
}

/* Whatever mask we were started with, and what has come meanwhile (see main.c). */
static void let_in(void)
{
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

void signals_init(struct init *in)
{
	package_manager_follow();
	watch(in, SIGCHLD, on_child);
	for (int sig = 1; sig < NSIG; sig++)
		if (is_forwardable(sig))
			watch(in, sig, on_signal);
	let_in();
	if (getpid() != 1)
		(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
}
