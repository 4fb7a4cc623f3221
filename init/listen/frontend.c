/* Passed sockets are called http, http-2, http-3 and so on, or all http: a unit with several
 * ListenStream= gives them one name. One of them is enough for the public port not to be opened. */
#include "init/listen/frontend.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "init/listen/kept.h"
#include "init/system/notify.h"

#include "base/ban.h"

enum { ADMIN_SEND_BYTES = 16 << 10 };

/* How it was. */
struct opened {
	struct socket_file file;
	bool is_kept;
};

static void add(struct frontend *l, const int *fds, unsigned n, const struct opened *as)
{
	struct listening *at = &l->http[l->n_http++];
	socklen_t len = sizeof(at->at);

	*at = (struct listening){ .n_fds = n, .file = as->file, .is_kept = as->is_kept };
	memcpy(at->fds, fds, n * sizeof(*fds));
	(void)getsockname(fds[0], (struct sockaddr *)&at->at, &len);
}

static void take_passed(struct frontend *l)
{
	const struct opened passed = { .is_kept = true }; /* its file stays, too */
	char name[16] = "http";

	for (unsigned i = 2; l->n_http < FRONTEND_MAX;) {
		int fd = notify_take_listener(name);

		if (fd >= 0)
			add(l, &fd, 1, &passed);
		else if (i > FRONTEND_MAX)
			return;
		else
			(void)snprintf(name, sizeof(name), "http-%u", i++);
	}
}

static void own_or_die(const struct socket_access *access, const char *path)
{
	int r = socket_access_own(access, path);

	if (r == 0)
		return;
	(void)unlink(path);
	die(EXIT_BAD_CONFIG, SIO_013, "SIOINIT_SOCKET_OWNER, for %s: %s%s", path, strerror(-r),
	    r == -EPERM ? "; only root gives files away" : "");
}

static int open_path(const struct socket_access *access, const char *path, uint32_t backlog,
		     struct socket_file *file)
{
	mode_t before = socket_access_umask(access);
	int fd = listen_unix(path, (int)backlog, 0, file);

	(void)umask(before);
	if (fd >= 0)
		own_or_die(access, path);
	return fd;
}

static int listen_at(const struct frontend *l, const struct config_address *a, uint32_t backlog,
		     int *fds, unsigned n, struct socket_file *file)
{
	int r;

	if (a->host[0] != '/') {
		r = listen_each(a->host, a->port, (int)backlog, fds, n);
		return r < 0 ? r : (int)n;
	}
	fds[0] = r = open_path(&l->access, a->host, backlog, file);
	return r < 0 ? r : 1;
}

/* What has come back is as the settings are now. How many there are. */
static int listen_on(const struct frontend *l, const struct config_address *a, uint32_t backlog,
		     int *fds, unsigned n_back, unsigned n)
{
	for (unsigned i = 0; i < n_back; i++)
		(void)listen_again(fds[i], (int)backlog);
	if (a->host[0] != '/')
		return (int)listen_beside((int)backlog, fds, n_back, n);
	if (l->access.mode)
		(void)chmod(a->host, l->access.mode);
	own_or_die(&l->access, a->host);
	return (int)n_back;
}

/* @n sockets, or a single one for a path. How many, or -errno. */
static int open_address(const struct frontend *l, const struct config_address *a, uint32_t backlog,
			int *fds, unsigned n, struct opened *ret)
{
	struct kept_name name;
	unsigned n_back;
	int r;

	*ret = (struct opened){ 0 };
	kept_name(&name, a->host, a->port, "");
	n_back = kept_take(&name, fds, n);
	if (n_back > 0)
		r = listen_on(l, a, backlog, fds, n_back, n);
	else
		r = listen_at(l, a, backlog, fds, n, &ret->file);
	if (r == -EADDRINUSE && kept_make_room(a->port))
		r = listen_at(l, a, backlog, fds, n, &ret->file);
	if (r < 0)
		return r;
	kept_name(&name, a->host, a->port, ""); /* a path has its file now */
	ret->is_kept = kept_add(&name, fds, (unsigned)r);
	if (ret->is_kept)
		socket_file_forget(&ret->file);
	return r;
}

/* Who has set nothing may share the network with others who listen there. */
static void do_without(const struct config_address *a, const char *what, const char *setting,
		       int err, const char *consequence)
{
	log_warn(SIO_014, "%s %s%s%u, the default: %s; %s: set %s", what, a->host,
		 a->host[0] ? ":" : "", a->port, strerror(-err), consequence, setting);
}

/* What is wrong, and what @setting must be for it to be right. */
static unsigned open_or_die(const struct frontend *l, const struct config_address *a,
			    uint32_t backlog, const char *what, const char *setting, int *fds,
			    unsigned n, struct opened *ret)
{
	int r = open_address(l, a, backlog, fds, n, ret);
	char port[8] = "";

	if (r >= 0)
		return (unsigned)r;
	if (a->host[0] != '/')
		(void)snprintf(port, sizeof(port), "%s%u", a->host[0] ? ":" : "", a->port);
	die(EXIT_BAD_CONFIG, SIO_015, "%s %s%s: %s; %s%s", what, a->host, port, strerror(-r),
	    r == -EACCES ? "ports below 1024 are for root or CAP_NET_BIND_SERVICE: "
			 : "choose another with ",
	    setting);
}

/* When there were more routers, there are more sockets at which clients wait. */
static void add_rest(struct frontend *l, const struct config_address *a, unsigned n_routers)
{
	const struct opened rest = { .is_kept = true };
	struct kept_name name;
	int fds[ROUTERS_MAX];
	unsigned n;

	kept_name(&name, a->host, a->port, "");
	while (l->n_http < FRONTEND_MAX && (n = kept_take(&name, fds, n_routers)) > 0)
		add(l, fds, n, &rest);
}

static void add_opened(struct frontend *l, const struct config *c, unsigned n_routers,
		       const struct config_address *a, const char *what, const char *setting)
{
	struct opened as;
	int fds[ROUTERS_MAX];
	unsigned n = open_or_die(l, a, c->backlog, what, setting, fds, n_routers, &as);

	add(l, fds, n, &as);
	add_rest(l, a, n_routers);
}

static void close_all(int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		fd_close(&fds[i]);
}

static void open_default_port(struct frontend *l, const struct config *c, unsigned n_routers,
			      const struct config_address *public)
{
	struct opened as;
	int fds[ROUTERS_MAX];
	int r;

	for (unsigned i = 0; i < ROUTERS_MAX; i++)
		fds[i] = -1;
	r = open_address(l, public, c->backlog, fds, n_routers, &as);
	l->has_no_public = r < 0;
	if (r >= 0) {
		add(l, fds, (unsigned)r, &as);
		add_rest(l, public, n_routers);
		return;
	}
	close_all(fds, ROUTERS_MAX);
	do_without(public, "port", "SIOINIT_PORT or PORT", r,
		   "served is only where the app listens by itself");
}

static void open_public(struct frontend *l, const struct config *c, unsigned n_routers)
{
	struct config_address public = { .port = c->port };

	if (config_port_is_set(c))
		add_opened(l, c, n_routers, &public, "port", "SIOINIT_PORT or PORT");
	else
		open_default_port(l, c, n_routers, &public);
}

static void open_admin(struct frontend *l, const struct config *c)
{
	static const char setting[] = "SIOINIT_ADMIN, or off";
	struct opened as;
	int r;

	if (c->admin.off)
		return;
	if (config_admin_is_set(c)) {
		(void)open_or_die(l, &c->admin, 0, "admin address", setting, &l->admin, 1, &as);
		socket_file_forget(&as.file);
		return;
	}
	r = open_address(l, &c->admin, 0, &l->admin, 1, &as);
	if (r >= 0)
		return;
	l->admin = -1;
	do_without(&c->admin, "admin address", setting, r,
		   "nothing answers /livez, /readyz and /metrics");
}

/* Of who looks on and takes nothing (/events) the kernel is to hold little; what is accepted is as
 * the listener. */
static void bound_admin(int fd)
{
	int bytes = ADMIN_SEND_BYTES;

	if (fd >= 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

void frontend_open(struct frontend *ret, const struct config *c, unsigned n_routers)
{
	char err[256];

	*ret = (struct frontend){ 0 };
	if (socket_access_resolve(c, &ret->access, err, sizeof(err)) < 0)
		die(EXIT_BAD_CONFIG, SIO_029, "%s", err);
	take_passed(ret);
	ret->is_passed = ret->n_http > 0;
	if (!ret->is_passed)
		open_public(ret, c, n_routers);
	for (unsigned i = 0; i < c->listen.n && ret->n_http < FRONTEND_MAX; i++)
		add_opened(ret, c, n_routers, &c->listen.list[i], "address", "SIOINIT_LISTEN");
	ret->admin = notify_take_listener("admin");
	if (ret->admin < 0)
		open_admin(ret, c);
	bound_admin(ret->admin);
}

static const char *path_of(const struct listening *at)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)&at->at;

	return at->at.ss_family == AF_UNIX ? un->sun_path : NULL;
}

void frontend_refuse(struct frontend *l)
{
	for (size_t i = 0; i < l->n_http; i++) {
		struct listening *at = &l->http[i];
		socket_file_remove(&at->file);
		while (at->n_fds)
			fd_close(&at->fds[--at->n_fds]);
	}
}

void frontend_close(struct frontend *l)
{
	frontend_refuse(l);
	l->n_http = 0;
	fd_close(&l->admin);
}

int frontend_socket(const struct listening *at, unsigned router)
{
	if (at->n_fds == 0)
		return -1;
	return at->fds[router < at->n_fds ? router : 0];
}

bool frontend_outlives_us(const struct frontend *l)
{
	for (size_t i = 0; i < l->n_http; i++)
		if (l->http[i].is_kept)
			return true;
	return false;
}

bool frontend_has(const struct frontend *l, const struct sockaddr_storage *local)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)local;

	for (size_t i = 0; i < l->n_http; i++) {
		const char *path = path_of(&l->http[i]);

		if (path && local->ss_family == AF_UNIX && un->sun_path[0] &&
		    strcmp(path, un->sun_path) == 0)
			return true;
		if (!path && socket_port(local) &&
		    socket_port(local) == socket_port(&l->http[i].at))
			return true;
	}
	return false;
}

bool frontend_tells_port(const struct frontend *l, const struct config *c)
{
	return l->is_passed || config_port_is_set(c);
}

bool frontend_is_asked(const struct frontend *l, int64_t port)
{
	for (size_t i = 0; i < l->n_http; i++)
		if (port > 0 && port == socket_port(&l->http[i].at))
			return true;
	return false;
}

void frontend_name(const struct frontend *l, char *dst, size_t size)
{
	size_t n = 0;

	(void)snprintf(dst, size, "%s", l->n_http ? "" : "the app's own ports");
	for (size_t i = 0; i < l->n_http && n < size; i++) {
		const char *path = path_of(&l->http[i]), *comma = i ? ", " : "";

		if (i > 0 && memcmp(&l->http[i].at, &l->http[i - 1].at, sizeof(l->http[i].at)) == 0)
			continue;
		if (path)
			n += (size_t)snprintf(dst + n, size - n, "%s%s", comma, path);
		else
			n += (size_t)snprintf(dst + n, size - n, "%sport %u", comma,
					      socket_port(&l->http[i].at));
	}
}
