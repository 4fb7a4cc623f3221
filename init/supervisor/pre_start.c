/* One child, one exit code. */
#include "init/supervisor/pre_start.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/macros.h"
#include "init/supervisor/core.h"
#include "init/system/notify.h"
#include "init/system/reap.h"
#include "init/system/shell.h"

#include "base/ban.h"

static pid_t start(const struct init *in)
{
	char *variables[CREDENTIALS_ENV_MAX];

	credentials_env(&in->credentials, variables);
	return shell_start(in->config->pre_start, variables, &in->credentials,
			   in->config->no_new_privs);
}

static void cannot_start(int err)
{
	if (err == ENOENT)
		die(EXIT_NOT_FOUND, SIO_412,
		    "SIOINIT_PRE_START wants %s, which this image does not have; run the command "
		    "in another container before this one",
		    SHELL_PATH);
	die(EXIT_OUR_FAILURE, SIO_413, "SIOINIT_PRE_START: %s: %s", SHELL_PATH, strerror(err));
}

void pre_start_run(struct init *in, void (*on_done)(struct init *in))
{
	struct pre_start *p = &in->pre_start;

	p->on_done = on_done;
	(void)uv_timer_init(&in->loop, &p->kill_timer);
	if (!in->config->pre_start) {
		on_done(in);
		return;
	}
	log_info("init: runs SIOINIT_PRE_START: %s", in->config->pre_start);
	notify_status("running SIOINIT_PRE_START");
	p->pid = start(in);
	if (p->pid < 0)
		cannot_start(-p->pid);
}

static void end_with(struct init *in, int code)
{
	in->shutdown.exit_code = code;
	uv_stop(&in->loop);
}

bool pre_start_ended(struct init *in, pid_t pid, int status)
{
	struct pre_start *p = &in->pre_start;
	int code = reap_exit_code(status);

	if (pid != p->pid)
		return false;
	(void)kill(-pid, SIGKILL); /* what it left in its group */
	p->pid = 0;
	(void)uv_timer_stop(&p->kill_timer);
	if (code == 0 && !p->stopped) {
		log_info("init: SIOINIT_PRE_START is done");
		p->on_done(in);
		return true;
	}
	if (p->stopped)
		log_info("init: SIOINIT_PRE_START was stopped and ended with %d", code);
	else
		log_error(SIO_414, "init: SIOINIT_PRE_START ended with %d; nothing is started",
			  code);
	end_with(in, code);
	return true;
}

static void on_kill_time(uv_timer_t *t)
{
	const struct pre_start *p = container_of(t, struct pre_start, kill_timer);

	log_warn(SIO_415,
		 "init: SIOINIT_PRE_START is still there at the stop timeout, killed pid=%d",
		 (int)p->pid);
	(void)kill(-p->pid, SIGKILL);
}

static void stop(struct init *in, int sig)
{
	struct pre_start *p = &in->pre_start;

	log_info("init: SIG%s goes to SIOINIT_PRE_START", sigabbrev_np(sig));
	if (!p->stopped) {
		notify_stopping(in->config->stop_timeout_ms);
		(void)uv_timer_start(&p->kill_timer, on_kill_time, in->config->stop_timeout_ms, 0);
	}
	p->stopped = true;
	(void)kill(-p->pid, sig);
}

bool pre_start_signal(struct init *in, int sig)
{
	if (!in->pre_start.pid || sig == SIGTSTP || sig == SIGCONT)
		return false;
	if (sig == SIGTERM || sig == SIGINT || sig == SIGQUIT)
		stop(in, sig);
	else
		log_info("init: SIG%s does nothing while SIOINIT_PRE_START runs",
			 sigabbrev_np(sig));
	return true;
}
