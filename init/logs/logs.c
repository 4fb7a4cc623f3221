/* Reading pipes, writing sinks.
 *
 * A stream lives until every writer has closed the pipe, which may be long
 * after its worker. uv_poll wants O_NONBLOCK, and a sink's flags are not ours alone, so an epoll of
 * our own that holds the sink is polled instead. */
#include "init/logs/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <utlist.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "init/logs/log_lines.h"

#include "base/ban.h"

enum {
	READ_SIZE = 64 << 10,
	CONGESTED_BYTES = 256 << 10,
	STUCK_MS = 1000,
	LAST_READS_MAX = 32, /* a pipe holds less; who goes on writing is no worker any more */
	FINISH_MS = 1000,
};

struct log_stream {
	struct log_stream *prev, *next;
	struct logs *logs;
	struct log_sink *sink;
	struct log_lines lines;
	int fd;
	uv_poll_t poll;
	bool closing;
};

static const char *now_text(void)
{
	static char text[LOG_TIME_SIZE];

	log_time(text);
	return text;
}

/* Sinks */

static void on_readable(uv_poll_t *h, int status, int events);

/* Streams are read unless their sink has too much to do. */
static void update_streams(struct log_sink *k)
{
	bool congested = !k->stuck && k->output->queue.len >= CONGESTED_BYTES;
	struct log_stream *s;

	if (congested == k->congested)
		return;
	k->congested = congested;
	DL_FOREACH(k->logs->streams, s)
	{
		if (s->sink != k || s->closing)
			continue;
		if (congested)
			(void)uv_poll_stop(&s->poll);
		else
			(void)uv_poll_start(&s->poll, UV_READABLE, on_readable);
	}
}

static void on_stuck(uv_timer_t *t)
{
	struct log_sink *k = container_of(t, struct log_sink, stuck_timer);

	k->stuck = true;
	update_streams(k);
}

static void on_emptied(struct log_sink *k)
{
	unsigned left_out = k->output == &k->own ? output_take_left_out(k->output) : 0;

	k->waits = k->stuck = false;
	(void)uv_poll_stop(&k->poll);
	(void)uv_timer_stop(&k->stuck_timer);
	update_streams(k);
	if (left_out)
		log_warn("logs: %u lines left out: stdout took nothing", left_out);
	log_settle();
}

static void on_writable(uv_poll_t *h, int status, int events)
{
	struct log_sink *k = container_of(h, struct log_sink, poll);
	size_t before = k->output->queue.len;

	(void)status;
	(void)events;
	if (output_flush(k->output) == 0) {
		on_emptied(k);
	} else if (k->output->queue.len < before) {
		k->stuck = false;
		(void)uv_timer_start(&k->stuck_timer, on_stuck, STUCK_MS, 0);
		update_streams(k);
	}
}

static void wait_for_room(struct log_sink *k)
{
	if (k->waits || k->epoll_fd < 0 || k->output->queue.len == 0)
		return;
	k->waits = true;
	(void)uv_poll_start(&k->poll, UV_READABLE, on_writable);
	(void)uv_timer_start(&k->stuck_timer, on_stuck, STUCK_MS, 0);
}

/* Anyone may have logged since the last turn of the loop. */
static void on_turn(uv_prepare_t *h)
{
	struct logs *l = container_of(h, struct logs, turn);

	wait_for_room(&l->out);
	wait_for_room(&l->err);
}

/* A file is not watched: it takes everything. */
static int watch_room(int fd)
{
	struct epoll_event room = { .events = EPOLLOUT };
	auto_fd int epoll = epoll_create1(EPOLL_CLOEXEC);

	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &room) < 0)
		return -1;
	return fd_take(&epoll);
}

static void sink_init(struct log_sink *k, struct logs *l, struct output *o)
{
	k->logs = l;
	k->output = o;
	k->epoll_fd = watch_room(o->fd);
	(void)uv_timer_init(l->loop, &k->stuck_timer);
	if (k->epoll_fd >= 0 && uv_poll_init(l->loop, &k->poll, k->epoll_fd) < 0)
		fd_close(&k->epoll_fd);
}

/* One queue for what is one reader, or lines would be cut by each other. */
static bool is_one_file(int a, int b)
{
	struct stat sa, sb;

	return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
	       sa.st_ino == sb.st_ino;
}

void logs_init(struct logs *l, uv_loop_t *loop, enum config_worker_logs format,
	       struct output *own_lines)
{
	*l = (struct logs){ .loop = loop, .format = format };
	sink_init(&l->err, l, own_lines);
	if (format != WORKER_LOGS_RAW && !is_one_file(STDOUT_FILENO, STDERR_FILENO)) {
		output_open(&l->out.own, STDOUT_FILENO);
		sink_init(&l->out, l, &l->out.own);
	} else {
		l->out = (struct log_sink){ .epoll_fd = -1, .output = own_lines };
	}
	(void)uv_prepare_init(loop, &l->turn);
	(void)uv_prepare_start(&l->turn, on_turn);
}

/* Streams */

static void put_line(struct log_lines *lines, struct str line)
{
	struct log_stream *s = container_of(lines, struct log_stream, lines);

	(void)output_line(s->sink->output, line);
	update_streams(s->sink);
}

static void on_closed(uv_handle_t *h)
{
	struct log_stream *s = container_of((uv_poll_t *)h, struct log_stream, poll);

	fd_close(&s->fd);
	free(s);
}

static void stream_close(struct log_stream *s)
{
	if (s->closing)
		return;
	s->closing = true;
	log_lines_end(&s->lines, now_text());
	if (s->lines.lost && s->lines.sidecar)
		log_warn("logs: no memory for %u lines of sidecar[%s]", s->lines.lost,
			 s->lines.sidecar);
	else if (s->lines.lost)
		log_warn("logs: no memory for %u lines of worker[%u]", s->lines.lost,
			 s->lines.worker);
	DL_DELETE(s->logs->streams, s);
	uv_close((uv_handle_t *)&s->poll, on_closed);
}

/* Bytes taken; 0: nothing there now; -1: the end. */
static ssize_t take(struct log_stream *s)
{
	static char bytes[READ_SIZE];
	ssize_t n = read(s->fd, bytes, sizeof(bytes));

	if (n > 0)
		log_lines_feed(&s->lines, (struct str){ bytes, (size_t)n }, now_text());
	else if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return n > 0 ? n : -1;
}

static void on_readable(uv_poll_t *h, int status, int events)
{
	struct log_stream *s = container_of(h, struct log_stream, poll);

	(void)events;
	if (status < 0 || take(s) < 0)
		stream_close(s);
}

/* Everything that is in the pipe, whatever the sink has to say. */
static void take_rest(struct log_stream *s)
{
	ssize_t n = 1;

	for (int i = 0; i < LAST_READS_MAX && n > 0; i++)
		n = take(s);
	log_lines_end(&s->lines, now_text());
	if (n < 0)
		stream_close(s);
}

static struct log_stream *stream_open(struct log_sink *k, struct logs *l, uint32_t slot,
				      bool is_stderr, int *ret_far)
{
	struct log_stream *s = calloc(1, sizeof(*s));
	int ends[2];

	if (!s || pipe2(ends, O_CLOEXEC) < 0) {
		free(s);
		return NULL;
	}
	s->logs = l;
	s->sink = k;
	s->fd = ends[0];
	*ret_far = ends[1];
	log_lines_init(&s->lines, l->format, slot, is_stderr, put_line);
	if (uv_poll_init(l->loop, &s->poll, s->fd) < 0) {
		(void)close(ends[0]);
		fd_close(ret_far);
		free(s);
		return NULL;
	}
	if (!k->congested)
		(void)uv_poll_start(&s->poll, UV_READABLE, on_readable);
	DL_APPEND(l->streams, s);
	return s;
}

void logs_started(struct log_pipes *p, pid_t pid)
{
	fd_close(&p->out);
	fd_close(&p->err);
	for (size_t i = 0; i < ARRAY_LEN(p->streams); i++) {
		if (p->streams[i] && pid < 0)
			stream_close(p->streams[i]);
		else if (p->streams[i])
			p->streams[i]->lines.pid = pid;
	}
}

int logs_open(struct logs *l, uint32_t slot, struct log_pipes *ret)
{
	struct log_sink *out = l->out.logs ? &l->out : &l->err;

	*ret = (struct log_pipes){ .out = -1, .err = -1 };
	if (l->format == WORKER_LOGS_RAW)
		return 0;
	ret->streams[0] = stream_open(out, l, slot, false, &ret->out);
	ret->streams[1] = stream_open(&l->err, l, slot, true, &ret->err);
	if (ret->streams[0] && ret->streams[1])
		return 0;
	logs_started(ret, -1);
	return -ENOMEM;
}

int logs_open_sidecar(struct logs *l, const char *name, struct log_pipes *ret)
{
	int r = logs_open(l, 0, ret);

	for (size_t i = 0; i < ARRAY_LEN(ret->streams); i++)
		if (r == 0 && ret->streams[i])
			ret->streams[i]->lines.sidecar = name;
	return r;
}

void logs_worker_ended(struct logs *l, pid_t pid)
{
	struct log_stream *s, *next;

	DL_FOREACH_SAFE(l->streams, s, next)
	if (s->lines.pid == pid)
		take_rest(s);
}

void logs_finish(struct logs *l)
{
	struct log_stream *s, *next;

	DL_FOREACH_SAFE(l->streams, s, next)
	take_rest(s);
	if (!l->err.stuck)
		output_flush_within(l->err.output, FINISH_MS);
	if (l->out.logs && !l->out.stuck)
		output_flush_within(l->out.output, FINISH_MS);
}
