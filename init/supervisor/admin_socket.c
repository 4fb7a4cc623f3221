/* Clients of the admin socket. PID 1 never waits for one: few at a time, little to read, and who
 * says nothing is closed. */
#include "init/supervisor/admin_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "init/listen/sockets.h"
#include "init/supervisor/admin_command.h"
#include "init/supervisor/admin_peer.h"
#include "init/supervisor/admin_request.h"
#include "init/supervisor/core.h"
#include "ipc/admin_address.h"

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

/* Commands */

static void set_code(struct admin_client *c, int code)
{
	c->answer.p[0] = (char)('0' + code);
}

static int dup_connection(struct admin_client *c)
{
	uv_os_fd_t fd;
	int r = uv_fileno((uv_handle_t *)&c->pipe, &fd);

	if (r < 0)
		return r;
	r = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return r < 0 ? -errno : r;
}

/* The connection lives on as a follower's, with the answer in front; this client is done with it.
 */
static void hand_over(struct admin_client *c, const struct log_choice *choice)
{
	int r = dup_connection(c);

	if (r >= 0)
		r = log_followers_add(&c->init->logs.followers, r, choice, buf_str(&c->answer));
	if (r == 0) {
		hang_up(c);
		return;
	}
	c->answer.len = 1;
	(void)buf_printf(&c->answer, "%s\n",
			 r == -EUSERS ? "too many follow the logs already" : strerror(-r));
	set_code(c, ADMIN_FAILED);
	answer(c);
}

static void obey(struct admin_client *c)
{
	struct admin_errand errand = { .init = c->init, .answer = &c->answer, .waits = &c->waits };
	struct admin_request rq;
	int code;

	if (buf_append(&c->answer, "0", 1) < 0) {
		hang_up(c);
		return;
	}
	if (admin_request_read(c->request, c->len, &rq) < 0)
		code = admin_command_misused(&errand, &rq);
	else
		code = admin_command_obey(&errand, &rq);
	if (code == ADMIN_LATER)
		return;
	if (code == ADMIN_FOLLOWS) {
		hand_over(c, &errand.choice);
		return;
	}
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
		(void)buf_printf(&c->answer, "%s\n",
				 ok ? "reloaded" : "aborted: the old workers stay, see the log");
		set_code(c, ok ? ADMIN_DONE : ADMIN_FAILED);
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
