/* One collection at a time. It ends when all that are awaited have answered or are gone, or at the
 * deadline. A worker that has answered before has at most one question open, however often somebody
 * asks: one that is stopped gets no heap of them. */
#include "init/supervisor/app_metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <utlist.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "init/supervisor/core.h"
#include "init/worker/worker.h"
#include "ipc/app_answers.h"

#include "base/ban.h"

enum { PATH_BUF = 4096 };

/* Where prom-client is */

static bool has(const char *folder, const char *what)
{
	char path[PATH_BUF];
	int n = snprintf(path, sizeof(path), "%s/node_modules/%s/package.json", folder, what);

	return n < (int)sizeof(path) && access(path, F_OK) == 0;
}

bool app_metrics_installed(const char *folder)
{
	char at[PATH_BUF];
	char *slash;

	if (snprintf(at, sizeof(at), "%s", folder) >= (int)sizeof(at))
		return false;
	for (;;) {
		if (has(at, "prom-client") || has(at, ".pnpm/node_modules/prom-client"))
			return true;
		slash = strrchr(at, '/');
		if (!slash)
			return false;
		*slash = '\0';
	}
}

/* Beside a file that the command names, such as its script; links followed, as Node does. */
static bool installed_beside(const char *word)
{
	char *path = word[0] == '-' ? NULL : realpath(word, NULL);
	bool found = path && app_metrics_installed(path);

	free(path);
	return found;
}

static bool is_installed(const struct command *cmd)
{
	char here[PATH_BUF];

	if (getcwd(here, sizeof(here)) && app_metrics_installed(here))
		return true;
	for (size_t i = 1; i < cmd->argc; i++)
		if (installed_beside(cmd->argv[i]))
			return true;
	return false;
}

/* Asking */

static bool serves(const struct worker *w)
{
	return w->state >= WORKER_READY && w->state <= WORKER_DRAINING;
}

static unsigned asks_max(const struct app_metrics *am)
{
	return am->always ? APP_METRICS_ALWAYS_MAX : APP_METRICS_ASKS_MAX;
}

static bool ask(struct app_metrics *am, struct worker *w)
{
	struct app_metrics_member *m = &w->metrics;

	if (!worker_ask_metrics(w, am->last_id + 1))
		return false;
	m->open = ++am->last_id;
	if (m->asked < asks_max(am))
		m->asked++;
	return true;
}

void app_metrics_worker_ready(struct init *in, struct worker *w)
{
	if (in->app_metrics.enabled && w->metrics.asked == 0)
		(void)ask(&in->app_metrics, w);
}

static bool anybody_answers(const struct init *in)
{
	const struct worker *w;

	DL_FOREACH(in->pool.workers, w)
	if (w->metrics.has_answered)
		return true;
	return false;
}

/* @waits: also for one that has never answered. */
static void ask_for_router(struct app_metrics *am, struct worker *w, bool waits)
{
	struct app_metrics_member *m = &w->metrics;
	bool may_be_deaf = !m->has_answered;

	if (!serves(w) || (may_be_deaf && m->asked == asks_max(am)))
		return;
	if ((may_be_deaf || !m->open) && !ask(am, w)) {
		am->n_missing++;
		return;
	}
	m->awaited = !may_be_deaf || waits;
	am->n_awaited += m->awaited;
}

/* Answers */

static int put(struct app_metrics *am, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n > 0) {
		ssize_t done = pwrite(am->fd, p, n, (off_t)am->size);

		if (done <= 0)
			return done < 0 ? -errno : -EIO;
		am->size += (size_t)done;
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

/* 0, -EMSGSIZE or -errno: what is there is as before. */
static int keep(struct app_metrics *am, const struct worker *w, struct str payload)
{
	struct app_answer_head head = { w->slot, (uint32_t)payload.n };
	size_t before = am->size;
	int r;

	if (payload.n > APP_ANSWER_BYTES_MAX ||
	    before + sizeof(head) + payload.n > APP_ANSWERS_BYTES_MAX)
		return -EMSGSIZE;
	if (am->fd < 0)
		am->fd = memfd_create("sioinit-app-metrics", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (am->fd < 0)
		return -errno;
	r = put(am, &head, sizeof(head));
	r = r < 0 ? r : put(am, payload.p, payload.n);
	if (r < 0)
		am->size = before;
	return r;
}

/* Behind am->size there may be half an answer. */
static void seal(struct app_metrics *am)
{
	if (am->fd < 0)
		return;
	if (am->size == 0 || ftruncate(am->fd, (off_t)am->size) < 0 ||
	    fcntl(am->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) <
		0)
		fd_close(&am->fd);
}

static void finish(struct init *in)
{
	struct app_metrics *am = &in->app_metrics;
	struct control_msg m = { .type = CONTROL_APP_METRICS,
				 .token = am->token,
				 .kind = am->n_missing + am->n_awaited,
				 .style = in->context.dialect.mode };
	struct worker *w;

	(void)uv_timer_stop(&am->deadline);
	DL_FOREACH(in->pool.workers, w)
	w->metrics.awaited = false;
	seal(am);
	am->deliver(in, am->router, &m, fd_take(&am->fd));
	am->token = 0;
	am->size = am->n_missing = am->n_awaited = 0;
}

static void finish_if_all_are_there(struct init *in)
{
	if (in->app_metrics.token && in->app_metrics.n_awaited == 0)
		finish(in);
}

static void on_deadline(uv_timer_t *t)
{
	finish(t->data);
}

void app_metrics_answered(struct init *in, struct worker *w, const struct node_msg *m,
			  struct str payload)
{
	struct app_metrics *am = &in->app_metrics;
	int r;

	if (!w->metrics.open || m->request_id != w->metrics.open)
		return;
	w->metrics.open = 0;
	w->metrics.has_answered = true;
	if (!w->metrics.awaited)
		return;
	w->metrics.awaited = false;
	am->n_awaited--;
	r = keep(am, w, payload);
	am->n_missing += r < 0;
	if (r < 0)
		log_warn(SIO_403,
			 "worker[%u]: its metrics, %zu bytes, are left out of /metrics: %s",
			 w->slot, payload.n, strerror(-r));
	finish_if_all_are_there(in);
}

void app_metrics_worker_gone(struct init *in, struct worker *w)
{
	if (!w->metrics.awaited)
		return;
	w->metrics.awaited = false;
	in->app_metrics.n_awaited--;
	in->app_metrics.n_missing++;
	finish_if_all_are_there(in);
}

void app_metrics_collect(struct init *in, unsigned router, uint64_t token)
{
	struct app_metrics *am = &in->app_metrics;
	bool is_under_way = am->token, waits = am->always || anybody_answers(in);
	struct worker *w;

	am->router = router;
	am->token = token;
	if (is_under_way)
		return;
	(void)uv_timer_start(&am->deadline, on_deadline, APP_METRICS_WAIT_MS, 0);
	if (am->enabled)
		DL_FOREACH(in->pool.workers, w)
	ask_for_router(am, w, waits);
	finish_if_all_are_there(in);
}

void app_metrics_init(struct init *in, app_metrics_deliver_fn *deliver)
{
	struct app_metrics *am = &in->app_metrics;
	enum config_app_metrics wanted = in->config->app_metrics;

	am->deliver = deliver;
	am->fd = -1;
	am->always = wanted == CONFIG_APP_METRICS_ON;
	am->enabled =
	    in->context.reach.channel && !in->config->admin.off &&
	    (am->always || (wanted == CONFIG_APP_METRICS_AUTO && is_installed(in->command)));
	(void)uv_timer_init(&in->loop, &am->deadline);
	am->deadline.data = in;
	counter_set(&in->board->app_metrics, am->enabled);
	if (am->enabled)
		log_info("init: the app's own metrics are part of /metrics (%s)",
			 am->always ? "by setting" : "prom-client is installed");
}
