/* Top to bottom: who and how, what is wrong, totals, rates, a list that scrolls (workers,
 * sidecars), deaths, keys. What there is no room for is left out, by layout_of(). */
#include "commands/monit_screen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/macros.h"
#include "commands/monit_painter.h"
#include "commands/monit_rows.h"

#include "base/ban.h"

enum { GAUGE = 20 };

/* The list */

struct place {
	double key;
	const struct monit_worker *worker;
};

/* What is largest comes first, but for slots. */
static double key_of(const struct monit_worker *w, enum monit_sort sort)
{
	switch (sort) {
	case MONIT_BY_LAG:
		return -w->lag_s;
	case MONIT_BY_MEMORY:
		return -w->rss_b;
	case MONIT_BY_CPU:
		return -w->cpu_percent;
	case MONIT_BY_SESSIONS:
		return -w->sessions;
	case MONIT_BY_SLOT:
		break;
	}
	return w->slot;
}

static int compare(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->key < y->key || x->key > y->key)
		return x->key < y->key ? -1 : 1;
	return (x->worker->slot > y->worker->slot) - (x->worker->slot < y->worker->slot);
}

static size_t list_length(const struct monit_data *d)
{
	return d->n_workers + d->n_sidecars + (d->n_sidecars > 0);
}

static void put_item(struct painter *p, const struct monit_data *d, const struct place *places,
		     size_t i)
{
	bool reversed = p->view->reversed;

	if (i < d->n_workers)
		monit_put_worker(p, places[reversed ? d->n_workers - 1 - i : i].worker);
	else if (i == d->n_workers)
		monit_put_sidecar_head(p);
	else
		monit_put_sidecar(p, &d->sidecars[i - d->n_workers - 1]);
}

static void put_list(struct painter *p, const struct monit_data *d, size_t n)
{
	struct place *places = calloc(d->n_workers + 1, sizeof(*places));
	size_t length = list_length(d);

	if (!places) {
		p->r = p->r < 0 ? p->r : -ENOMEM;
		return;
	}
	for (size_t i = 0; i < d->n_workers; i++)
		places[i] = (struct place){ key_of(&d->workers[i], p->view->sort), &d->workers[i] };
	qsort(places, d->n_workers, sizeof(*places), compare);
	for (size_t i = p->view->scroll; i < p->view->scroll + n && i < length; i++)
		put_item(p, d, places, i);
	free(places);
}

/* What is above it */

static void put_title(struct painter *p, const struct monit_data *d)
{
	char up[CELL];

	monit_print_age(d->uptime_s, up);
	painter_begin_line(p);
	paint(p, TITLE, "sioinit %s%s%s  %s  up %s", d->version, d->host[0] ? " on " : "", d->host,
	      d->phase[0] ? d->phase : "-", up);
	painter_fill_line(p);
}

static enum style severity_style(const char *severity)
{
	return strcmp(severity, "error") == 0 ? BAD : strcmp(severity, "warn") == 0 ? WARN : PLAIN;
}

static void put_verdict(struct painter *p, const struct monit_data *d, unsigned n)
{
	unsigned shown = d->n_conditions <= n ? d->n_conditions : n;
	char since[CELL];

	if (p->view->sad || d->n_conditions == 0) {
		painter_begin_line(p);
		paint(p, p->view->sad ? BAD : GOOD, "%s",
		      p->view->sad ? p->view->sad : "all is well");
		painter_end_line(p);
		return;
	}
	for (unsigned i = 0; i < shown; i++) {
		const struct monit_condition *c = &d->conditions[i];

		painter_begin_line(p);
		monit_print_age(c->since_s, since);
		paint(p, severity_style(c->severity), "%s: %s", c->severity, c->text);
		if (c->since_s > 0)
			paint(p, PLAIN, " (for %s)", since);
		if (i + 1 == shown && shown < d->n_conditions)
			paint(p, PLAIN, "  (and %u more)", d->n_conditions - shown);
		painter_end_line(p);
	}
}

static void put_gauge(struct painter *p, double part)
{
	for (int i = 0; i < GAUGE; i++)
		paint(p,
		      part >= 0.9    ? BAD
		      : part >= 0.75 ? WARN
				     : GOOD,
		      "%s", (i + 0.5) / GAUGE < part ? "#" : "-");
}

/* Where the container's is not known, that of what runs in it. */
static double memory_used(const struct monit_data *d)
{
	double sum = 0;

	for (size_t i = 0; i < d->n_workers; i++)
		sum += d->workers[i].rss_b;
	for (unsigned i = 0; i < d->n_sidecars; i++)
		sum += d->sidecars[i].rss_b;
	return d->memory_used_b > 0 ? d->memory_used_b : sum;
}

static void put_memory(struct painter *p, const struct monit_data *d)
{
	char used[CELL], limit[CELL];

	monit_print_bytes(memory_used(d), used);
	monit_print_bytes(d->memory_limit_b, limit);
	painter_begin_line(p);
	if (d->memory_limit_b > 0) {
		paint(p, PLAIN, "memory %s of %s [", used, limit);
		put_gauge(p, memory_used(d) / d->memory_limit_b);
		paint(p, PLAIN, "] %.0f%%", 100 * memory_used(d) / d->memory_limit_b);
	} else {
		paint(p, PLAIN, "memory %s, no limit", used);
	}
	if (d->near_misses > 0)
		paint(p, WARN, "  %.0f near misses", d->near_misses);
	painter_end_line(p);
}

static void put_totals(struct painter *p, const struct monit_data *d)
{
	painter_begin_line(p);
	paint(p, d->workers_ready < d->workers_wanted ? WARN : PLAIN, "workers %.0f of %.0f ready",
	      d->workers_ready, d->workers_wanted);
	paint(p, PLAIN, "  clients %.0f  sessions %.0f", d->clients, d->sessions);
	painter_end_line(p);
	put_memory(p, d);
}

static const struct {
	const char *name, *brief;
} rates[MONIT_N_RATES] = {
	[MONIT_REQUESTS] = { "requests/s", "req/s" },
	[MONIT_BROADCASTS] = { "broadcasts/s", "bcast/s" },
	[MONIT_CONNECTS] = { "connects/s", "conn/s" },
	[MONIT_ERRORS] = { "5xx/s", "5xx/s" },
};

static void put_sparkline(struct painter *p, const struct monit_series *s)
{
	static const char *const blocks[] = { "\u2581", "\u2582", "\u2583", "\u2584",
					      "\u2585", "\u2586", "\u2587", "\u2588" },
				 *const ascii[] = { "_", ".", ",", "-", "=", "+", "*", "#" };
	unsigned room = p->view->cols > p->col ? p->view->cols - p->col : 0;
	double most = 0;

	for (unsigned i = 0; i < s->n; i++)
		most = s->values[i] > most ? s->values[i] : most;
	for (unsigned i = s->n > room ? s->n - room : 0; i < s->n; i++) {
		double part = most > 0 && s->values[i] > 0 ? s->values[i] / most : 0;
		unsigned level = (unsigned)(part * 7 + 0.999);

		painter_glyph(p, (p->view->utf8 ? blocks : ascii)[level < 8 ? level : 7]);
	}
}

static void put_rates(struct painter *p, const struct monit_data *d, unsigned n)
{
	char value[CELL];

	for (size_t i = 0; i < MONIT_N_RATES && n > 0; i++) {
		enum style style = i == MONIT_ERRORS && d->rates[i] > 0 ? BAD : PLAIN;

		monit_print_number(d->rates[i], value);
		if (n > 1 || i == 0)
			painter_begin_line(p);
		if (n > 1) {
			paint(p, style, "%-12s %6s ", rates[i].name, value);
			put_sparkline(p, &d->history[i]);
		} else {
			paint(p, style, "%s%s %s", i ? "  " : "", rates[i].brief, value);
		}
		if (n > 1 || i + 1 == MONIT_N_RATES)
			painter_end_line(p);
	}
}

static bool is_reloading(const struct monit_data *d)
{
	return d->reload_state[0] && strcmp(d->reload_state, "idle") != 0;
}

static bool is_draining(const struct monit_data *d)
{
	return d->drain_stage[0] && strcmp(d->drain_stage, "none") != 0;
}

static void put_progress(struct painter *p, const struct monit_data *d)
{
	char since[CELL];

	monit_print_age(d->drain_since_s, since);
	painter_begin_line(p);
	if (is_reloading(d))
		paint(p, WARN, "reload: %s", d->reload_state);
	if (is_reloading(d) && d->reload_slot >= 0)
		paint(p, WARN, " slot %.0f", d->reload_slot);
	if (is_reloading(d) && d->reload_of > 0)
		paint(p, WARN, ", %.0f of %.0f done", d->reload_done, d->reload_of);
	if (is_draining(d))
		paint(p, WARN, "%sdrain: %s since %s", p->col ? "  " : "", d->drain_stage, since);
	painter_end_line(p);
}

/* What is below it */

static void put_deaths(struct painter *p, const struct monit_data *d, size_t n)
{
	char ago[CELL];

	if (n == 0)
		return;
	painter_begin_line(p);
	paint(p, HEAD, "%u %s, the last first", d->n_deaths, d->n_deaths == 1 ? "death" : "deaths");
	painter_end_line(p);
	for (size_t i = 0; i + 1 < n; i++) {
		monit_print_age(d->deaths[i].ago_s, ago);
		painter_begin_line(p);
		paint(p, PLAIN, "%5s ago  slot %u  pid %llu  %s", ago, d->deaths[i].slot,
		      d->deaths[i].pid, d->deaths[i].text);
		painter_end_line(p);
	}
}

static void put_keys(struct painter *p, const struct monit_data *d)
{
	size_t length = list_length(d), last = p->view->scroll + p->view->page;

	painter_begin_line(p);
	if (p->view->page < length)
		paint(p, TITLE, "%zu-%zu of %zu  ", p->view->scroll + 1,
		      last < length ? last : length, length);
	paint(p, TITLE, "q quit  ? help  l lag  m memory  c CPU  s sessions  n slot  r reverse");
	painter_fill_line(p);
}

static void put_help(struct painter *p, size_t n)
{
	static const char *const lines[] = {
		"q, ^C              leave",
		"up, down, j, k     scroll",
		"PgUp, PgDn         by a page",
		"l m c s n          sort by lag, memory, CPU, sessions, slot",
		"r                  the other way round",
		"?                  back",
		"",
		"LAG   what the event loop last took to answer",
		"CPU%  of one CPU, since the second before",
		"The small curves are the last five minutes.",
	};

	for (size_t i = 0; i < ARRAY_LEN(lines) && i < n; i++) {
		painter_begin_line(p);
		paint(p, PLAIN, "%s", lines[i]);
		painter_end_line(p);
	}
}

/* Lines of each part. */
struct layout {
	unsigned verdict, totals, rates, progress, head, keys;
	size_t list, deaths;
};

static unsigned verdict_lines(const struct monit_data *d, const struct monit_view *v)
{
	unsigned most = v->rows >= 24 ? 4 : v->rows >= 14 ? 2 : v->rows >= 2;

	if (v->sad || d->n_conditions == 0)
		return most < 1 ? most : 1;
	return d->n_conditions < most ? d->n_conditions : most;
}

/* Deaths get what the list leaves, or a third where it leaves little. */
static size_t death_lines(const struct monit_data *d, size_t left)
{
	size_t length = list_length(d), all = d->n_deaths + (d->n_deaths > 0), room = 0;

	if (left >= length + 2)
		room = left - length;
	if (left >= 6 && room < left / 3)
		room = left / 3;
	return room < 2 ? 0 : all < room ? all : room;
}

static struct layout layout_of(const struct monit_data *d, const struct monit_view *v)
{
	struct layout l = { .verdict = verdict_lines(d, v) };
	unsigned used;

	l.keys = v->rows >= 4;
	l.head = v->rows >= 5;
	l.progress = (is_reloading(d) || is_draining(d)) && v->rows >= 6;
	l.totals = v->rows >= 10 ? 2 : 0;
	l.rates = v->rows >= 20 ? MONIT_N_RATES : v->rows >= 8;
	used = 1 + l.verdict + l.totals + l.rates + l.progress + l.head + l.keys;
	l.list = v->rows > used ? v->rows - used : 0;
	l.deaths = death_lines(d, l.list);
	l.list -= l.deaths;
	return l;
}

static void put_body(struct painter *p, const struct monit_data *d, const struct layout *l)
{
	if (l->totals)
		put_totals(p, d);
	put_rates(p, d, l->rates);
	if (l->progress)
		put_progress(p, d);
	if (l->head)
		monit_put_head(p);
	put_list(p, d, l->list);
}

static void clamp_scroll(const struct monit_data *d, struct monit_view *v, size_t page)
{
	size_t length = list_length(d), most = length > page ? length - page : 0;

	v->page = page;
	if (v->scroll > most)
		v->scroll = most;
}

/* Lines that nothing was written to, down to @row. */
static void put_empty(struct painter *p, size_t row)
{
	while (p->row < row) {
		painter_begin_line(p);
		painter_end_line(p);
	}
}

int monit_screen_draw(const struct monit_data *d, struct monit_view *v, struct buf *out)
{
	struct painter p = { .out = out, .view = v };
	struct layout l = layout_of(d, v);
	size_t behind = v->rows - l.keys;

	if (v->rows == 0 || v->cols == 0)
		return 0;
	clamp_scroll(d, v, l.list);
	put_title(&p, d);
	if (l.verdict)
		put_verdict(&p, d, l.verdict);
	if (v->help)
		put_help(&p, behind > p.row ? behind - p.row : 0);
	else if (d->at_ms)
		put_body(&p, d, &l);
	if (d->at_ms && !v->help) {
		put_empty(&p, behind - l.deaths);
		put_deaths(&p, d, l.deaths);
	}
	put_empty(&p, behind);
	if (l.keys)
		put_keys(&p, d);
	return p.r;
}
