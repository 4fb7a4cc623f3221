/* The stages of the end. Every worker drains by itself (worker.c) and the pool tells of each end.
 */
#include "init/supervisor/shutdown.h"

#include <assert.h>
#include <utlist.h>

#include "base/log.h"
#include "init/supervisor/core.h"
#include "init/system/notify.h"
#include "init/worker/worker.h"

#include "base/ban.h"

enum { LEAVING_MS = 100, STOP_ROOM_MS = 5000 /* for what comes after the last worker */ };

bool shutdown_has_begun(const struct init *in)
{
	return in->shutdown.stage != SHUTDOWN_NONE;
}

enum phase shutdown_phase(const struct init *in)
{
	static const enum phase phases[] = {
		[SHUTDOWN_NONE] = PHASE_SERVING,      [SHUTDOWN_LAME_DUCK] = PHASE_LAME_DUCK,
		[SHUTDOWN_LEAVING] = PHASE_LAME_DUCK, [SHUTDOWN_GOODBYE] = PHASE_LAME_DUCK,
		[SHUTDOWN_DRAINING] = PHASE_DRAINING, [SHUTDOWN_STOPPING] = PHASE_DRAINING
	};

	if (in->shutdown.stage == SHUTDOWN_NONE && in->shutdown.held)
		return PHASE_LAME_DUCK;
	if (in->shutdown.stage == SHUTDOWN_NONE && !in->pool.was_ready)
		return PHASE_STARTING;
	return phases[in->shutdown.stage];
}

static void publish_stage(struct init *in)
{
	static const enum scoreboard_drain stages[] = {
		[SHUTDOWN_NONE] = DRAIN_NONE,         [SHUTDOWN_LAME_DUCK] = DRAIN_LAME_DUCK,
		[SHUTDOWN_LEAVING] = DRAIN_LEAVING,   [SHUTDOWN_GOODBYE] = DRAIN_GOODBYE,
		[SHUTDOWN_DRAINING] = DRAIN_DRAINING, [SHUTDOWN_STOPPING] = DRAIN_STOPPING
	};
	const struct shutdown *s = &in->shutdown;
	enum scoreboard_drain now =
	    s->stage == SHUTDOWN_NONE && s->held ? DRAIN_HELD : stages[s->stage];

	if (counter_get(&in->board->drain_stage) == now)
		return;
	counter_set(&in->board->drain_stage, now);
	counter_set(&in->board->drain_since_ms, now == DRAIN_NONE ? 0 : uv_now(&in->loop));
}

static void tell_phase(struct init *in)
{
	struct control_msg m = { .type = CONTROL_PHASE, .state = shutdown_phase(in) };

	counter_set(&in->board->phase, m.state);
	publish_stage(in);
	routers_tell(&in->routers, &m);
}

bool shutdown_first_ready(struct init *in)
{
	counter_set(&in->board->first_ready_ms, uv_now(&in->loop));
	tell_phase(in);
	return in->shutdown.stage < SHUTDOWN_LEAVING;
}

void shutdown_hold(struct init *in, bool held)
{
	in->shutdown.held = held;
	tell_phase(in);
	status_line_tell(in);
}

/* Stages only go on, and may be left out. */
static void set_stage(struct init *in, enum shutdown_stage to)
{
	assert(to > in->shutdown.stage);
	in->shutdown.stage = to;
	log_progress("");
	tell_phase(in);
	status_line_tell(in);
}

/* No worker is left, nor what one has left: no router need be replaced any more. */
static void end_if_over(struct init *in)
{
	if (!shutdown_has_begun(in) || in->pool.n_workers > 0 || in->groups.n_orphaned > 0)
		return;
	routers_close(&in->routers);
	sidecars_stop(&in->sidecars);
	if (sidecars_are_over(&in->sidecars) && hooks_finish(&in->hooks))
		uv_stop(&in->loop);
}

static void leave_clients_waiting(struct init *in)
{
	struct control_msg m = { .type = CONTROL_UNLISTEN };

	routers_tell(&in->routers, &m);
}

/* The routers close their copies of the sockets with this phase. */
static void refuse_clients(struct init *in)
{
	frontend_refuse(&in->frontend);
	places_refuse(&in->places);
}

static bool any_worker(const struct init *in, bool (*is_so)(const struct worker *w))
{
	struct worker *w;

	DL_FOREACH(in->pool.workers, w)
	if (is_so(w))
		return true;
	return false;
}

static void close_port(struct init *in)
{
	refuse_clients(in);
	set_stage(in, SHUTDOWN_DRAINING);
}

void shutdown_farewell(struct init *in)
{
	if (in->shutdown.stage == SHUTDOWN_GOODBYE && !any_worker(in, worker_is_open))
		close_port(in);
}

/* Clients that poll come back for what the app has to say. At a socket of the service manager they
 * would be kept from the next sioinit, for which it lets them wait. */
static bool may_stay_open(const struct init *in)
{
	return !frontend_outlives_us(&in->frontend) &&
	       (any_worker(in, worker_is_told_first) || any_worker(in, worker_is_open));
}

static void drain_workers(struct init *in)
{
	struct worker *w, *next;

	if (in->shutdown.stage >= SHUTDOWN_GOODBYE)
		return;
	if (may_stay_open(in))
		set_stage(in, SHUTDOWN_GOODBYE);
	else
		close_port(in);
	DL_FOREACH_SAFE(in->pool.workers, w, next)
	worker_drain(w);
	shutdown_farewell(in);
	end_if_over(in);
}

static void stop_workers(struct init *in)
{
	struct worker *w, *next;

	if (in->shutdown.stage == SHUTDOWN_STOPPING)
		return;
	refuse_clients(in);
	set_stage(in, SHUTDOWN_STOPPING);
	groups_hurry(&in->groups);
	DL_FOREACH_SAFE(in->pool.workers, w, next)
	worker_stop(w);
	end_if_over(in);
}

static void kill_workers(struct init *in)
{
	struct worker *w, *next;

	stop_workers(in);
	hooks_hurry(&in->hooks);
	DL_FOREACH_SAFE(in->pool.workers, w, next)
	worker_kill(w);
	sidecars_kill(&in->sidecars);
	groups_kill(&in->groups);
}

static void on_left(uv_timer_t *t)
{
	drain_workers(t->data);
}

static void on_delay_over(uv_timer_t *t)
{
	struct init *in = t->data;

	if (!frontend_outlives_us(&in->frontend)) {
		drain_workers(in);
		return;
	}
	set_stage(in, SHUTDOWN_LEAVING);
	leave_clients_waiting(in);
	(void)uv_timer_start(t, on_left, LEAVING_MS, 0);
}

static void lame_duck(struct init *in, int code)
{
	in->shutdown.exit_code = code;
	notify_stopping(in->config->shutdown_delay_ms + in->config->stop_timeout_ms + STOP_ROOM_MS);
	monitor_stop(&in->monitor);
	file_watch_stop(in);
	pool_close(&in->pool);
	set_stage(in, SHUTDOWN_LAME_DUCK);
	(void)uv_timer_start(&in->shutdown.delay, on_delay_over, in->config->shutdown_delay_ms, 0);
}

void shutdown_begin(struct init *in, int code, enum shutdown_speed speed)
{
	bool hurry = shutdown_has_begun(in);

	if (!hurry)
		lame_duck(in, code);
	sidecars_close(&in->sidecars,
		       in->config->stop_timeout_ms +
			   (speed == SHUTDOWN_GENTLE ? in->config->shutdown_delay_ms : 0));
	if (hurry)
		sidecars_stop(&in->sidecars);
	if (speed == SHUTDOWN_NOW || (hurry && in->shutdown.stage == SHUTDOWN_STOPPING))
		kill_workers(in);
	else if (speed == SHUTDOWN_FAST || hurry)
		stop_workers(in);
}

void shutdown_worker_ended(struct init *in, bool forced)
{
	if (forced && shutdown_has_begun(in))
		in->shutdown.exit_code = EXIT_FORCED;
	shutdown_farewell(in);
	end_if_over(in);
}

void shutdown_sidecars_over(void *ctx, bool forced)
{
	shutdown_worker_ended(ctx, forced);
}

void shutdown_init(struct init *in)
{
	(void)uv_timer_init(&in->loop, &in->shutdown.delay);
	in->shutdown.delay.data = in;
}
