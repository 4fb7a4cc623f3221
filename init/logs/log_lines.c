/* Lines of workers. A line is collected in part, unless it comes whole. */
#include "init/logs/log_lines.h"

#include <stdio.h>

#include "base/escape.h"
#include "base/macros.h"
#include "base/tty.h"
#include "base/utf8.h"
#include "ipc/json.h"

#include "base/ban.h"

enum {
	ADDED_MAX = 512, /* more than what is put around a text */
	PREFIX_WIDTH = sizeof("[10]") - 1
};

static int put_str(struct buf *b, struct str s)
{
	return buf_append(b, s.p, s.n);
}

/* "worker":0 or "sidecar":"name", whose letters need no escaping. */
static int put_who(const struct log_lines *l, struct buf *out)
{
	if (l->sidecar)
		return buf_printf(out, "\"sidecar\":\"%s\"", l->sidecar);
	return buf_printf(out, "\"worker\":%u", l->worker);
}

static int wrap(const struct log_lines *l, struct str text, bool partial, const char *time,
		struct buf *out)
{
	int r = buf_printf(out, "{\"time\":\"%s\",\"level\":\"%s\",\"msg\":\"", time,
			   l->is_stderr ? "error" : "info");

	if (r < 0 || (r = buf_reserve(out, text.n * ESCAPE_GROWTH)) < 0)
		return r;
	out->len += escape_json(text, out->p + out->len, text.n * ESCAPE_GROWTH);
	r = put_str(out, STR("\","));
	if (r == 0)
		r = put_who(l, out);
	if (r < 0)
		return r;
	return buf_printf(out, ",\"pid\":%d,\"stream\":\"%s\"%s}\n", (int)l->pid,
			  l->is_stderr ? "stderr" : "stdout", partial ? ",\"partial\":true" : "");
}

enum { HAS_WORKER, HAS_SIDECAR, HAS_PID, HAS_STREAM, N_KEYS };

static const char *const keys[N_KEYS] = { "worker", "sidecar", "pid", "stream" };

/* The object that @text is, and which of our keys it has. */
static bool is_object(struct str text, struct value has[static N_KEYS], struct value *ret_root)
{
	return text.n && memchr(text.p, '{', text.n) &&
	       json_skim(text, keys, N_KEYS, has, ret_root) == 0 &&
	       ret_root->type == VALUE_OBJECT && utf8_is_valid(ret_root->raw);
}

static bool is_empty(struct str object)
{
	for (size_t i = 1; i + 1 < object.n; i++)
		if (object.p[i] != ' ' && object.p[i] != '\t' && object.p[i] != '\r')
			return false;
	return true;
}

static int add_keys(const struct log_lines *l, struct str object, const struct value *has,
		    struct buf *out)
{
	const char *comma = is_empty(object) ? "" : ",";
	int r = put_str(out, (struct str){ object.p, object.n - 1 });

	if (r == 0 && has[l->sidecar ? HAS_SIDECAR : HAS_WORKER].type == VALUE_ABSENT) {
		r = buf_printf(out, "%s", comma);
		if (r == 0)
			r = put_who(l, out);
		comma = ",";
	}
	if (r == 0 && has[HAS_PID].type == VALUE_ABSENT) {
		r = buf_printf(out, "%s\"pid\":%d", comma, (int)l->pid);
		comma = ",";
	}
	if (r == 0 && has[HAS_STREAM].type == VALUE_ABSENT)
		r = buf_printf(out, "%s\"stream\":\"%s\"", comma,
			       l->is_stderr ? "stderr" : "stdout");
	return r == 0 ? put_str(out, STR("}\n")) : r;
}

static int as_json(const struct log_lines *l, struct str text, bool partial, const char *time,
		   struct buf *out)
{
	struct value has[N_KEYS], root;

	if (!partial && !l->cut && is_object(text, has, &root))
		return add_keys(l, root.raw, has, out);
	return wrap(l, text, partial, time, out);
}

/* [0] or [name], as wide as [10] where they are aligned. */
static int put_prefix(const struct log_lines *l, struct buf *out)
{
	bool colours = l->has_colours && !l->sidecar;
	char who[64];

	if (l->sidecar)
		(void)snprintf(who, sizeof(who), "[%s]", l->sidecar);
	else
		(void)snprintf(who, sizeof(who), "[%u]", l->worker);
	return buf_printf(out, "%s%s%s%-*s%s ", colours ? "\x1b[" : "",
			  colours ? tty_slot_colour(l->worker) : "", colours ? "m" : "",
			  l->is_aligned ? PREFIX_WIDTH : 0, who, colours ? "\x1b[0m" : "");
}

static int as_prefixed(const struct log_lines *l, struct str text, bool partial, const char *time,
		       struct buf *out)
{
	int r = l->date ? buf_printf(out, "%s: ", l->date) : 0;

	(void)partial;
	(void)time;
	if (r == 0 && l->format == WORKER_LOGS_PREFIX)
		r = put_prefix(l, out);
	if (r == 0)
		r = put_str(out, text);
	return r == 0 ? put_str(out, STR("\n")) : r;
}

static void put(struct log_lines *l, struct str text, bool partial, const char *time)
{
	struct buf out = BUF_INIT(LOG_LINE_MAX * ESCAPE_GROWTH + ADDED_MAX);
	int r = l->format == WORKER_LOGS_JSON ? as_json(l, text, partial, time, &out)
					      : as_prefixed(l, text, partial, time, &out);

	if (r == 0)
		l->put(l, buf_str(&out));
	else
		l->lost++;
	l->cut = partial;
	buf_free(&out);
}

/* The full part goes, but for a character that is not whole. */
static void put_piece(struct log_lines *l, const char *time)
{
	size_t n = utf8_whole(buf_str(&l->part));

	put(l, (struct str){ l->part.p, n }, true, time);
	buf_consume(&l->part, n);
}

static void collect(struct log_lines *l, struct str bytes, const char *time)
{
	while (bytes.n > 0) {
		size_t room, n;

		if (l->part.len == LOG_LINE_MAX)
			put_piece(l, time);
		room = LOG_LINE_MAX - l->part.len;
		n = bytes.n < room ? bytes.n : room;
		if (buf_append(&l->part, bytes.p, n) < 0) {
			l->lost++;
			return;
		}
		bytes.p += n;
		bytes.n -= n;
	}
}

static void finish(struct log_lines *l, struct str rest, const char *time)
{
	if (l->part.len == 0 && rest.n <= LOG_LINE_MAX) {
		put(l, rest, false, time);
		return;
	}
	collect(l, rest, time);
	put(l, buf_str(&l->part), false, time);
	l->part.len = 0;
}

void log_lines_init(struct log_lines *l, enum config_worker_logs format, uint32_t worker,
		    bool is_stderr, void (*put_line)(struct log_lines *l, struct str line))
{
	*l = (struct log_lines){ .format = format,
				 .worker = worker,
				 .is_stderr = is_stderr,
				 .put = put_line,
				 .part = BUF_INIT(LOG_LINE_MAX) };
}

void log_lines_feed(struct log_lines *l, struct str bytes, const char *time)
{
	const char *end;

	while (bytes.n > 0 && (end = memchr(bytes.p, '\n', bytes.n))) {
		size_t n = (size_t)(end - bytes.p);

		finish(l, (struct str){ bytes.p, n }, time);
		bytes.p += n + 1;
		bytes.n -= n + 1;
	}
	collect(l, bytes, time);
}

void log_lines_end(struct log_lines *l, const char *time)
{
	if (l->part.len > 0)
		finish(l, (struct str){ NULL, 0 }, time);
	buf_free(&l->part);
	l->cut = false;
}
