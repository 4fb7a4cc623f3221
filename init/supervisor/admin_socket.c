/* Clients of the admin socket. PID 1 never waits for one: few at a time, little to read, and who
 * says nothing is closed. */
#include "init/supervisor/admin_socket.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "init/listen/sockets.h"
#include "init/pool/rebalance.h"
#include "init/supervisor/admin_peer.h"
#include "init/supervisor/admin_request.h"
#include "init/supervisor/admin_target.h"
#include "init/supervisor/core.h"
#include "init/worker/worker.h"
#include "ipc/admin_address.h"
#include "ipc/report.h"
#include "ipc/report_sidecars.h"
#include "settings/ecosystem/ecosystem_name.h"

#include "base/ban.h"

enum { CLIENTS_MAX = 16, PATIENCE_MS = 2000, ANSWER_MAX = 1 << 20 };

struct admin_client {
	struct admin_client *prev, *next;
	struct init *init;
	uv_pipe_t pipe;
	uv_timer_t patience;
	uv_write_t write;
	unsigned n_open;
	bool waits; /* for the reload */
	char request[ADMIN_REQUEST_MAX];
	size_t len;
	struct buf answer;
};

/* A client's life */

static void release(uv_handle_t *h)
{
	struct admin_client *c = h->data;

	if (--c->n_open > 0)
		return;
	buf_free(&c->answer);
	free(c);
}

static void hang_up(struct admin_client *c)
{
	if (uv_is_closing((uv_handle_t *)&c->pipe))
		return;
	DL_DELETE(c->init->admin.clients, c);
	c->init->admin.n_clients--;
	uv_close((uv_handle_t *)&c->pipe, release);
	uv_close((uv_handle_t *)&c->patience, release);
}

static void on_patience_over(uv_timer_t *t)
{
	hang_up(t->data);
}

static void on_written(uv_write_t *w, int status)
{
	(void)status;
	hang_up(w->data);
}

static void answer(struct admin_client *c)
{
	uv_buf_t all = uv_buf_init(c->answer.p, (unsigned)c->answer.len);

	(void)uv_timer_start(&c->patience, on_patience_over, PATIENCE_MS, 0);
	c->write.data = c;
	if (c->answer.len == 0 ||
	    uv_write(&c->write, (uv_stream_t *)&c->pipe, &all, 1, on_written) < 0)
		hang_up(c);
}

/* Commands: each appends its text; what it returns is the client's exit code. */

enum { DONE = 0, FAILED = 1, MISUSED = 2, LATER = -1 };

static int say(struct admin_client *c, int code, const char *text)
{
	(void)buf_printf(&c->answer, "%s\n", text);
	return code;
}

static int misused(struct admin_client *c, const struct admin_request *rq)
{
	return rq->usage ? say(c, MISUSED, rq->usage) : MISUSED;
}

static int report(struct admin_client *c, int r)
{
	return r < 0 ? say(c, FAILED, "no memory") : DONE;
}

static int status(struct admin_client *c, const struct admin_request *rq)
{
	counter_set(&c->init->board->beat_ms,
		    uv_hrtime() / 1000000); /* who answers is not silent */
	return report(c, (rq->json ? report_json : report_table)(c->init->board, &c->answer));
}

/* Whom the @i-th word names. False: it is said that there is nobody. */
static bool target(struct admin_client *c, const struct admin_request *rq, size_t i,
		   struct admin_target *ret)
{
	if (admin_target_find(c->init, rq->targets[i], ret))
		return true;
	(void)admin_target_say_unknown(c->init, rq->targets[i], &c->answer);
	return false;
}

static bool all_are_known(struct admin_client *c, const struct admin_request *rq)
{
	struct admin_target t;

	for (size_t i = 0; i < rq->n_targets; i++)
		if (!target(c, rq, i, &t))
			return false;
	return true;
}

static void replace_target(struct admin_client *c, const char *word)
{
	struct sidecars *sidecars = &c->init->sidecars;
	struct admin_target t;

	(void)admin_target_find(c->init, word, &t);
	c->waits |= t.kind <= TARGET_APP;
	if (t.kind == TARGET_SLOT)
		reload_slot(t.slot, "asked for");
	if (t.kind == TARGET_SIDECAR)
		(void)sidecars_restart(sidecars, t.sidecar);
	for (unsigned i = 0; i < sidecars->n && t.kind == TARGET_ALL; i++)
		(void)sidecars_restart(sidecars, sidecars->list[i].what->name);
	if (ecosystem_is_file(word))
		(void)buf_printf(&c->answer, "%s is read at the start of sioinit only\n", word);
}

/* Waits for the end where every worker is replaced. */
static int replace(struct admin_client *c, const struct admin_request *rq)
{
	if (shutdown_has_begun(c->init))
		return say(c, FAILED, "sioinit is stopping");
	if (!all_are_known(c, rq))
		return MISUSED;
	c->waits = rq->n_targets == 0;
	for (size_t i = 0; i < rq->n_targets; i++)
		replace_target(c, rq->targets[i]);
	if (!c->waits)
		return DONE;
	settings_reload(c->init);
	access_file_reopen(&c->init->access_file);
	logs_reopen_files(&c->init->logs);
	return LATER;
}

static int stop(struct admin_client *c, const struct admin_request *rq)
{
	if (!all_are_known(c, rq))
		return MISUSED;
	for (size_t i = 0; i < rq->n_targets; i++) {
		struct admin_target t;

		(void)admin_target_find(c->init, rq->targets[i], &t);
		if (t.kind == TARGET_SLOT || t.kind == TARGET_SIDECAR)
			return say(c, MISUSED,
				   "one alone is not stopped: sioinit scale runs fewer workers, "
				   "sioinit restart replaces one");
	}
	if (!shutdown_has_begun(c->init) && !pre_start_signal(c->init, SIGTERM))
		shutdown_begin(c->init, 0, SHUTDOWN_GENTLE);
	return say(c, DONE, "stopping");
}

static int scale(struct admin_client *c, const struct admin_request *rq)
{
	int64_t now = (int64_t)counter_get(&c->init->board->wanted), n = rq->number;
	struct admin_target t = { .kind = TARGET_APP };

	if (shutdown_has_begun(c->init))
		return say(c, FAILED, "sioinit is stopping");
	if (!all_are_known(c, rq))
		return MISUSED;
	if (rq->n_targets > 0)
		(void)admin_target_find(c->init, rq->targets[0], &t);
	if (t.kind > TARGET_APP)
		return say(c, MISUSED, "only the app that clients are routed to has several");
	if (rq->sign)
		n = now + rq->sign * n;
	if (n < 1 || n > POOL_MAX)
		return misused(c, rq);
	pool_scale(&c->init->pool, (unsigned)n);
	return DONE;
}

static int send_signal(struct admin_client *c, const struct admin_request *rq)
{
	struct admin_target t;

	if (!target(c, rq, 0, &t))
		return MISUSED;
	if (t.kind == TARGET_SIDECAR)
		return say(c, MISUSED, "signals go to workers");
	if (t.kind != TARGET_SLOT)
		pool_signal(&c->init->pool, rq->sig);
	else if (t.slot->worker)
		worker_signal(t.slot->worker, rq->sig);
	else
		return say(c, FAILED, "no worker is in that slot now");
	return DONE;
}

static bool is_meant(const struct admin_target *t, const struct slot *s)
{
	return s && (t->kind <= TARGET_APP || t->slot == s);
}

static int describe(struct admin_client *c, const struct admin_request *rq)
{
	struct admin_target t;
	int r = 0;

	if (!target(c, rq, 0, &t))
		return MISUSED;
	for (unsigned i = 0; i < POOL_MAX && r == 0; i++)
		if (is_meant(&t, pool_slot(&c->init->pool, i)))
			r = report_worker(c->init->board, i, &c->answer);
	if (r == 0 && (t.kind == TARGET_ALL || t.kind == TARGET_SIDECAR))
		r = report_sidecars_table(c->init->board, &c->answer);
	return report(c, r);
}

static int pids(struct admin_client *c, const struct admin_request *rq)
{
	const struct sidecars *sidecars = &c->init->sidecars;
	struct admin_target t = { .kind = TARGET_ALL };
	int r = 0;

	if (rq->n_targets > 0 && !target(c, rq, 0, &t))
		return MISUSED;
	for (unsigned i = 0; i < POOL_MAX && r == 0; i++) {
		const struct slot *s = pool_slot(&c->init->pool, i);

		if (is_meant(&t, s) && s->worker)
			r = buf_printf(&c->answer, "%d\n", (int)s->worker->pid);
	}
	for (unsigned i = 0; i < sidecars->n && r == 0; i++)
		if (sidecars->list[i].pid &&
		    (t.kind == TARGET_ALL || t.sidecar == sidecars->list[i].what->name))
			r = buf_printf(&c->answer, "%d\n", (int)sidecars->list[i].pid);
	return report(c, r);
}

/* As pm2 prints a list. */
static int ids(struct admin_client *c, const struct admin_request *rq)
{
	struct admin_target t;
	const char *before = "[ ";
	int r = 0;

	if (!target(c, rq, 0, &t))
		return MISUSED;
	for (unsigned i = 0; i < POOL_MAX && r == 0; i++)
		if (is_meant(&t, pool_slot(&c->init->pool, i))) {
			r = buf_printf(&c->answer, "%s%u", before, i);
			before = ", ";
		}
	return report(c, r < 0 ? r : buf_printf(&c->answer, *before == '[' ? "[]\n" : " ]\n"));
}

static int drain(struct admin_client *c, const struct admin_request *rq)
{
	shutdown_hold(c->init, !rq->off);
	return say(c, DONE, rq->off ? "ready again" : "/readyz says 503; serving goes on");
}

static int even_out(struct admin_client *c, const struct admin_request *rq)
{
	(void)rq;
	if (shutdown_has_begun(c->init))
		return say(c, FAILED, "sioinit is stopping");
	return report(
	    c, buf_printf(&c->answer, "%u sockets to be closed\n", rebalance(&c->init->pool)));
}

static int deaths(struct admin_client *c, const struct admin_request *rq)
{
	int r = exit_history_write(&c->init->pool.exit_history, &c->answer);

	(void)rq;
	if (r == 0 && c->init->pool.exit_history.n && !logs_keep_stderr(&c->init->logs))
		r = buf_printf(&c->answer,
			       "The workers' stderr is not known: it is a terminal, or goes where "
			       "stdout goes. SIOINIT_WORKER_LOGS=prefix keeps its last lines.\n");
	return report(c, r);
}

static int say_address(struct admin_client *c, const struct admin_request *rq)
{
	const struct init *in = c->init;

	(void)rq;
	if (in->config->admin.off || in->frontend.admin >= 0)
		return DONE;
	return say(c, FAILED, "the admin address is somebody else's: set SIOINIT_ADMIN");
}

static int (*const acts[ADMIN_N_COMMANDS])(struct admin_client *c,
					   const struct admin_request *rq) = {
	[ADMIN_STATUS] = status,       [ADMIN_RELOAD] = replace,     [ADMIN_SCALE] = scale,
	[ADMIN_RESTART] = replace,     [ADMIN_SIGNAL] = send_signal, [ADMIN_DRAIN] = drain,
	[ADMIN_DEATHS] = deaths,       [ADMIN_REBALANCE] = even_out, [ADMIN_STOP] = stop,
	[ADMIN_DESCRIBE] = describe,   [ADMIN_PID] = pids,           [ADMIN_ID] = ids,
	[ADMIN_ADDRESS] = say_address,
};

static void set_code(struct admin_client *c, int code)
{
	c->answer.p[0] = (char)('0' + code);
}

static void obey(struct admin_client *c)
{
	struct admin_request rq;
	int code;

	if (buf_append(&c->answer, "0", 1) < 0) {
		hang_up(c);
		return;
	}
	if (admin_request_read(c->request, c->len, &rq) < 0)
		code = misused(c, &rq);
	else
		code = acts[rq.command](c, &rq);
	if (code == LATER)
		return;
	set_code(c, code);
	answer(c);
}

void admin_socket_reload_over(struct init *in, bool ok)
{
	struct admin_client *c, *next;

	DL_FOREACH_SAFE(in->admin.clients, c, next)
	{
		if (!c->waits)
			continue;
		c->waits = false;
		set_code(c, say(c, ok ? DONE : FAILED,
				ok ? "reloaded" : "aborted: the old workers stay, see the log"));
		answer(c);
	}
}

void admin_socket_reload_refused(struct init *in)
{
	admin_socket_reload_over(in, false);
}

/* Reading */

static void on_buffer(uv_handle_t *h, size_t suggested, uv_buf_t *ret)
{
	struct admin_client *c = h->data;

	(void)suggested;
	*ret = uv_buf_init(c->request + c->len, (unsigned)(ADMIN_REQUEST_MAX - 1 - c->len));
}

/* The client closes its side after the last word. */
static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *unused)
{
	struct admin_client *c = s->data;

	(void)unused;
	if (n > 0) {
		c->len += (size_t)n;
		return;
	}
	if (n != UV_EOF || c->answer.len) {
		hang_up(c);
		return;
	}
	(void)uv_read_stop(s);
	(void)uv_timer_stop(&c->patience);
	c->request[c->len] = '\0';
	obey(c);
}

static bool is_allowed(const struct admin_socket *a, uv_pipe_t *pipe)
{
	uv_os_fd_t fd;

	return uv_fileno((uv_handle_t *)pipe, &fd) == 0 && admin_peer_is_allowed(fd, a->owner);
}

static void on_client(uv_stream_t *listener, int status)
{
	struct init *in = listener->data;
	struct admin_client *c = status < 0 ? NULL : calloc(1, sizeof(*c));

	if (!c)
		return;
	c->init = in;
	c->n_open = 2;
	c->answer = BUF_INIT(ANSWER_MAX);
	(void)uv_pipe_init(&in->loop, &c->pipe, 0);
	(void)uv_timer_init(&in->loop, &c->patience);
	c->pipe.data = c->patience.data = c;
	DL_APPEND(in->admin.clients, c);
	in->admin.n_clients++;
	(void)uv_timer_start(&c->patience, on_patience_over, PATIENCE_MS, 0);
	if (uv_accept(listener, (uv_stream_t *)&c->pipe) < 0 || in->admin.n_clients > CLIENTS_MAX ||
	    !is_allowed(&in->admin, &c->pipe) ||
	    uv_read_start((uv_stream_t *)&c->pipe, on_buffer, on_read) < 0)
		hang_up(c);
}

/* Listening */

static int listen_abstract(void)
{
	struct sockaddr_un a;
	socklen_t len = admin_address(getpid(), &a);
	auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) < 0 || listen(fd, CLIENTS_MAX) < 0)
		return -errno;
	return fd_take(&fd);
}

/* The file is known again by its inode when it is to be removed. */
static int listen_path(struct admin_socket *a, const struct config *c,
		       const struct socket_access *access)
{
	const char *path = c->admin_socket;
	int fd = listen_unix(path, CLIENTS_MAX, 0, &a->file);

	if (fd < 0)
		return fd;
	(void)chmod(path, 0600);
	if (access->uid != (uid_t)-1 && socket_access_own(access, path) == 0)
		a->owner = access->uid;
	return fd;
}

void admin_socket_open(struct init *in)
{
	const char *where = in->config->admin_socket;
	uv_pipe_t *p = &in->admin.listener;
	int fd, r;

	in->admin.owner = geteuid();
	if (strcmp(where, "off") == 0)
		return;
	fd = where[0] == '/' ? listen_path(&in->admin, in->config, &in->frontend.access)
			     : listen_abstract();
	if (fd < 0) {
		log_warn(SIO_401,
			 "init: SIOINIT_ADMIN_SOCKET=%s: %s; `sioinit status` and the like will "
			 "not work",
			 where, strerror(-fd));
		return;
	}
	(void)uv_pipe_init(&in->loop, p, 0);
	p->data = in;
	r = uv_pipe_open(p, fd);
	if (r == 0)
		r = uv_listen((uv_stream_t *)p, CLIENTS_MAX, on_client);
	if (r < 0)
		log_warn(SIO_402, "init: admin socket: %s", uv_strerror(r));
}

/* One that could not be opened is somebody else's, as is what has taken its place since. */
void admin_socket_close(struct init *in)
{
	socket_file_remove(&in->admin.file);
}
