/* A worker: its endpoint, its process, its channel. Failure: what there was of them is undone. */
#include "init/pool/start.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <utlist.h>

#include "base/fd.h"
#include "base/log.h"
#include "init/logs/logs.h"
#include "init/pool/pool.h"
#include "init/system/terminal.h"
#include "init/worker/context.h"
#include "init/worker/launch.h"
#include "init/worker/worker.h"

#include "base/ban.h"

/* Where it listens, when it does that by itself. */
static int take_endpoint(const struct pool *p, struct worker *w)
{
	const struct worker_context *cx = p->context;
	uint16_t base = cx->config->worker_port;
	int r;

	if (cx->reach.style == WORKER_STYLE_UNIX)
		return endpoint_take_path(&w->endpoint, w->id, cx->credentials);
	if (!cx->reach.port)
		return 0;
	if (!base)
		base = cx->config->port + 1;
	r = endpoint_take_port(&w->endpoint, p->workers, base, w->slot, cx->wanted);
	if (r < 0)
		log_error(SIO_133,
			  "worker[%u]: no free port from %u on; choose others with "
			  "SIOINIT_WORKER_PORT",
			  w->slot, base);
	return r;
}

static struct worker *worker_new(struct slot *s)
{
	struct pool *p = s->pool;
	const struct worker_context *cx = p->context;
	struct worker *w = calloc(1, sizeof(*w));

	if (w)
		*w = (struct worker){
			.ops = &p->worker_ops,
			.owner = p,
			.context = cx,
			.config = cx->config,
			.places = cx->places,
			.groups = cx->groups,
			.board = cx->board,
			.frontend = cx->frontend,
			.handles = { .pending = &cx->board->rows[s->number].pending },
			.asked = cx->reach.style,
			.has_channel = cx->reach.channel && !cx->reach.claimed,
			.is_claimed = cx->reach.claimed,
			.hears = cx->reach.channel && !cx->reach.claimed &&
				 command_reads_channel(cx->command),
			.has_deadline = terminal_for_worker(cx->terminal, cx->wanted) < 0,
			.answers_pings = cx->reach.pings,
			.style = cx->reach.style,
			.state = cx->reach.cluster ? WORKER_SPAWNED : WORKER_BOOTING,
			.id = ++p->last_id,
			.slot = s->number,
			.started_ms = uv_now(cx->loop),
		};
	return w;
}

/* 0 or -errno: then nothing of it is left but the memory. */
static int start(struct pool *p, struct worker *w, int *ret_code)
{
	const struct worker_context *cx = p->context;
	auto_fd int near = -1, far = -1;
	int sv[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
		return -errno;
	near = sv[0];
	far = sv[1];
	r = take_endpoint(p, w);
	if (r == 0)
		r = w->pid = launch(w, far, ret_code);
	w->app = w->pid;
	if (r > 0)
		r = worker_init(w, cx->loop, fd_take(&near), cx->hub, cx->dialect.bound_unread);
	if (r < 0) {
		if (w->pid > 0) { /* without a channel it cannot be looked after */
			(void)kill(-w->pid, SIGKILL);
			(void)logs_worker_ended(cx->logs, w->pid);
		}
		endpoint_release(&w->endpoint);
	}
	return r;
}

struct worker *start_worker(struct slot *s, int *ret_err, int *ret_code)
{
	struct pool *p = s->pool;
	struct worker *w = worker_new(s);

	*ret_code = 0;
	*ret_err = w ? start(p, w, ret_code) : -ENOMEM;
	if (*ret_err < 0) {
		free(w);
		return NULL;
	}
	DL_APPEND(p->workers, w);
	p->n_workers++;
	s->starts++;
	p->ops->on_worker(p, w);
	return w;
}
