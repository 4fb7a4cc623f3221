/* Spans. See span.h. */
#include "router/client/span.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>
#include <uv.h>

#include "base/log.h"
#include "base/macros.h"
#include "router/client/context.h"

#include "base/ban.h"

static bool is_sampled(const struct span *s)
{
	return s && s->trace.flags & TRACE_SAMPLED;
}

/* Life */

static void put_text(char *dst, size_t size, struct str text)
{
	(void)snprintf(dst, size, "%.*s", (int)(text.n < size ? text.n : size - 1), text.p);
}

/* A session is named in the query, which stays out of it. */
static struct str path_of(struct str target)
{
	const char *query = memchr(target.p, '?', target.n);

	return query ? (struct str){ target.p, (size_t)(query - target.p) } : target;
}

struct span *span_begin(struct frontend *f, const struct http_head *head)
{
	const struct router_conf *conf = frontend_conf(f);
	struct trace trace;
	struct span *s;

	if (!conf->trace_spans)
		return NULL;
	f->last_id++;
	trace_of(head, &conf->trace, f->id_prefix, f->last_id, &trace);
	if (trace.origin != TRACE_MADE && !(trace.flags & TRACE_SAMPLED))
		return NULL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->trace = trace;
	s->id = trace_span_id(f->id_prefix, f->last_id);
	if (!is_sampled(s))
		return s;
	put_text(s->method, sizeof(s->method), head->method);
	put_text(s->path, sizeof(s->path), path_of(head->target));
	(void)clock_gettime(CLOCK_REALTIME, &s->began);
	span_mark(s, SPAN_BEGUN);
	return s;
}

void span_routed(struct span *s, unsigned slot, const char *route)
{
	if (!s)
		return;
	s->slot = slot;
	s->route = route;
}

void span_mark(struct span *s, enum span_mark mark)
{
	bool only_first = mark == SPAN_ANSWERED; /* after a 1xx there is another */

	if (is_sampled(s) && !(only_first && s->at_ns[mark]))
		s->at_ns[mark] = uv_hrtime();
}

void span_status(struct span *s, unsigned status)
{
	if (s)
		s->status = status;
}

void span_retried(struct span *s, unsigned slot)
{
	if (!s)
		return;
	s->slot = slot;
	s->retries++;
}

/* Exemplars */

static uint64_t ms_of(const struct timespec *t)
{
	return (uint64_t)t->tv_sec * 1000 + (uint64_t)t->tv_nsec / 1000000;
}

void span_exemplify(const struct span *s, struct frontend *f, uint64_t ms)
{
	struct exemplar_values v = { .us = ms * 1000 };

	if (!is_sampled(s))
		return;
	trace_halves(&s->trace, v.trace);
	v.at_ms = ms_of(&s->began) + (uv_hrtime() - s->at_ns[SPAN_BEGUN]) / 1000000;
	scoreboard_show_request(f->backend->board, &v);
}

/* Lines */

enum { FIELDS_MAX = 24, NAME_SIZE = 16 + SPAN_PATH_MAX + 2 };

struct fields {
	struct log_field field[FIELDS_MAX];
	size_t n;
};

static void add_text(struct fields *fs, const char *key, const char *text)
{
	if (text && *text)
		fs->field[fs->n++] = (struct log_field){ .key = key, .text = text };
}

static void add_number(struct fields *fs, const char *key, uint64_t number)
{
	fs->field[fs->n++] = (struct log_field){ .key = key, .number = number };
}

/* What has not come to its end lasts until that of the span, but for a hand-off that nobody has
 * told of. */
static const struct part {
	const char *key;
	enum span_mark from, until;
	bool may_last;
} parts[] = {
	{ "duration_us", SPAN_BEGUN, SPAN_ENDED, false },
	{ "queue_us", SPAN_BEGUN, SPAN_GIVEN, false },
	{ "queue_us", SPAN_BEGUN, SPAN_LEFT, false },
	{ "wait_us", SPAN_GIVEN, SPAN_ANSWERED, true },
	{ "response_us", SPAN_ANSWERED, SPAN_ENDED, false },
	{ "handoff_us", SPAN_LEFT, SPAN_TAKEN, false },
};

static void add_parts(struct fields *fs, const struct span *s)
{
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		const struct part *p = &parts[i];
		uint64_t from = s->at_ns[p->from], until = s->at_ns[p->until];

		if (until == 0 && p->may_last)
			until = s->at_ns[SPAN_ENDED];
		if (from && until)
			add_number(fs, p->key, (until - from) / 1000);
	}
}

/* RFC 3339, UTC. */
static void print_time(const struct timespec *t, char *dst, size_t size)
{
	struct tm utc;
	size_t n;

	(void)gmtime_r(&t->tv_sec, &utc);
	n = strftime(dst, size, "%Y-%m-%dT%H:%M:%S", &utc);
	(void)snprintf(dst + n, size - n, ".%06ldZ", t->tv_nsec / 1000);
}

/* For people: "worker[2]: GET /socket.io/ 200 in 1.204 ms, trace 0af7..." */
static void print_message(const struct span *s, const char *outcome, char *dst, size_t size)
{
	uint64_t us = (s->at_ns[SPAN_ENDED] - s->at_ns[SPAN_BEGUN]) / 1000;
	char end[32], who[24] = "router";

	(void)snprintf(end, sizeof(end), s->status ? "%u" : "%.0u%s", s->status, outcome);
	if (s->route)
		(void)snprintf(who, sizeof(who), "worker[%u]", s->slot);
	(void)snprintf(dst, size, "%s: %s %s %s in %" PRIu64 ".%03" PRIu64 " ms, trace %s", who,
		       s->method, s->path, end, us / 1000, us % 1000, s->trace.id);
}

/* A name is for what is alike: the paths of an app are its own to sort. */
static void write_span(const struct span *s, const char *outcome)
{
	struct fields fs = { .n = 0 };
	char name[NAME_SIZE], id[SPAN_ID_LEN + 1], flags[4], start[40], message[320];

	(void)snprintf(name, sizeof(name), s->is_engine ? "%s %s" : "%s", s->method, s->path);
	(void)snprintf(id, sizeof(id), "%016" PRIx64, s->id);
	(void)snprintf(flags, sizeof(flags), "%02x", s->trace.flags);
	print_time(&s->began, start, sizeof(start));
	print_message(s, outcome, message, sizeof(message));
	add_text(&fs, "trace_id", s->trace.id);
	add_text(&fs, "span_id", id);
	add_text(&fs, "parent_span_id", s->trace.parent);
	add_text(&fs, "trace_flags", flags);
	add_text(&fs, "name", name);
	add_text(&fs, "kind", "server");
	add_text(&fs, "start", start);
	add_parts(&fs, s);
	add_text(&fs, "method", s->method);
	add_text(&fs, "path", s->path);
	if (s->status)
		add_number(&fs, "status", s->status);
	add_text(&fs, "outcome", outcome);
	if (s->route)
		add_number(&fs, "worker", s->slot);
	add_text(&fs, "route", s->route);
	add_number(&fs, "retries", s->retries);
	log_fields(message, fs.field, fs.n);
}

void span_end(struct span **s, const char *outcome)
{
	struct span *ended = *s;

	*s = NULL;
	if (is_sampled(ended)) {
		span_mark(ended, SPAN_ENDED);
		write_span(ended, outcome);
	}
	free(ended);
}

/* Hand-offs */

static const char *const handed_over = "handed-over";

static struct span *take(struct spans *ss, struct span *s)
{
	if (s) {
		DL_DELETE(ss->away, s);
		ss->n_away--;
	}
	return s;
}

static struct span *find(const struct spans *ss, uint64_t handle)
{
	struct span *s;

	DL_SEARCH_SCALAR(ss->away, s, id, handle);
	return s;
}

uint64_t span_handle(const struct span *s)
{
	return is_sampled(s) ? s->id : 0;
}

void span_hand_over(struct frontend *f, struct span **s)
{
	struct spans *ss = &f->spans;
	struct span *oldest;

	if (!is_sampled(*s)) {
		span_end(s, handed_over);
		return;
	}
	if (ss->n_away == SPANS_AWAY_MAX) { /* when it is taken is not known then */
		oldest = take(ss, ss->away);
		span_end(&oldest, handed_over);
	}
	span_mark(*s, SPAN_LEFT);
	DL_APPEND(ss->away, *s);
	ss->n_away++;
	*s = NULL;
}

void span_taken(struct frontend *f, uint64_t handle)
{
	struct span *s = take(&f->spans, find(&f->spans, handle));

	span_mark(s, SPAN_TAKEN);
	span_end(&s, handed_over);
}

struct span *span_return(struct frontend *f, uint64_t handle)
{
	struct span *s = handle ? take(&f->spans, find(&f->spans, handle)) : NULL;

	if (s) {
		s->at_ns[SPAN_LEFT] = 0;
		s->retries++;
	}
	return s;
}

void spans_deinit(struct spans *ss)
{
	struct span *s, *next;

	DL_FOREACH_SAFE(ss->away, s, next)
	free(s);
	*ss = (struct spans){ 0 };
}
