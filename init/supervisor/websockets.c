/* See websockets.h. Each registration carries its visitor as its datum. A set holds the visitors of
 * those that have not been told of; registrations of one visitor are alike, so which of them has
 * ended does not matter. One that has been told of is disabled (EPOLLONESHOT) and stays in the
 * kernel's list, without EPOLLHUP, until the worker closes its descriptor. */
#include "init/supervisor/websockets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"

#include "base/ban.h"

enum {
	SLICE_MS = 5, /* between two sets that are read */
	ROOM_WORTH_FILLING = WEBSOCKET_SET_MAX / 4,
	EVENTS_AT_ONCE = 64,
	LINE_MAX_BYTES = 128, /* "tfd: ... sdev:...": all numbers at their longest */
	LISTING_MAX = (WEBSOCKET_SET_MAX + 8) * LINE_MAX_BYTES,
};

struct websocket_set {
	struct websockets *owner;
	uv_poll_t poll;
	int fd;
	unsigned n;       /* of .visitors */
	unsigned n_ended; /* told of; some of them may have left the kernel's list since */
	uint64_t visitors[WEBSOCKET_SET_MAX];
};

/* The kernel's list */

/* What a line says of a registration. False: it is about something else. */
static bool parse_line(const char *line, uint64_t *ret_events, uint64_t *ret_datum)
{
	const char *events, *datum;

	if (strncmp(line, "tfd:", sizeof("tfd:") - 1) != 0)
		return false;
	events = strstr(line, "events:");
	datum = events ? strstr(events, "data:") : NULL;
	if (!datum)
		return false;
	*ret_events = strtoull(events + sizeof("events:") - 1, NULL, 16);
	*ret_datum = strtoull(datum + sizeof("data:") - 1, NULL, 16);
	return true;
}

/* The text of /proc/self/fdinfo/@fd, valid until the next call, or NULL (errno). */
static const char *read_listing(int fd)
{
	static char text[LISTING_MAX];
	char path[64];
	auto_fd int file = -1;
	size_t n = 0;
	ssize_t r;

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return NULL;
	while ((r = read(file, text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)r;
	if (r == 0 && n == sizeof(text) - 1)
		errno = EMSGSIZE;
	text[n] = '\0';
	return r == 0 && n < sizeof(text) - 1 ? text : NULL;
}

/* The visitors of the registrations that have not been told of. Their number, with that of those
 * that have in *ret_ended, or -errno. */
static int list_visitors(int fd, uint64_t ret[static WEBSOCKET_SET_MAX], unsigned *ret_ended)
{
	const char *line = read_listing(fd);
	uint64_t events, visitor;
	unsigned n = 0, ended = 0;

	if (!line)
		return -errno;
	for (; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!parse_line(line, &events, &visitor))
			continue;
		if (!(events & EPOLLHUP))
			ended++;
		else if (n < WEBSOCKET_SET_MAX)
			ret[n++] = visitor;
	}
	*ret_ended = ended;
	return (int)n;
}

/* Counts */

/* False: there is no room. */
static bool one_more(struct websockets *ws, uint64_t visitor)
{
	return tally_add_one(scoreboard_websockets(ws->board, visitor), visitor);
}

static void one_less(struct websockets *ws, uint64_t visitor)
{
	(void)tally_take_one(scoreboard_websockets(ws->board, visitor), visitor);
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void sort(uint64_t *visitors, unsigned n)
{
	qsort(visitors, n, sizeof(*visitors), compare);
}

/* Those of @set that @left, sorted, does not have are gone. */
static void subtract_missing(struct websocket_set *set, const uint64_t *left, unsigned n_left)
{
	unsigned j = 0;

	sort(set->visitors, set->n);
	for (unsigned i = 0; i < set->n; i++) {
		while (j < n_left && left[j] < set->visitors[i])
			j++;
		if (j < n_left && left[j] == set->visitors[i])
			j++;
		else
			one_less(set->owner, set->visitors[i]);
	}
}

/* After a failure, which is one of memory or descriptors, the counts are as they were. */
static void set_recount(struct websocket_set *set)
{
	uint64_t left[WEBSOCKET_SET_MAX];
	unsigned ended;
	int n = list_visitors(set->fd, left, &ended);

	if (n < 0) {
		log_debug("init: recount of WebSockets: %s", strerror(-n));
		return;
	}
	sort(left, (unsigned)n);
	subtract_missing(set, left, (unsigned)n);
	memcpy(set->visitors, left, (size_t)n * sizeof(left[0]));
	set->n = (unsigned)n;
	set->n_ended = ended;
}

/* Ends that are told of */

static void set_forget_one(struct websocket_set *set, uint64_t visitor)
{
	for (unsigned i = 0; i < set->n; i++)
		if (set->visitors[i] == visitor) {
			set->visitors[i] = set->visitors[--set->n];
			set->n_ended++;
			one_less(set->owner, visitor);
			return;
		}
}

static void on_events(uv_poll_t *poll, int status, int flags)
{
	struct websocket_set *set = container_of(poll, struct websocket_set, poll);
	struct epoll_event events[EVENTS_AT_ONCE];
	int n;

	(void)status;
	(void)flags;
	n = epoll_wait(set->fd, events, EVENTS_AT_ONCE, 0); /* what is left is told again */
	for (int i = 0; i < n; i++)
		set_forget_one(set, events[i].data.u64);
}

/* Sets */

static int set_register(struct websocket_set *set, uint64_t datum, int fd)
{
	struct epoll_event e = { .events = EPOLLONESHOT, .data.u64 = datum };

	return epoll_ctl(set->fd, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

static unsigned set_room(const struct websocket_set *set)
{
	unsigned taken = set->n + set->n_ended;

	return taken < WEBSOCKET_SET_MAX ? WEBSOCKET_SET_MAX - taken : 0;
}

/* NULL: errno. */
static struct websocket_set *add_set(struct websockets *ws)
{
	struct websocket_set *set = NULL;
	auto_fd int fd = -1;
	int r;

	errno = ENOSPC;
	if (ws->n_sets < WEBSOCKET_SETS_MAX)
		set = calloc(1, sizeof(*set));
	if (!set)
		return NULL;
	fd = epoll_create1(EPOLL_CLOEXEC);
	r = fd < 0 ? -errno : uv_poll_init(ws->slice.loop, &set->poll, fd);
	if (r < 0) {
		free(set);
		errno = -r;
		return NULL;
	}
	set->owner = ws;
	set->fd = fd_take(&fd);
	(void)uv_poll_start(&set->poll, UV_READABLE, on_events);
	ws->filling = ws->n_sets;
	ws->sets[ws->n_sets++] = set;
	return set;
}

/* A full set is followed by one that has been full before, if enough of it has ended since, so that
 * there are about as many as are needed, and reading them costs each hand-off the same. NULL:
 * errno. */
static struct websocket_set *set_to_fill(struct websockets *ws)
{
	struct websocket_set *set = ws->sets[ws->filling];

	if (set_room(set))
		return set;
	ws->oldest = (ws->oldest + 1) % ws->n_sets;
	set = ws->sets[ws->oldest];
	if (set_room(set) < ROOM_WORTH_FILLING)
		set_recount(set);
	if (set_room(set) < ROOM_WORTH_FILLING)
		return add_set(ws);
	ws->filling = ws->oldest;
	return set;
}

/* Reading them all */

static void on_slice(uv_timer_t *t)
{
	struct websockets *ws = container_of(t, struct websockets, slice);

	if (ws->unread > 0)
		set_recount(ws->sets[--ws->unread]);
	if (ws->unread == 0)
		(void)uv_timer_stop(t);
}

void websockets_recount(struct websockets *ws)
{
	if (!ws->on)
		return;
	ws->unread = ws->n_sets;
	(void)uv_timer_start(&ws->slice, on_slice, 0, SLICE_MS);
}

void websockets_look(struct websockets *ws)
{
	uint64_t refused;

	if (!ws->on || ws->unread)
		return;
	refused = scoreboard_total(ws->board, offsetof(struct scoreboard_router, visitors_refused));
	if (refused != ws->refused)
		websockets_recount(ws);
	ws->refused = refused;
}

/* Life of one */

static void not_counted(struct websockets *ws, int err)
{
	if (!ws->told)
		log_warn(SIO_418,
			 "init: a WebSocket does not count for "
			 "SIOINIT_MAX_CONNECTIONS_PER_ADDRESS: %s (see sysctl "
			 "fs.epoll.max_user_watches and ulimit -n; not said again)",
			 strerror(err));
	ws->told = true;
}

uint64_t websockets_on_their_way(struct websockets *ws, unsigned router, uint64_t visitor)
{
	bool counts = ws->on && visitor && one_more(ws, visitor);

	if (ws->board && visitor)
		counter_add(&ws->board->websockets_received[router], 1);
	return counts ? visitor : 0;
}

void websockets_taken(struct websockets *ws, uint64_t visitor, int fd)
{
	struct websocket_set *set;

	if (!ws->on || !visitor)
		return;
	set = set_to_fill(ws);
	if (set && set_register(set, visitor, fd) == 0) {
		set->visitors[set->n++] = visitor;
		return;
	}
	not_counted(ws, errno);
	one_less(ws, visitor);
}

void websockets_returned(struct websockets *ws, uint64_t visitor)
{
	if (ws->on && visitor)
		one_less(ws, visitor);
}

/* Whether the kernel lists what is registered: not where /proc is not mounted, for one. */
static int try_listing(struct websocket_set *set)
{
	uint64_t listed[WEBSOCKET_SET_MAX] = { 0 };
	auto_fd int fd = eventfd(0, EFD_CLOEXEC);
	unsigned ended;
	int n;

	n = fd < 0 ? -errno : set_register(set, UINT64_MAX, fd);
	if (n == 0)
		n = list_visitors(set->fd, listed, &ended);
	if (n < 0)
		return n;
	return n == 1 && listed[0] == UINT64_MAX ? 0 : -ENOTSUP;
}

void websockets_init(struct websockets *ws, uv_loop_t *loop, struct scoreboard *board)
{
	struct websocket_set *set;
	int r;

	*ws = (struct websockets){ .board = board, .on = true };
	(void)uv_timer_init(loop, &ws->slice);
	set = add_set(ws);
	r = set ? try_listing(set) : -errno;
	if (r == 0)
		return;
	log_warn(SIO_419,
		 "init: WebSockets that workers have do not count for "
		 "SIOINIT_MAX_CONNECTIONS_PER_ADDRESS: /proc/self/fdinfo does not list what an "
		 "epoll set has: %s",
		 strerror(-r));
	websockets_close(ws);
}

static void on_set_closed(uv_handle_t *h)
{
	struct websocket_set *set = container_of((uv_poll_t *)h, struct websocket_set, poll);

	fd_close(&set->fd);
	free(set);
}

void websockets_close(struct websockets *ws)
{
	if (!ws->on)
		return;
	ws->on = false;
	uv_close((uv_handle_t *)&ws->slice, NULL);
	for (unsigned i = 0; i < ws->n_sets; i++)
		uv_close((uv_handle_t *)&ws->sets[i]->poll, on_set_closed);
	ws->n_sets = 0;
}
