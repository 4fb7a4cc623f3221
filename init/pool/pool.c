/* Slots and what their workers say. */
#include "init/pool/pool.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <utlist.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "init/pool/rebalance.h"
#include "init/supervisor/core.h"
#include "init/system/notify.h"
#include "init/worker/bind_clash.h"
#include "init/worker/launch.h"
#include "init/worker/worker.h"

#include "base/ban.h"

struct worker *pool_worker(const struct pool *p, uint32_t id)
{
	struct worker *w;

	DL_SEARCH_SCALAR(p->workers, w, id, id);
	return w;
}

struct slot *pool_slot(const struct pool *p, uint32_t number)
{
	return number < p->wanted ? p->slots[number] : NULL;
}

unsigned pool_count_ready(const struct pool *p)
{
	struct worker *w;
	unsigned n = 0;

	DL_FOREACH(p->workers, w)
	n += w->state == WORKER_READY;
	return n;
}

void pool_signal(struct init *in, int sig)
{
	struct worker *w;

	DL_FOREACH(in->pool.workers, w)
	worker_signal(w, sig);
}

void pool_log_status(const struct init *in)
{
	uint64_t now = uv_now(&in->loop);
	struct worker *w;

	log_info("init: %u of %u workers ready", pool_count_ready(&in->pool), in->pool.wanted);
	DL_FOREACH(in->pool.workers, w)
	log_info("worker[%u]: pid=%d state=%s uptime=%.1fs lag=%ums", w->slot, (int)w->pid,
		 worker_state_name(w->state), (double)(now - w->started_ms) / 1000, w->lag_ms);
}

uint64_t slot_admitted(const struct slot *s)
{
	return scoreboard_slot_total(s->init->board, s->number,
				     offsetof(struct scoreboard_share, admitted));
}

static void publish(struct slot *s)
{
	struct scoreboard_row *row = &s->init->board->rows[s->number];
	const struct worker *w = s->worker;

	if (w && counter_get(&row->pid) != (uint64_t)w->pid)
		s->admitted_before = slot_admitted(s);

	counter_set(&row->pid, w ? (uint64_t)w->pid : 0);
	counter_set(&row->state, w ? w->state : WORKER_DEAD);
	counter_set(&row->started_ms, w ? w->started_ms : 0);
	counter_set(&row->starts, s->starts);
}

/* What workers tell */

/* The next worker of its slot is ready: it takes over, and the one before drains. */
static void promote(struct slot *s)
{
	struct worker *old = s->worker;

	s->worker = s->next;
	s->next = NULL;
	if (old)
		worker_drain(old);
	reload_took_over(s, old);
}

static void on_all_ready(struct init *in)
{
	init_serving(in);
	if (in->pool.has_grown && in->config->rebalance)
		(void)rebalance(in);
	in->pool.has_grown = false;
}

static void on_ready(struct init *in, struct worker *w)
{
	struct slot *s = in->pool.slots[w->slot];
	unsigned ready = pool_count_ready(&in->pool);

	if (s->next == w)
		promote(s);
	publish(s);
	app_metrics_worker_ready(in, w);
	in->pool.was_ready = true;
	if (ready >= in->pool.wanted)
		on_all_ready(in);
}

static void slot_start(struct slot *s);

/* By itself: it has left the cluster. Its slot does not wait for its end. */
static void on_leaving(struct slot *s)
{
	if (s->retired || shutdown_has_begun(s->init))
		return;
	s->worker = NULL;
	if (!s->next)
		slot_start(s);
}

static void on_state(struct worker *w)
{
	struct init *in = w->owner;
	struct slot *s = in->pool.slots[w->slot];

	routers_tell_worker(in, w);
	if (w->state == WORKER_DRAINING && s->worker == w)
		on_leaving(s);
	publish(s);
	notify_status("%u/%u workers ready", pool_count_ready(&in->pool), in->pool.wanted);
	if (w->state == WORKER_DEAD) {
		app_metrics_worker_gone(in, w);
		websockets_recount(&in->websockets);
	}
	if (w->state == WORKER_READY)
		on_ready(in, w);
}

static void on_handback(struct worker *w, const struct control_msg *m, int fd)
{
	routers_hand_back(w->owner, m, fd);
}

static void on_client_taken(struct worker *w, const struct control_msg *m, int fd)
{
	struct init *in = w->owner;

	websockets_taken(&in->websockets, m->visitor, fd);
}

static void on_session(struct worker *w, const char *sid, bool opened)
{
	struct control_msg m = {
		.type = CONTROL_SESSION, .worker = w->id, .state = opened, .text = str_of(sid)
	};

	routers_tell_session(w->owner, &m);
}

static void on_server(struct worker *w, struct place *pl, bool opened)
{
	routers_tell_server(w->owner, w, pl, opened);
}

static void on_place(struct worker *w, struct place *pl)
{
	routers_tell_place(w->owner, pl);
}

static void on_metrics(struct worker *w, const struct node_msg *m, struct str payload)
{
	app_metrics_answered(w->owner, w, m, payload);
}

static bool is_relayed(struct worker *w, struct str payload)
{
	struct init *in = w->owner;

	return app_messages_judge(&in->app_messages, in->dialect.mode, w->slot, payload,
				  in->config->relay_app_messages);
}

static const struct worker_ops worker_ops = { on_state,  on_handback, on_client_taken, on_session,
					      on_server, on_place,    on_metrics,      is_relayed };

/* Starting */

/* Where it listens, when it does that by itself. */
static int take_endpoint(struct worker *w)
{
	struct init *in = w->owner;
	uint16_t base = in->config->worker_port;
	int r;

	if (in->reach.style == WORKER_STYLE_UNIX)
		return endpoint_take_path(&w->endpoint, w->id, &in->credentials);
	if (!in->reach.port)
		return 0;
	if (!base)
		base = in->config->port + 1;
	r = endpoint_take_port(&w->endpoint, in->pool.workers, base, w->slot, in->pool.wanted);
	if (r < 0)
		log_error("worker[%u]: no free port from %u on; choose others with "
			  "SIOINIT_WORKER_PORT",
			  w->slot, base);
	return r;
}

static struct worker *worker_new(struct slot *s)
{
	struct init *in = s->init;
	struct worker *w = calloc(1, sizeof(*w));

	if (w)
		*w = (struct worker){ .ops = &worker_ops,
				      .owner = in,
				      .config = in->config,
				      .places = &in->places,
				      .frontend = &in->frontend,
				      .handles = { .pending = &in->board->rows[s->number].pending },
				      .asked = in->reach.style,
				      .has_channel = in->reach.channel,
				      .has_deadline = terminal_for_worker(in) < 0,
				      .answers_pings = in->reach.pings,
				      .style = in->reach.style,
				      .state = in->reach.cluster ? WORKER_SPAWNED : WORKER_BOOTING,
				      .id = ++in->pool.last_id,
				      .slot = s->number,
				      .started_ms = uv_now(&in->loop) };
	return w;
}

/* The worker, or NULL: *ret_err is a negative errno. */
static struct worker *start_worker(struct slot *s, int *ret_err)
{
	struct init *in = s->init;
	auto_fd int near = -1, far = -1;
	struct worker *w = worker_new(s);
	int sv[2];

	*ret_err = -ENOMEM;
	if (!w)
		return NULL;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0) {
		*ret_err = -errno;
		free(w);
		return NULL;
	}
	near = sv[0];
	far = sv[1];
	*ret_err = take_endpoint(w);
	if (*ret_err == 0)
		*ret_err = w->pid = launch(w, far);
	if (*ret_err > 0)
		*ret_err =
		    worker_init(w, &in->loop, fd_take(&near), &in->hub, in->dialect.bound_unread);
	if (*ret_err < 0) {
		if (w->pid > 0) /* without a channel it cannot be looked after */
			(void)kill(-w->pid, SIGKILL);
		endpoint_release(&w->endpoint);
		free(w);
		return NULL;
	}
	DL_APPEND(in->pool.workers, w);
	in->pool.n_workers++;
	s->starts++;
	routers_tell_worker(in, w);
	return w;
}

int pool_start_next(struct slot *s)
{
	int r;

	assert(!s->next);
	(void)uv_timer_stop(&s->backoff);
	s->next = start_worker(s, &r);
	return r;
}

static void on_backoff(uv_timer_t *t);

static void slot_start(struct slot *s)
{
	int r;

	s->worker = start_worker(s, &r);
	publish(s);
	if (s->worker)
		return;
	log_error("worker[%u]: cannot start: %s", s->number, strerror(-r));
	s->restart.short_lives++;
	(void)uv_timer_start(
	    &s->backoff, on_backoff,
	    restart_backoff_ms(s->init->config, s->restart.short_lives, (uint32_t)random()), 0);
}

static void on_backoff(uv_timer_t *t)
{
	struct slot *s = container_of(t, struct slot, backoff);

	if (!shutdown_has_begun(s->init) && !s->retired && !s->worker)
		slot_start(s);
}

static struct slot *slot_at(struct init *in, unsigned number)
{
	struct slot *s = in->pool.slots[number];

	if (s)
		return s;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	*s = (struct slot){ .init = in, .number = number };
	(void)uv_timer_init(&in->loop, &s->backoff);
	in->pool.slots[number] = s;
	return s;
}

static void set_wanted(struct init *in, unsigned n)
{
	in->pool.wanted = n;
	counter_set(&in->board->wanted, n);
}

static void grow(struct init *in, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		struct slot *s = slot_at(in, i);

		if (!s) {
			log_error("init: no memory for worker[%u]", i);
			set_wanted(in, i ? i : 1);
			return;
		}
		s->retired = false;
		s->restart = (struct restart){ 0 };
		slot_start(s);
	}
}

static void retire(struct slot *s)
{
	s->retired = true;
	s->replace_why = NULL;
	(void)uv_timer_stop(&s->backoff);
	if (s->next)
		worker_drain(s->next);
	if (s->worker)
		worker_drain(s->worker);
	s->worker = s->next = NULL;
	publish(s);
	reload_slot_retired(s);
}

void pool_start(struct init *in, unsigned n)
{
	set_wanted(in, n);
	grow(in, 0, n);
}

void pool_scale(struct init *in, unsigned n)
{
	unsigned before = in->pool.wanted;

	assert(n >= 1 && n <= POOL_MAX);
	if (n == before)
		return;
	log_info("init: %u -> %u workers", before, n);
	set_wanted(in, n);
	in->pool.has_grown = n > before;
	grow(in, before, n);
	for (unsigned i = n; i < before; i++)
		retire(in->pool.slots[i]);
}

/* Ending */

static int code_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool all_retired(const struct pool *p)
{
	for (unsigned i = 0; i < p->wanted; i++)
		if (!p->slots[i]->retired)
			return false;
	return true;
}

static void refill(struct slot *s, const struct restart_end *end)
{
	struct init *in = s->init;
	uint64_t delay_ms;

	switch (restart_judge(&s->restart, in->config, end, &delay_ms)) {
	case RESTART_AFTER:
		(void)uv_timer_start(&s->backoff, on_backoff, delay_ms, 0);
		break;
	case RESTART_NOT:
		log_info("worker[%u]: done (SIOINIT_STOP_EXIT_CODES)", s->number);
		s->retired = true;
		if (all_retired(&in->pool))
			shutdown_begin(in, end->code, SHUTDOWN_FAST);
		break;
	case RESTART_GIVE_UP:
		log_error("init: worker[%u] ended with %d; giving up", s->number, end->code);
		shutdown_begin(in, end->code, SHUTDOWN_FAST);
		break;
	}
}

/* @w has left @s's care. */
static void slot_lost(struct slot *s, struct worker *w, const struct restart_end *end)
{
	if (s->next == w) {
		s->next = NULL;
		reload_failed(s, end->code);
	} else if (s->worker == w) {
		s->worker = NULL;
		if (!s->next)
			refill(s, end);
	}
}

static void record_death(struct pool *p, const char *line)
{
	struct death *d = &p->deaths[p->n_deaths++ % DEATHS_MAX];
	time_t now = time(NULL);
	struct tm utc;
	size_t n;

	(void)gmtime_r(&now, &utc);
	n = strftime(d->line, sizeof(d->line), "%Y-%m-%dT%H:%M:%SZ ", &utc);
	(void)snprintf(d->line + n, sizeof(d->line) - n, "%s", line);
	log_info("%s", line);
}

static void write_death(const struct worker *w, int status, uint64_t uptime_ms,
			const struct rusage *usage)
{
	struct init *in = w->owner;
	bool oom = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && !w->killed &&
		   memory_claim_oom(in);
	char how[32], line[160];

	if (WIFEXITED(status))
		(void)snprintf(how, sizeof(how), "code=%d", WEXITSTATUS(status));
	else
		(void)snprintf(how, sizeof(how), "signal=%s", sigabbrev_np(WTERMSIG(status)));
	(void)snprintf(line, sizeof(line),
		       "worker[%u]: ended pid=%d %s state=%s uptime=%.1fs lag=%ums max_rss=%ldM%s",
		       w->slot, (int)w->pid, how, worker_state_name(w->state),
		       (double)uptime_ms / 1000, w->lag_ms, usage->ru_maxrss / 1024,
		       oom ? " oom=yes" : "");
	record_death(&in->pool, line);
}

int pool_write_deaths(const struct pool *p, struct buf *out)
{
	unsigned first = p->n_deaths > DEATHS_MAX ? p->n_deaths - DEATHS_MAX : 0;
	int r = 0;

	for (unsigned i = first; i < p->n_deaths && r == 0; i++)
		r = buf_printf(out, "%s\n", p->deaths[i % DEATHS_MAX].line);
	return r;
}

static void on_end(struct init *in, struct worker *w, int status, const struct rusage *usage)
{
	struct slot *s = in->pool.slots[w->slot];
	uint64_t uptime_ms = uv_now(&in->loop) - w->started_ms;
	struct restart_end end = {
		.code = code_of(status),
		.uptime_ms = uptime_ms,
		.missed = w->state < WORKER_READY && worker_must_get_ready(w),
		.was_ready = in->pool.was_ready,
		.random = (uint32_t)random(),
	};

	(void)kill(-w->pid, SIGKILL); /* what it left in its group */
	worker_read_last_words(w);
	logs_worker_ended(&in->logs, w->pid);
	write_death(w, status, uptime_ms, usage);
	bind_clash_explain(w, in->command, end.code);
	DL_DELETE(in->pool.workers, w);
	in->pool.n_workers--;
	counter_add(&in->board->worker_ends, 1);
	if (terminal_worker_ended(in, w, status) && !shutdown_has_begun(in))
		shutdown_begin(in, end.code, SHUTDOWN_FAST);
	worker_close(w);
	if (shutdown_has_begun(in)) {
		s->worker = s->worker == w ? NULL : s->worker;
		s->next = s->next == w ? NULL : s->next;
		shutdown_worker_ended(in, w->forced);
		return;
	}
	slot_lost(s, w, &end);
	terminal_pass_on(in, s->worker);
	publish(s);
	reload_worker_ended(in, w);
}

bool pool_ended(struct init *in, pid_t pid, int status, const struct rusage *usage)
{
	struct worker *w;

	DL_SEARCH_SCALAR(in->pool.workers, w, pid, pid);
	if (w)
		on_end(in, w, status, usage);
	return w;
}

void pool_stopped(struct init *in, pid_t pid, int sig)
{
	struct worker *w;

	DL_SEARCH_SCALAR(in->pool.workers, w, pid, pid);
	if (!w)
		return;
	worker_stopped(w, sig);
	monitor_judge(in, w);
}
