/* Each command appends its text; what it returns is for whoever has asked. */
#include "init/supervisor/admin_command.h"

#include <signal.h>
#include <string.h>

#include "base/buf.h"
#include "init/pool/rebalance.h"
#include "init/supervisor/admin_request.h"
#include "init/supervisor/admin_target.h"
#include "init/supervisor/core.h"
#include "init/worker/worker.h"
#include "ipc/report.h"
#include "ipc/report_sidecars.h"
#include "settings/ecosystem/ecosystem_name.h"

#include "base/ban.h"

static int say(struct admin_errand *e, int code, const char *text)
{
	(void)buf_printf(e->answer, "%s\n", text);
	return code;
}

static int misused(struct admin_errand *e, const struct admin_request *rq)
{
	return rq->usage ? say(e, ADMIN_MISUSED, rq->usage) : ADMIN_MISUSED;
}

static int report(struct admin_errand *e, int r)
{
	return r < 0 ? say(e, ADMIN_FAILED, "no memory") : ADMIN_DONE;
}

static int status(struct admin_errand *e, const struct admin_request *rq)
{
	counter_set(&e->init->board->beat_ms,
		    uv_hrtime() / 1000000); /* who answers is not silent */
	return report(e, rq->json ? report_json(e->init->board, e->answer)
				  : report_table_sorted(e->init->board, rq->sort, e->answer));
}

/* Whom the @i-th word names. False: it is said that there is nobody. */
static bool target(struct admin_errand *e, const struct admin_request *rq, size_t i,
		   struct admin_target *ret)
{
	if (admin_target_find(e->init, rq->targets[i], ret))
		return true;
	(void)admin_target_say_unknown(e->init, rq->targets[i], e->answer);
	return false;
}

static bool all_are_known(struct admin_errand *e, const struct admin_request *rq)
{
	struct admin_target t;

	for (size_t i = 0; i < rq->n_targets; i++)
		if (!target(e, rq, i, &t))
			return false;
	return true;
}

static void replace_target(struct admin_errand *e, const char *word)
{
	struct sidecars *sidecars = &e->init->sidecars;
	struct admin_target t;

	(void)admin_target_find(e->init, word, &t);
	*e->waits |= t.kind <= TARGET_APP;
	if (t.kind == TARGET_SLOT)
		reload_slot(t.slot, "asked for");
	if (t.kind == TARGET_SIDECAR)
		(void)sidecars_restart(sidecars, t.sidecar);
	for (unsigned i = 0; i < sidecars->n && t.kind == TARGET_ALL; i++)
		(void)sidecars_restart(sidecars, sidecars->list[i].what->name);
	if (ecosystem_is_file(word))
		(void)buf_printf(e->answer, "%s is read at the start of sioinit only\n", word);
}

/* Waits for the end where every worker is replaced. */
static int replace(struct admin_errand *e, const struct admin_request *rq)
{
	if (shutdown_has_begun(e->init))
		return say(e, ADMIN_FAILED, "sioinit is stopping");
	if (!all_are_known(e, rq))
		return ADMIN_MISUSED;
	*e->waits = rq->n_targets == 0;
	for (size_t i = 0; i < rq->n_targets; i++)
		replace_target(e, rq->targets[i]);
	if (!*e->waits)
		return ADMIN_DONE;
	settings_reload(e->init);
	access_file_reopen(&e->init->access_file);
	logs_reopen_files(&e->init->logs);
	return ADMIN_LATER;
}

static int stop(struct admin_errand *e, const struct admin_request *rq)
{
	if (!all_are_known(e, rq))
		return ADMIN_MISUSED;
	for (size_t i = 0; i < rq->n_targets; i++) {
		struct admin_target t;

		(void)admin_target_find(e->init, rq->targets[i], &t);
		if (t.kind == TARGET_SLOT || t.kind == TARGET_SIDECAR)
			return say(e, ADMIN_MISUSED,
				   "one alone is not stopped: sioinit scale runs fewer workers, "
				   "sioinit restart replaces one");
	}
	if (!shutdown_has_begun(e->init) && !pre_start_signal(e->init, SIGTERM))
		shutdown_begin(e->init, 0, SHUTDOWN_GENTLE);
	return say(e, ADMIN_DONE, "stopping");
}

static int scale(struct admin_errand *e, const struct admin_request *rq)
{
	int64_t now = (int64_t)counter_get(&e->init->board->wanted), n = rq->number;
	struct admin_target t = { .kind = TARGET_APP };

	if (shutdown_has_begun(e->init))
		return say(e, ADMIN_FAILED, "sioinit is stopping");
	if (!all_are_known(e, rq))
		return ADMIN_MISUSED;
	if (rq->n_targets > 0)
		(void)admin_target_find(e->init, rq->targets[0], &t);
	if (t.kind > TARGET_APP)
		return say(e, ADMIN_MISUSED, "only the app that clients are routed to has several");
	if (rq->sign)
		n = now + rq->sign * n;
	if (n < 1 || n > POOL_MAX)
		return misused(e, rq);
	pool_scale(&e->init->pool, (unsigned)n);
	return ADMIN_DONE;
}

static int send_signal(struct admin_errand *e, const struct admin_request *rq)
{
	struct admin_target t;

	if (!target(e, rq, 0, &t))
		return ADMIN_MISUSED;
	if (t.kind == TARGET_SIDECAR)
		return say(e, ADMIN_MISUSED, "signals go to workers");
	if (t.kind != TARGET_SLOT)
		pool_signal(&e->init->pool, rq->sig);
	else if (t.slot->worker)
		worker_signal(t.slot->worker, rq->sig);
	else
		return say(e, ADMIN_FAILED, "no worker is in that slot now");
	return ADMIN_DONE;
}

static bool is_meant(const struct admin_target *t, const struct slot *s)
{
	return s && (t->kind <= TARGET_APP || t->slot == s);
}

static int describe(struct admin_errand *e, const struct admin_request *rq)
{
	struct admin_target t;
	int r = 0;

	if (!target(e, rq, 0, &t))
		return ADMIN_MISUSED;
	for (unsigned i = 0; i < POOL_MAX && r == 0; i++)
		if (is_meant(&t, pool_slot(&e->init->pool, i)))
			r = report_worker(e->init->board, i, e->answer);
	if (r == 0 && (t.kind == TARGET_ALL || t.kind == TARGET_SIDECAR))
		r = report_sidecars_table(e->init->board, e->answer);
	return report(e, r);
}

static int pids(struct admin_errand *e, const struct admin_request *rq)
{
	const struct sidecars *sidecars = &e->init->sidecars;
	struct admin_target t = { .kind = TARGET_ALL };
	int r = 0;

	if (rq->n_targets > 0 && !target(e, rq, 0, &t))
		return ADMIN_MISUSED;
	for (unsigned i = 0; i < POOL_MAX && r == 0; i++) {
		const struct slot *s = pool_slot(&e->init->pool, i);

		if (is_meant(&t, s) && s->worker)
			r = buf_printf(e->answer, "%d\n", (int)s->worker->pid);
	}
	for (unsigned i = 0; i < sidecars->n && r == 0; i++)
		if (sidecars->list[i].pid &&
		    (t.kind == TARGET_ALL || t.sidecar == sidecars->list[i].what->name))
			r = buf_printf(e->answer, "%d\n", (int)sidecars->list[i].pid);
	return report(e, r);
}

/* As pm2 prints a list. */
static int ids(struct admin_errand *e, const struct admin_request *rq)
{
	struct admin_target t;
	const char *before = "[ ";
	int r = 0;

	if (!target(e, rq, 0, &t))
		return ADMIN_MISUSED;
	for (unsigned i = 0; i < POOL_MAX && r == 0; i++)
		if (is_meant(&t, pool_slot(&e->init->pool, i))) {
			r = buf_printf(e->answer, "%s%u", before, i);
			before = ", ";
		}
	return report(e, r < 0 ? r : buf_printf(e->answer, *before == '[' ? "[]\n" : " ]\n"));
}

static int drain(struct admin_errand *e, const struct admin_request *rq)
{
	shutdown_hold(e->init, !rq->off);
	return say(e, ADMIN_DONE, rq->off ? "ready again" : "/readyz says 503; serving goes on");
}

static int even_out(struct admin_errand *e, const struct admin_request *rq)
{
	(void)rq;
	if (shutdown_has_begun(e->init))
		return say(e, ADMIN_FAILED, "sioinit is stopping");
	return report(
	    e, buf_printf(e->answer, "%u sockets to be closed\n", rebalance(&e->init->pool)));
}

static int deaths(struct admin_errand *e, const struct admin_request *rq)
{
	int r = exit_history_write(&e->init->pool.exit_history, e->answer);

	(void)rq;
	if (r == 0 && e->init->pool.exit_history.n && !logs_keep_stderr(&e->init->logs))
		r = buf_printf(e->answer,
			       "The workers' stderr is not known: it is a terminal, or goes where "
			       "stdout goes. SIOINIT_WORKER_LOGS=prefix keeps its last lines.\n");
	return report(e, r);
}

static struct log_choice choice_of(const struct admin_target *t)
{
	return (struct log_choice){ .workers = t->kind != TARGET_SIDECAR,
				    .sidecars = t->kind == TARGET_ALL || t->kind == TARGET_SIDECAR,
				    .slot = t->kind == TARGET_SLOT ? (int)t->slot->number : -1,
				    .sidecar = t->sidecar };
}

static int follow(struct admin_errand *e, const struct admin_request *rq)
{
	struct logs *l = &e->init->logs;
	struct admin_target t;
	int r = 0;

	if (!target(e, rq, 0, &t))
		return ADMIN_MISUSED;
	if (!logs_keep_stderr(l))
		return say(e, ADMIN_FAILED,
			   "The workers write to sioinit's own stdout and stderr (docker logs, "
			   "kubectl logs): SIOINIT_WORKER_LOGS=prefix brings their lines here.");
	e->choice = choice_of(&t);
	if (!logs_have_stdout(l))
		r = buf_printf(e->answer,
			       "2sioinit: only stderr can be followed, as stdout is sioinit's own: "
			       "SIOINIT_WORKER_LOGS=prefix brings both here\n");
	r = r < 0 ? r : logs_kept(l, &e->choice, rq->number, e->answer);
	return r < 0 || rq->once ? report(e, r) : ADMIN_FOLLOWS;
}

static int say_address(struct admin_errand *e, const struct admin_request *rq)
{
	const struct init *in = e->init;

	(void)rq;
	if (in->config->admin.off || in->frontend.admin >= 0)
		return ADMIN_DONE;
	return say(e, ADMIN_FAILED, "the admin address is somebody else's: set SIOINIT_ADMIN");
}

static int (*const acts[ADMIN_N_COMMANDS])(struct admin_errand *e,
					   const struct admin_request *rq) = {
	[ADMIN_STATUS] = status,       [ADMIN_RELOAD] = replace,     [ADMIN_SCALE] = scale,
	[ADMIN_RESTART] = replace,     [ADMIN_SIGNAL] = send_signal, [ADMIN_DRAIN] = drain,
	[ADMIN_DEATHS] = deaths,       [ADMIN_REBALANCE] = even_out, [ADMIN_STOP] = stop,
	[ADMIN_DESCRIBE] = describe,   [ADMIN_PID] = pids,           [ADMIN_ID] = ids,
	[ADMIN_ADDRESS] = say_address, [ADMIN_FOLLOW] = follow,
};

int admin_command_obey(struct admin_errand *e, const struct admin_request *rq)
{
	return acts[rq->command](e, rq);
}

int admin_command_misused(struct admin_errand *e, const struct admin_request *rq)
{
	return misused(e, rq);
}
