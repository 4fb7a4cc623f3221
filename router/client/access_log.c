/* The access log. See access_log.h. A file or pipe of our own does not block, and sockets have
 * MSG_DONTWAIT. What others have, too (another user's pipe as stdout, init/logs/access_file.c),
 * may: then poll(2) tells whether a piece fits, unless a worker is faster. */
#include "router/client/access_log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"

#include "base/ban.h"

/* A line fits in one piece, even if every byte of it has to be escaped. */
enum { LINE_MAX_BYTES = 512, FLUSH_BYTES = 16 << 10 };

/* Printing */

static int put(struct buf *out, struct str s)
{
	return buf_append(out, s.p, s.n);
}

static bool is_plain(char c)
{
	return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

/* Nothing of a client's ends a line or a quoted string. @escape: printf's, of one byte. */
static int put_escaped(struct buf *out, const char *s, size_t n, const char *escape)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		char hex[8];
		size_t plain = i;

		while (plain < n && is_plain(s[plain]))
			plain++;
		r = put(out, (struct str){ s + i, plain - i });
		i = plain;
		if (r < 0 || i == n)
			break;
		(void)snprintf(hex, sizeof(hex), escape, (unsigned char)s[i]);
		r = put(out, str_of(hex));
	}
	return r;
}

static int put_formatted(struct buf *out, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static int put_formatted(struct buf *out, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return n < (int)sizeof(text) ? buf_append(out, text, (size_t)n) : -EMSGSIZE;
}

struct moment {
	struct tm tm;
	unsigned ms;
	uint64_t took_us;
};

/* "%h %l %u %t \"%r\" %>s %b" */
static int print_common(const struct access_entry *e, const struct moment *m, struct buf *out)
{
	char time[40];
	int r;

	(void)strftime(time, sizeof(time), "%d/%b/%Y:%H:%M:%S +0000", &m->tm);
	r = put_formatted(out, "%s - - [%s] \"", e->addr, time);
	if (r == 0)
		r = put_escaped(out, e->n ? e->line : "-", e->n ? e->n : 1, "\\x%02x");
	if (r == 0 && e->status == 0)
		return put_formatted(out, "\" - -");
	return r == 0 ? put_formatted(out, "\" %u %" PRIu64, e->status, e->bytes) : r;
}

/* Where the two formats with names differ. */
struct notation {
	const char *begin, *time, *text, *number, *end_text, *end, *escape;
};

static const struct notation logfmt = {
	"", "time=%s.%03uZ", " %s=\"", " %s=", "\"", "", "\\x%02x"
};
static const struct notation json = {
	"{", "\"time\":\"%s.%03uZ\"", ",\"%s\":\"", ",\"%s\":", "\"", "}", "\\u%04x"
};

static int put_text(const struct notation *n, const char *name, const char *s, size_t len,
		    struct buf *out)
{
	char key[32];
	int r;

	if (len == 0)
		return 0;
	(void)snprintf(key, sizeof(key), n->text, name);
	r = put(out, str_of(key));
	if (r == 0)
		r = put_escaped(out, s, len, n->escape);
	return r == 0 ? put(out, str_of(n->end_text)) : r;
}

static int put_number(const struct notation *n, const char *name, uint64_t number, struct buf *out)
{
	char key[32];

	(void)snprintf(key, sizeof(key), n->number, name);
	return put_formatted(out, "%s%" PRIu64, key, number);
}

static int print_named(const struct notation *n, const struct access_entry *e,
		       const struct moment *m, struct buf *out)
{
	char time[32], stamp[64];
	int r;

	(void)strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%S", &m->tm);
	(void)snprintf(stamp, sizeof(stamp), n->time, time, m->ms);
	r = put(out, str_of(n->begin));
	r = r < 0 ? r : put(out, str_of(stamp));
	r = r < 0 ? r : put_text(n, "client", e->addr, strlen(e->addr), out);
	r = r < 0 ? r : put_text(n, "request", e->line, e->n, out);
	if (e->status) {
		r = r < 0 ? r : put_number(n, "status", e->status, out);
		r = r < 0 ? r : put_number(n, "bytes", e->bytes, out);
	}
	r = r < 0 ? r : put_number(n, "us", m->took_us, out);
	if (e->slot != ACCESS_NO_SLOT)
		r = r < 0 ? r : put_number(n, "worker", e->slot, out);
	r = r < 0 ? r : put_text(n, "route", e->why, strlen(e->why), out);
	r = r < 0 ? r : put_text(n, "id", e->id, strlen(e->id), out);
	r = r < 0 ? r : put_text(n, "trace", e->trace, strlen(e->trace), out);
	return r < 0 ? r : put(out, str_of(n->end));
}

int access_print(enum access_format format, const struct access_entry *e, int64_t now_s,
		 unsigned ms, uint64_t took_us, struct buf *out)
{
	struct moment m = { .ms = ms, .took_us = took_us };
	time_t t = (time_t)now_s;

	(void)gmtime_r(&t, &m.tm);
	if (format == ACCESS_COMMON)
		return print_common(e, &m, out);
	return print_named(format == ACCESS_JSON ? &json : &logfmt, e, &m, out);
}

/* Writing */

static ssize_t send_some(int fd, const char *p, size_t n)
{
	return send(fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static ssize_t write_some(int fd, const char *p, size_t n)
{
	return write(fd, p, n);
}

static ssize_t write_where_it_fits(int fd, const char *p, size_t n)
{
	struct pollfd room = { .fd = fd, .events = POLLOUT };

	if (poll(&room, 1, 0) == 1)
		return write(fd, p, n);
	errno = EAGAIN;
	return -1;
}

/* As many whole lines as fit in one piece. */
static size_t piece(const struct buf *b)
{
	const char *end;

	if (b->len <= ACCESS_PIECE_MAX)
		return b->len;
	end = memrchr(b->p, '\n', ACCESS_PIECE_MAX);
	return end ? (size_t)(end - b->p) + 1 : ACCESS_PIECE_MAX;
}

static void flush(struct access_log *log)
{
	size_t done = 0;

	while (log->fd >= 0 && done < log->pending.len) {
		struct buf rest = { log->pending.p + done, log->pending.len - done, 0, 0 };
		ssize_t n = log->write(log->fd, rest.p, piece(&rest));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			log_error(SIO_206, "router: access log: %s; it ends here", strerror(errno));
			log->format = ACCESS_OFF;
			done = log->pending.len;
			break;
		}
		log->blocked = n <= 0;
		if (log->blocked)
			break;
		done += (size_t)n;
	}
	buf_consume(&log->pending, done);
}

static void on_timer(uv_timer_t *t)
{
	struct access_log *log = container_of(t, struct access_log, timer);

	flush(log);
	if (log->pending.len)
		(void)uv_timer_start(t, on_timer, ACCESS_FLUSH_MS, 0);
}

/* Life */

typedef ssize_t write_fn(int fd, const char *p, size_t n);

static write_fn *writer_for(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
		return send_some;
	return fcntl(fd, F_GETFL) & O_NONBLOCK ? write_some : write_where_it_fits;
}

void access_log_init(struct access_log *log, uv_loop_t *loop, enum access_format format)
{
	*log = (struct access_log){ .fd = -1,
				    .format = format,
				    .wanted = format,
				    .pending = BUF_INIT(ACCESS_PENDING_MAX) };
	(void)uv_timer_init(loop, &log->timer);
	uv_unref((uv_handle_t *)&log->timer);
}

void access_log_use(struct access_log *log, int fd)
{
	if (fd < 0) {
		if (log->fd < 0)
			log->format = ACCESS_OFF;
		return;
	}
	flush(log); /* these belong there, if they are taken */
	fd_close(&log->fd);
	log->fd = fd;
	log->write = writer_for(fd);
	log->format = log->wanted;
	flush(log);
}

void access_log_close(struct access_log *log)
{
	flush(log);
	buf_free(&log->pending);
	fd_close(&log->fd);
	uv_close((uv_handle_t *)&log->timer, NULL);
}

struct access_entry *access_begin(const struct access_log *log, const char *addr, struct str line)
{
	size_t n = line.n < LINE_MAX_BYTES ? line.n : LINE_MAX_BYTES;
	struct access_entry *e;

	if (log->format == ACCESS_OFF)
		return NULL;
	e = malloc(sizeof(*e) + n);
	if (!e)
		return NULL;
	*e = (struct access_entry){
		.began_ns = uv_hrtime(), .why = "refused", .slot = ACCESS_NO_SLOT, .n = n
	};
	(void)snprintf(e->addr, sizeof(e->addr), "%s", addr);
	if (n)
		memcpy(e->line, line.p, n);
	return e;
}

void access_set_names(struct access_entry *e, struct str id, struct str trace)
{
	(void)snprintf(e->id, sizeof(e->id), "%.*s", (int)id.n, id.p);
	(void)snprintf(e->trace, sizeof(e->trace), "%.*s", (int)trace.n, trace.p);
}

static int put_line(struct access_log *log, const struct access_entry *e)
{
	struct timespec now;
	size_t before = log->pending.len;
	int r;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	r = access_print(log->format, e, now.tv_sec, (unsigned)(now.tv_nsec / 1000000),
			 (uv_hrtime() - e->began_ns) / 1000, &log->pending);
	if (r == 0)
		r = put(&log->pending, STR("\n"));
	if (r < 0)
		log->pending.len = before;
	return r;
}

void access_end(struct access_log *log, struct access_entry **e)
{
	struct access_entry *entry = *e;

	*e = NULL;
	if (!entry)
		return;
	if (log->pending.len == 0 && log->lost) {
		log_warn(SIO_207,
			 "router: access log: its reader does not keep up; %" PRIu64 " lines lost",
			 log->lost);
		log->lost = 0;
	}
	if (put_line(log, entry) < 0)
		log->lost++;
	free(entry);
	if (log->pending.len >= FLUSH_BYTES && !log->blocked)
		flush(log);
	if (log->pending.len && !uv_is_active((uv_handle_t *)&log->timer))
		(void)uv_timer_start(&log->timer, on_timer, ACCESS_FLUSH_MS, 0);
}
