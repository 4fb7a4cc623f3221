/* Reading pipes, writing sinks.
 *
 * A stream lives until every writer has closed the pipe, which may be long
 * after its worker. uv_poll wants O_NONBLOCK, and a sink's flags are not ours alone, so an epoll of
 * our own that holds the sink is polled instead. */
#include "init/logs/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <utlist.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/tty.h"
#include "init/logs/log_date.h"
#include "init/logs/log_files.h"
#include "init/logs/log_lines.h"

#include "base/ban.h"

enum {
	READ_SIZE = 64 << 10,
	CONGESTED_BYTES = 256 << 10,
	STUCK_MS = 1000,
	LAST_READS_MAX = 32, /* a pipe holds less; who goes on writing is no worker any more */
	FINISH_MS = 1000,
	WRITER_PAUSE_MS = 1000,
};

struct log_stream {
	struct log_stream *prev, *next;
	struct logs *logs;
	struct log_sink *sink;
	struct log_lines lines;
	struct log_lines followed; /* the same text, while somebody follows */
	struct log_tail tail;      /* of stderr */
	int fd;
	uv_poll_t poll;
	bool closing, closed;
	bool has_worker; /* stderr: what it has to say is asked for at the worker's end */
};

static const char *now_text(void)
{
	static char text[LOG_TIME_SIZE];

	log_time(text);
	return text;
}

/* NULL: none is wanted. */
static const char *date_text(const struct config *c)
{
	static char text[LOG_DATE_SIZE];
	struct timespec now;

	if (!c->log_date)
		return NULL;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	log_date_print(c->log_date, &now, text);
	return text;
}

/* Sinks */

static void on_readable(uv_poll_t *h, int status, int events);
static void take_rest_of_all(struct logs *l);
static void on_next_writer(uv_timer_t *t);

static bool has_files(const struct log_stream *s)
{
	return s->logs->files.logs && !s->lines.sidecar;
}

static bool must_wait(const struct log_stream *s)
{
	return s->sink->congested || (has_files(s) && s->logs->files.congested);
}

/* Streams are read unless their sinks have too much to do. */
static void update_streams(struct log_sink *k)
{
	bool congested = !k->stuck && k->output->queue.len >= CONGESTED_BYTES;
	struct log_stream *s;

	if (congested == k->congested)
		return;
	k->congested = congested;
	DL_FOREACH(k->logs->streams, s)
	{
		if ((s->sink != k && k != &k->logs->files) || s->closing)
			continue;
		if (must_wait(s))
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
		log_warn(SIO_423, "logs: %u lines left out: %s took nothing", left_out, k->name);
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
	if (l->files.logs)
		wait_for_room(&l->files);
	log_followers_flush(&l->followers);
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

static void sink_init(struct log_sink *k, struct logs *l, struct output *o, const char *name)
{
	k->logs = l;
	k->name = name;
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

/* Files */

/* A socket is written without waiting, whatever its flags. */
static void connect_writer(struct logs *l, int fd)
{
	struct epoll_event room = { .events = EPOLLOUT };
	struct log_sink *k = &l->files;

	if (!k->logs) {
		output_open(&k->own, fd);
		sink_init(k, l, &k->own, "the writer of log-out, log-err and log-all");
		return;
	}
	output_open(&k->own, fd);
	if (k->epoll_fd >= 0)
		(void)epoll_ctl(k->epoll_fd, EPOLL_CTL_ADD, fd, &room);
}

static void start_writer(struct logs *l)
{
	int fd = -1;

	l->writer = log_files_start(l->config, l->credentials, &fd);
	if (l->writer > 0) {
		connect_writer(l, fd);
		return;
	}
	log_error(SIO_424, "logs: cannot start the writer of files: %s", strerror(-l->writer));
	l->writer = 0;
	(void)uv_timer_start(&l->next_writer, on_next_writer, WRITER_PAUSE_MS, 0);
}

static void on_next_writer(uv_timer_t *t)
{
	start_writer(container_of(t, struct logs, next_writer));
}

static void put_to_files(struct logs *l, const struct log_file_head *head, struct str bytes)
{
	struct buf frame = BUF_INIT(sizeof(*head) + bytes.n);

	if (!l->writer)
		return;
	if (buf_append(&frame, head, sizeof(*head)) == 0 &&
	    buf_append(&frame, bytes.p, bytes.n) == 0)
		(void)output_line(l->files.output, buf_str(&frame));
	buf_free(&frame);
	update_streams(&l->files);
}

void logs_reopen_files(struct logs *l)
{
	const struct log_file_head head = { .kind = LOG_FILE_REOPEN };

	put_to_files(l, &head, (struct str){ "", 0 });
}

static void disconnect_writer(struct logs *l)
{
	int fd = l->files.own.fd;

	output_close(&l->files.own); /* which may have borrowed the socket */
	fd_close(&fd);
	l->writer = 0;
	update_streams(&l->files);
}

bool logs_writer_ended(struct logs *l, pid_t pid)
{
	if (l->writer == 0 || pid != l->writer)
		return false;
	log_warn(SIO_425, "logs: the writer of files has ended, starting another");
	disconnect_writer(l);
	(void)uv_timer_start(&l->next_writer, on_next_writer, WRITER_PAUSE_MS, 0);
	return true;
}

/* The writer closes its end when it has written all. */
void logs_finish_files(struct logs *l)
{
	struct pollfd end = { .fd = l->files.own.fd, .events = POLLIN };

	(void)uv_timer_stop(&l->next_writer);
	if (!l->writer)
		return;
	take_rest_of_all(l);
	if (!l->files.stuck)
		output_flush_within(l->files.output, FINISH_MS);
	(void)shutdown(end.fd, SHUT_WR);
	(void)poll(&end, 1, FINISH_MS);
	disconnect_writer(l);
}

/* The beginning */

static bool wants_both(const struct config *c)
{
	return c->worker_logs != WORKER_LOGS_RAW || c->log_date || log_files_are_wanted(c);
}

void logs_init(struct logs *l, uv_loop_t *loop, const struct config *c,
	       const struct credentials *credentials, struct output *own_lines)
{
	bool both = wants_both(c), one_file = is_one_file(STDOUT_FILENO, STDERR_FILENO);

	*l = (struct logs){ .loop = loop,
			    .format = c->worker_logs,
			    .config = c,
			    .credentials = credentials,
			    .takes_stdout = both };
	l->takes_stderr = both || (!isatty(STDERR_FILENO) && !one_file);
	sink_init(&l->err, l, own_lines, "stderr");
	if (both && !one_file) {
		output_open(&l->out.own, STDOUT_FILENO);
		sink_init(&l->out, l, &l->out.own, "stdout");
	} else {
		l->out = (struct log_sink){ .epoll_fd = -1, .output = own_lines };
	}
	log_followers_init(&l->followers, loop);
	(void)uv_prepare_init(loop, &l->turn);
	(void)uv_prepare_start(&l->turn, on_turn);
	(void)uv_timer_init(loop, &l->next_writer);
	if (log_files_are_wanted(c)) {
		log_files_check(c, credentials);
		start_writer(l);
	}
}

/* Streams */

static void put_line(struct log_lines *lines, struct str line)
{
	struct log_stream *s = container_of(lines, struct log_stream, lines);

	const struct log_file_head head = { (uint32_t)line.n, (uint16_t)lines->worker,
					    lines->is_stderr ? LOG_FILE_ERR : LOG_FILE_OUT };

	if (has_files(s))
		put_to_files(s->logs, &head, line);
	if (s->logs->format == WORKER_LOGS_OFF)
		return;
	log_progress("");
	(void)output_line(s->sink->output, line);
	update_streams(s->sink);
}

static void put_followed(struct log_lines *lines, struct str line)
{
	struct log_stream *s = container_of(lines, struct log_stream, followed);

	log_followers_put(&s->logs->followers, s->lines.worker, s->lines.sidecar, lines->is_stderr,
			  line);
}

/* Who comes later gets no end of a line that began before. */
static void feed_followers(struct log_stream *s, struct str bytes)
{
	s->followed.sidecar = s->lines.sidecar;
	s->followed.date = s->lines.date;
	if (s->logs->followers.n > 0)
		log_lines_feed(&s->followed, bytes, now_text());
	else
		buf_free(&s->followed.part);
}

static void end_lines(struct log_stream *s)
{
	log_lines_end(&s->lines, now_text());
	log_lines_end(&s->followed, now_text());
}

static void on_closed(uv_handle_t *h)
{
	struct log_stream *s = container_of((uv_poll_t *)h, struct log_stream, poll);

	fd_close(&s->fd);
	s->closed = true;
	if (!s->has_worker)
		free(s);
}

static void stream_close(struct log_stream *s)
{
	if (s->closing)
		return;
	s->closing = true;
	end_lines(s);
	if (s->lines.lost && s->lines.sidecar)
		log_warn(SIO_426, "logs: no memory for %u lines of sidecar[%s]", s->lines.lost,
			 s->lines.sidecar);
	else if (s->lines.lost)
		log_warn(SIO_426, "logs: no memory for %u lines of worker[%u]", s->lines.lost,
			 s->lines.worker);
	DL_DELETE(s->logs->streams, s);
	if (s->has_worker)
		DL_APPEND(s->logs->ended, s);
	uv_close((uv_handle_t *)&s->poll, on_closed);
}

static bool is_by_line(const struct logs *l)
{
	return l->format == WORKER_LOGS_PREFIX || l->format == WORKER_LOGS_JSON ||
	       l->config->log_date;
}

static void pass_on(struct log_stream *s, struct str bytes)
{
	if (s->lines.is_stderr)
		log_tail_add(&s->tail, bytes);
	s->lines.date = date_text(s->logs->config);
	if (is_by_line(s->logs))
		log_lines_feed(&s->lines, bytes, now_text());
	else
		put_line(&s->lines, bytes);
	feed_followers(s, bytes);
}

/* Bytes taken; 0: nothing there now; -1: the end. */
static ssize_t take(struct log_stream *s)
{
	static char bytes[READ_SIZE];
	ssize_t n = read(s->fd, bytes, sizeof(bytes));

	if (n > 0)
		pass_on(s, (struct str){ bytes, (size_t)n });
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
	end_lines(s);
	if (n < 0)
		stream_close(s);
}

static void take_rest_of_all(struct logs *l)
{
	struct log_stream *s, *next;

	DL_FOREACH_SAFE(l->streams, s, next)
	take_rest(s);
}

/* For people at a terminal; what files get has no colours. */
static void dress(struct log_stream *s)
{
	int fd = s->sink->output->fd;

	s->lines.is_aligned =
	    log_is_for_people() && isatty(fd) && !log_files_are_wanted(s->logs->config);
	s->lines.has_colours = s->lines.is_aligned && tty_has_colours(fd);
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
	(void)fchmod(ends[1], 0622); /* a worker of another user may open /dev/stderr */
	s->logs = l;
	s->sink = k;
	s->fd = ends[0];
	*ret_far = ends[1];
	log_lines_init(&s->lines, l->format, slot, is_stderr, put_line);
	log_lines_init(&s->followed, WORKER_LOGS_PREFIX, slot, is_stderr, put_followed);
	dress(s);
	if (uv_poll_init(l->loop, &s->poll, s->fd) < 0) {
		(void)close(ends[0]);
		fd_close(ret_far);
		free(s);
		return NULL;
	}
	if (!must_wait(s))
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
		if (p->streams[i] && pid > 0)
			p->streams[i]->has_worker = p->streams[i]->lines.is_stderr;
	}
}

int logs_open(struct logs *l, uint32_t slot, struct log_pipes *ret)
{
	struct log_sink *out = l->out.logs ? &l->out : &l->err;

	*ret = (struct log_pipes){ .out = -1, .err = -1 };
	if (!l->takes_stderr)
		return 0;
	ret->streams[1] = stream_open(&l->err, l, slot, true, &ret->err);
	if (l->takes_stdout)
		ret->streams[0] = stream_open(out, l, slot, false, &ret->out);
	if (ret->streams[1] && (ret->streams[0] || !l->takes_stdout))
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

/* The stream of its stderr has ended before. */
static struct log_stream *take_ended(struct logs *l, pid_t pid)
{
	struct log_stream *s;

	DL_SEARCH_SCALAR(l->ended, s, lines.pid, pid);
	if (s)
		DL_DELETE(l->ended, s);
	return s;
}

static size_t take_last_words(struct log_stream *s, char dst[static LOG_TAIL_MAX])
{
	size_t n = log_tail_text(&s->tail, dst);

	s->has_worker = false;
	if (s->closed)
		free(s);
	return n;
}

struct str logs_worker_ended(struct logs *l, pid_t pid)
{
	struct log_stream *s, *next, *ended;
	size_t n = 0;

	DL_FOREACH_SAFE(l->streams, s, next)
	{
		if (s->lines.pid != pid)
			continue;
		take_rest(s);
		if (s->has_worker && !s->closing) /* somebody else has its pipe */
			n = take_last_words(s, l->last_words);
	}
	ended = take_ended(l, pid);
	if (ended)
		n = take_last_words(ended, l->last_words);
	return (struct str){ l->last_words, n };
}

bool logs_keep_stderr(const struct logs *l)
{
	return l->takes_stderr;
}

bool logs_have_stdout(const struct logs *l)
{
	return l->takes_stdout;
}

static int put_kept(const struct log_stream *s, size_t lines, struct buf *out)
{
	char text[LOG_TAIL_MAX];
	struct str left = { text, log_tail_text(&s->tail, text) };
	int r = 0;

	left = str_last_lines(left, lines);
	while (left.n > 0 && r == 0) {
		const char *end = memchr(left.p, '\n', left.n);
		size_t n = end ? (size_t)(end - left.p) : left.n;

		r = s->lines.sidecar ? buf_printf(out, "2[%s] ", s->lines.sidecar)
				     : buf_printf(out, "2[%u] ", s->lines.worker);
		if (r == 0)
			r = buf_printf(out, "%.*s\n", (int)n, left.p);
		n += end != NULL;
		left = (struct str){ left.p + n, left.n - n };
	}
	return r;
}

int logs_kept(struct logs *l, const struct log_choice *choice, size_t lines, struct buf *out)
{
	struct log_stream *s;
	int r = 0;

	DL_FOREACH(l->streams, s)
	if (r == 0 && lines > 0 && s->lines.is_stderr && out->len < LOG_FOLLOWER_QUEUE_MAX / 2 &&
	    log_choice_has(choice, s->lines.worker, s->lines.sidecar))
		r = put_kept(s, lines, out);
	return r;
}

void logs_finish(struct logs *l)
{
	take_rest_of_all(l);
	log_followers_end(&l->followers);
	if (!l->err.stuck)
		output_flush_within(l->err.output, FINISH_MS);
	if (l->out.logs && !l->out.stuck)
		output_flush_within(l->out.output, FINISH_MS);
}
