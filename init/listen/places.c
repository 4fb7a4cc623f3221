/* Opening places. Failure is the app's to see: it becomes the 'error' event of its server.
 *
 * A closed place frees its port at once although the routers still have copies of the descriptor:
 * shutdown(2) of a listening socket ends the listening itself. The app may give the port to a child
 * in the next moment (get-port, portfinder). */
#include "init/listen/places.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <utlist.h>

#include "base/fd.h"
#include "base/log.h"

#include "base/ban.h"

enum { V6ONLY = 1 /* UV_TCP_IPV6ONLY, UV_UDP_IPV6ONLY */ };

/* uv_pipe_chmod() for readableAll and writableAll (doc/api/net.md). */
static mode_t mode_of(const struct node_msg *q)
{
	mode_t mode = 0;

	if (q->readable_all)
		mode |= S_IRUSR | S_IRGRP | S_IROTH;
	if (q->writable_all)
		mode |= S_IWUSR | S_IWGRP | S_IWOTH;
	return mode;
}

static int open_place(const struct node_msg *q, struct socket_file *file)
{
	uint16_t port = (uint16_t)(q->port > 0 ? q->port : 0);
	bool v6only = q->flags & V6ONLY;

	switch (q->address_type) {
	case NODE_ADDR_TCP4:
		return listen_tcp(q->any_address ? "" : q->address, port, (int)q->backlog);
	case NODE_ADDR_TCP6:
		return listen_tcp6(q->address, port, v6only, (int)q->backlog);
	case NODE_ADDR_UNIX:
		return listen_unix(q->address, (int)q->backlog, mode_of(q), file);
	case NODE_ADDR_UDP4:
		return bind_udp(AF_INET, q->address, port, false);
	case NODE_ADDR_UDP6:
		return bind_udp(AF_INET6, q->address, port, v6only);
	case NODE_ADDR_FD:
		break;
	}
	return -EINVAL;
}

/* A worker has no more rights by asking us. */
static int open_as(struct place *pl, const struct node_msg *q, pid_t pid)
{
	int fd, r = credentials_of(pid, &pl->as);

	if (r == 0)
		r = credentials_act_as(&pl->as);
	if (r < 0)
		return r;
	fd = open_place(q, &pl->file);
	credentials_resume();
	return fd;
}

static void name_of(struct kept_name *ret, const struct node_msg *q)
{
	bool is_any = q->address_type == NODE_ADDR_TCP4 && q->any_address;
	const char *note = q->address_type != NODE_ADDR_TCP6 ? ""
			   : q->flags & V6ONLY               ? " app 6only"
							     : " app 6";

	kept_name(ret, is_any ? "" : q->address, (uint16_t)(q->port > 0 ? q->port : 0), note);
}

static bool can_be_kept(const struct node_msg *q)
{
	return node_address_is_stream(q->address_type) && (q->port > 0 || q->address[0] == '/');
}

static int open_anew(struct place *pl, const struct node_msg *q, pid_t pid)
{
	int fd = open_as(pl, q, pid);

	if (fd == -EADDRINUSE && q->port > 0 && kept_make_room((uint16_t)q->port))
		fd = open_as(pl, q, pid);
	if (fd < 0 || !can_be_kept(q))
		return fd;
	name_of(&pl->kept, q);
	pl->is_kept = kept_add(&pl->kept, &fd, 1);
	if (pl->is_kept)
		socket_file_forget(&pl->file);
	return fd;
}

/* The one that is there from before our start, or a new one. */
static int open_or_take(struct place *pl, const struct node_msg *q, pid_t pid)
{
	int fd, r;

	if (!can_be_kept(q))
		return open_as(pl, q, pid);
	name_of(&pl->kept, q);
	if (kept_take(&pl->kept, &fd, 1) == 0)
		return open_anew(pl, q, pid);
	pl->is_kept = true;
	r = credentials_of(pid, &pl->as);
	if (r == 0)
		r = listen_again(fd, (int)q->backlog);
	if (r < 0)
		fd_close(&fd);
	return r < 0 ? r : fd;
}

static void learn_address(struct place *pl)
{
	struct sockaddr_storage a = { 0 };
	socklen_t len = sizeof(a);
	const void *ip = NULL;

	if (getsockname(pl->fd, (struct sockaddr *)&a, &len) < 0)
		return;
	if (a.ss_family == AF_INET)
		ip = &((struct sockaddr_in *)&a)->sin_addr;
	else if (a.ss_family == AF_INET6)
		ip = &((struct sockaddr_in6 *)&a)->sin6_addr;
	if (ip)
		(void)inet_ntop(a.ss_family, ip, pl->name, sizeof(pl->name));
	pl->is_loopback = socket_is_loopback(&a);
	pl->actual_port = pl->port > 0 ? pl->port : socket_port(&a);
}

static bool is_at(const struct place *pl, const struct node_msg *q)
{
	return pl->type == q->address_type && pl->port == q->port &&
	       strcmp(pl->address, q->address) == 0 && (q->port != 0 || pl->index == q->index);
}

static struct place *place_new(struct places *p, const struct node_msg *q, pid_t pid, int *ret_err)
{
	struct place *pl = calloc(1, sizeof(*pl));

	*ret_err = -ENOMEM;
	if (!pl)
		return NULL;
	pl->type = q->address_type;
	pl->port = q->port;
	pl->index = q->index;
	(void)snprintf(pl->address, sizeof(pl->address), "%s", q->address);
	pl->fd = *ret_err = open_or_take(pl, q, pid);
	if (pl->fd < 0) {
		place_free(pl);
		return NULL;
	}
	learn_address(pl);
	pl->id = ++p->last_id;
	DL_PREPEND(p->list, pl);
	p->n++;
	return pl;
}

static bool is_full(struct places *p)
{
	if (p->n < PLACES_MAX)
		return false;
	if (!p->told_full)
		log_error(SIO_016, "init: the app listens at %d places, more are refused (EMFILE)",
			  PLACES_MAX);
	p->told_full = true;
	return true;
}

struct place *places_join(struct places *p, const struct node_msg *q, pid_t pid, int *ret_err)
{
	struct place *pl;

	DL_FOREACH(p->list, pl)
	if (is_at(pl, q))
		break;
	if (!pl && is_full(p)) {
		*ret_err = -EMFILE;
		return NULL;
	}
	if (!pl)
		pl = place_new(p, q, pid, ret_err);
	if (pl)
		pl->n_servers++;
	return pl;
}

static void place_close(struct place *pl)
{
	if (pl->fd >= 0 && pl->file.name[0] && credentials_act_as(&pl->as) == 0) {
		socket_file_remove(&pl->file);
		credentials_resume();
	}
	socket_file_forget(&pl->file);
	fd_close(&pl->fd);
}

bool places_leave(struct places *p, struct place *pl)
{
	if (--pl->n_servers > 0)
		return false;
	if (pl->fd >= 0 && node_address_is_stream(pl->type))
		(void)shutdown(pl->fd, SHUT_RDWR);
	if (pl->fd >= 0 && pl->is_kept)
		kept_remove(&pl->kept);
	place_close(pl);
	DL_DELETE(p->list, pl);
	p->n--;
	return true;
}

void place_free(struct place *pl)
{
	credentials_free(&pl->as);
	free(pl);
}

void places_set_substitute(struct places *p, const struct place *pl)
{
	p->has_substitute = true;
	p->substitute.type = pl->type;
	p->substitute.port = pl->port;
	memcpy(p->substitute.address, pl->address, sizeof(p->substitute.address));
}

bool places_is_substitute(const struct places *p, const struct place *pl)
{
	return p->has_substitute && p->substitute.type == pl->type &&
	       p->substitute.port == pl->port && strcmp(p->substitute.address, pl->address) == 0;
}

void places_refuse(struct places *p)
{
	struct place *pl;

	DL_FOREACH(p->list, pl)
	if (node_address_is_stream(pl->type))
		place_close(pl);
}

void places_close(struct places *p)
{
	struct place *pl;

	while ((pl = p->list)) {
		place_close(pl);
		DL_DELETE(p->list, pl);
		place_free(pl);
	}
	p->n = 0;
}
