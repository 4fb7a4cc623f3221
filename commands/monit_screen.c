/* Top to bottom: who and how, what is wrong, totals, rates, a list that scrolls (workers,
 * sidecars), deaths, keys. What there is no room for is left out, by layout_of(). */
#include "commands/monit_screen.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/macros.h"

#include "base/ban.h"

enum { CELL = 16, GAUGE = 20, VALUE_MAX = 512 };

enum style { PLAIN, TITLE, HEAD, CHOSEN, GOOD, WARN, BAD, FAINT, N_STYLES };

/* Select graphic rendition, with colours and without. */
static const char *const styles[N_STYLES][2] = {
	[PLAIN] = { "0", "0" },          [TITLE] = { "0;7", "0;7" }, [HEAD] = { "0;1", "0;1" },
	[CHOSEN] = { "0;1;4", "0;1;4" }, [GOOD] = { "0;32", "0" },   [WARN] = { "0;33", "0;1" },
	[BAD] = { "0;1;31", "0;1" },     [FAINT] = { "0;2", "0" },
};

struct painter {
	struct buf *out;
	const struct monit_view *view;
	unsigned row, col;
	enum style style; /* of what comes next */
	int r;
};

static void put_bytes(struct painter *p, const char *bytes, size_t n)
{
	if (p->r == 0)
		p->r = buf_append(p->out, bytes, n);
}

static void put_code(struct painter *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void put_code(struct painter *p, const char *format, ...)
{
	char code[32];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(code, sizeof(code), format, args);
	va_end(args);
	put_bytes(p, code, (size_t)n);
}

/* A character of one column; beyond the edge it is left out. */
static void put_glyph(struct painter *p, const char *bytes)
{
	if (p->col >= p->view->cols)
		return;
	p->col++;
	put_bytes(p, bytes, strlen(bytes));
}

static void put_escaped(struct painter *p, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	const char code[] = { '\\', 'x', digits[c >> 4], digits[c & 15] };

	for (size_t i = 0; i < sizeof(code); i++)
		put_glyph(p, (const char[]){ code[i], '\0' });
}

static void set_style(struct painter *p, enum style s)
{
	if (p->style != s)
		put_code(p, "\033[%sm", styles[s][p->view->colour ? 0 : 1]);
	p->style = s;
}

static void put(struct painter *p, enum style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void put(struct painter *p, enum style style, const char *format, ...)
{
	char text[VALUE_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	set_style(p, style);
	for (const char *at = text; *at; at++) {
		if (*at >= ' ' && *at <= '~')
			put_glyph(p, (const char[]){ *at, '\0' });
		else
			put_escaped(p, (unsigned char)*at);
	}
}

static void begin_line(struct painter *p)
{
	p->col = 0;
	put_code(p, "\033[%u;1H", ++p->row);
}

/* A line that is full to the edge has nothing to erase, and would lose its last character. */
static void end_line(struct painter *p)
{
	set_style(p, PLAIN);
	if (p->col < p->view->cols)
		put_code(p, "\033[K");
}

static void fill_line(struct painter *p)
{
	while (p->col < p->view->cols)
		put_glyph(p, " ");
	end_line(p);
}

/* Numbers as people read them, in five columns */

static void print_age(double s, char dst[static CELL])
{
	static const struct {
		double below, unit;
		char name;
	} scales[] = {
		{ 120, 1, 's' }, { 7200, 60, 'm' }, { 172800, 3600, 'h' }, { 1e9, 86400, 'd' }
	};

	(void)snprintf(dst, CELL, "-");
	for (size_t i = ARRAY_LEN(scales); i-- > 0;)
		if (s < scales[i].below)
			(void)snprintf(dst, CELL, "%.0f%c", s / scales[i].unit, scales[i].name);
}

static void print_bytes(double b, char dst[static CELL])
{
	double mib = b / (1 << 20);

	(void)snprintf(dst, CELL, mib < 10 ? "%.1fM" : "%.0fM", mib);
	if (mib >= 10000)
		(void)snprintf(dst, CELL, "%.1fG", mib / 1024);
}

static void print_number(double x, char dst[static CELL])
{
	static const struct {
		double below, unit;
		int decimals;
		const char *name;
	} scales[] = { { 0.05, 1, 0, "" },
		       { 9.95, 1, 1, "" },
		       { 99999, 1, 0, "" },
		       { 1e8, 1e3, 0, "k" },
		       { 1e15, 1e6, 0, "M" } };

	(void)snprintf(dst, CELL, "-");
	for (size_t i = ARRAY_LEN(scales); i-- > 0;)
		if (x < scales[i].below)
			(void)snprintf(dst, CELL, "%.*f%s", scales[i].decimals, x / scales[i].unit,
				       scales[i].name);
}

static void print_count(double x, char dst[static CELL])
{
	(void)snprintf(dst, CELL, "%.0f", x < 0 ? 0 : x < 1e12 ? x : 1e12);
}

static void print_lag(double s, char dst[static CELL])
{
	(void)snprintf(dst, CELL, s < 10 ? "%.0fms" : "%.0fs", s < 10 ? s * 1000 : s);
}

/* The list's columns */

static void slot_cell(const struct monit_worker *w, char dst[static CELL])
{
	(void)snprintf(dst, CELL, "%u", w->slot);
}

static void pid_cell(const struct monit_worker *w, char dst[static CELL])
{
	(void)snprintf(dst, CELL, w->pid ? "%llu" : "-", w->pid);
}

static void state_cell(const struct monit_worker *w, char dst[static CELL])
{
	(void)snprintf(dst, CELL, "%.8s", w->state);
}

static void up_cell(const struct monit_worker *w, char dst[static CELL])
{
	print_age(w->uptime_s, dst);
}

static void lag_cell(const struct monit_worker *w, char dst[static CELL])
{
	print_lag(w->lag_s, dst);
}

static void memory_cell(const struct monit_worker *w, char dst[static CELL])
{
	print_bytes(w->rss_b, dst);
}

static void cpu_cell(const struct monit_worker *w, char dst[static CELL])
{
	print_number(w->cpu_percent, dst);
}

static void sessions_cell(const struct monit_worker *w, char dst[static CELL])
{
	print_count(w->sessions, dst);
}

static void sockets_cell(const struct monit_worker *w, char dst[static CELL])
{
	print_count(w->sockets, dst);
}

static void rate_cell(const struct monit_worker *w, char dst[static CELL])
{
	print_number(w->request_rate, dst);
}

static void restarts_cell(const struct monit_worker *w, char dst[static CELL])
{
	print_count(w->starts - 1, dst);
}

/* A narrow terminal goes without those of a high rank. */
static const struct column {
	const char *title;
	int width; /* negative: to the left */
	unsigned rank;
	int sort; /* enum monit_sort, or -1 */
	void (*print)(const struct monit_worker *w, char dst[static CELL]);
} columns[] = {
	{ "SLOT", 4, 0, MONIT_BY_SLOT, slot_cell },
	{ "PID", 7, 6, -1, pid_cell },
	{ "STATE", -8, 1, -1, state_cell },
	{ "UP", 5, 7, -1, up_cell },
	{ "LAG", 6, 2, MONIT_BY_LAG, lag_cell },
	{ "RSS", 6, 3, MONIT_BY_MEMORY, memory_cell },
	{ "CPU%", 5, 4, MONIT_BY_CPU, cpu_cell },
	{ "SESSIONS", 8, 5, MONIT_BY_SESSIONS, sessions_cell },
	{ "SOCKETS", 7, 8, -1, sockets_cell },
	{ "REQ/S", 6, 9, -1, rate_cell },
	{ "RESTARTS", 8, 10, -1, restarts_cell },
};

/* How many ranks @cols have room for. */
static unsigned ranks_in(unsigned cols)
{
	unsigned ranks = 0, used = 0;

	for (bool found = true; found; ranks += found) {
		found = false;
		for (size_t i = 0; i < ARRAY_LEN(columns); i++)
			if (columns[i].rank == ranks) {
				used += (unsigned)abs(columns[i].width) + (ranks > 0);
				found = used <= cols;
			}
	}
	return ranks ? ranks : 1;
}

static void put_head(struct painter *p)
{
	unsigned ranks = ranks_in(p->view->cols);

	begin_line(p);
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		bool chosen = columns[i].sort == (int)p->view->sort;
		int blanks = abs(columns[i].width) - (int)strlen(columns[i].title);

		if (columns[i].rank >= ranks)
			continue;
		put(p, HEAD, "%s%*s", p->col ? " " : "", columns[i].width > 0 ? blanks : 0, "");
		put(p, chosen ? CHOSEN : HEAD, "%s", columns[i].title);
		put(p, HEAD, "%*s", columns[i].width < 0 ? blanks : 0, "");
	}
	end_line(p);
}

static enum style state_style(const char *state)
{
	static const struct {
		const char *state;
		enum style style;
	} known[] = { { "ready", GOOD }, { "suspect", WARN }, { "dead", BAD }, { "none", BAD } };

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(known[i].state, state) == 0)
			return known[i].style;
	return WARN;
}

static void put_worker(struct painter *p, const struct monit_worker *w)
{
	unsigned ranks = ranks_in(p->view->cols);
	char cell[CELL];

	begin_line(p);
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		bool is_state = columns[i].print == state_cell;

		if (columns[i].rank >= ranks)
			continue;
		columns[i].print(w, cell);
		put(p, PLAIN, "%s", p->col ? " " : "");
		put(p, is_state ? state_style(w->state) : PLAIN, "%*s", columns[i].width, cell);
	}
	end_line(p);
}

static void put_sidecar(struct painter *p, const struct monit_sidecar *s)
{
	char up[CELL], rss[CELL], cpu[CELL], pid[CELL] = "-";

	print_age(s->uptime_s, up);
	print_bytes(s->rss_b, rss);
	print_number(s->cpu_percent, cpu);
	if (s->pid)
		(void)snprintf(pid, sizeof(pid), "%llu", s->pid);
	begin_line(p);
	put(p, PLAIN, "%-20s %-8s %5s %6s %5s %7s %6.0f", s->name, s->state, up, rss, cpu, pid,
	    s->starts);
	end_line(p);
}

static void put_sidecar_head(struct painter *p)
{
	begin_line(p);
	put(p, HEAD, "%-20s %-8s %5s %6s %5s %7s %6s", "SIDECAR", "STATE", "UP", "RSS", "CPU%",
	    "PID", "STARTS");
	end_line(p);
}

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
		put_worker(p, places[reversed ? d->n_workers - 1 - i : i].worker);
	else if (i == d->n_workers)
		put_sidecar_head(p);
	else
		put_sidecar(p, &d->sidecars[i - d->n_workers - 1]);
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

	print_age(d->uptime_s, up);
	begin_line(p);
	put(p, TITLE, "sioinit %s%s%s  %s  up %s", d->version, d->host[0] ? " on " : "", d->host,
	    d->phase[0] ? d->phase : "-", up);
	fill_line(p);
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
		begin_line(p);
		put(p, p->view->sad ? BAD : GOOD, "%s",
		    p->view->sad ? p->view->sad : "all is well");
		end_line(p);
		return;
	}
	for (unsigned i = 0; i < shown; i++) {
		const struct monit_condition *c = &d->conditions[i];

		begin_line(p);
		print_age(c->since_s, since);
		put(p, severity_style(c->severity), "%s: %s", c->severity, c->text);
		if (c->since_s > 0)
			put(p, PLAIN, " (for %s)", since);
		if (i + 1 == shown && shown < d->n_conditions)
			put(p, PLAIN, "  (and %u more)", d->n_conditions - shown);
		end_line(p);
	}
}

static void put_gauge(struct painter *p, double part)
{
	for (int i = 0; i < GAUGE; i++)
		put(p,
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

	print_bytes(memory_used(d), used);
	print_bytes(d->memory_limit_b, limit);
	begin_line(p);
	if (d->memory_limit_b > 0) {
		put(p, PLAIN, "memory %s of %s [", used, limit);
		put_gauge(p, memory_used(d) / d->memory_limit_b);
		put(p, PLAIN, "] %.0f%%", 100 * memory_used(d) / d->memory_limit_b);
	} else {
		put(p, PLAIN, "memory %s, no limit", used);
	}
	if (d->near_misses > 0)
		put(p, WARN, "  %.0f near misses", d->near_misses);
	end_line(p);
}

static void put_totals(struct painter *p, const struct monit_data *d)
{
	begin_line(p);
	put(p, d->workers_ready < d->workers_wanted ? WARN : PLAIN, "workers %.0f of %.0f ready",
	    d->workers_ready, d->workers_wanted);
	put(p, PLAIN, "  clients %.0f  sessions %.0f", d->clients, d->sessions);
	end_line(p);
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

		put_glyph(p, (p->view->utf8 ? blocks : ascii)[level < 8 ? level : 7]);
	}
}

static void put_rates(struct painter *p, const struct monit_data *d, unsigned n)
{
	char value[CELL];

	for (size_t i = 0; i < MONIT_N_RATES && n > 0; i++) {
		enum style style = i == MONIT_ERRORS && d->rates[i] > 0 ? BAD : PLAIN;

		print_number(d->rates[i], value);
		if (n > 1 || i == 0)
			begin_line(p);
		if (n > 1) {
			put(p, style, "%-12s %6s ", rates[i].name, value);
			put_sparkline(p, &d->history[i]);
		} else {
			put(p, style, "%s%s %s", i ? "  " : "", rates[i].brief, value);
		}
		if (n > 1 || i + 1 == MONIT_N_RATES)
			end_line(p);
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

	print_age(d->drain_since_s, since);
	begin_line(p);
	if (is_reloading(d))
		put(p, WARN, "reload: %s", d->reload_state);
	if (is_reloading(d) && d->reload_slot >= 0)
		put(p, WARN, " slot %.0f", d->reload_slot);
	if (is_reloading(d) && d->reload_of > 0)
		put(p, WARN, ", %.0f of %.0f done", d->reload_done, d->reload_of);
	if (is_draining(d))
		put(p, WARN, "%sdrain: %s since %s", p->col ? "  " : "", d->drain_stage, since);
	end_line(p);
}

/* What is below it */

static void put_deaths(struct painter *p, const struct monit_data *d, size_t n)
{
	char ago[CELL];

	if (n == 0)
		return;
	begin_line(p);
	put(p, HEAD, "%u %s, the last first", d->n_deaths, d->n_deaths == 1 ? "death" : "deaths");
	end_line(p);
	for (size_t i = 0; i + 1 < n; i++) {
		print_age(d->deaths[i].ago_s, ago);
		begin_line(p);
		put(p, PLAIN, "%5s ago  slot %u  pid %llu  %s", ago, d->deaths[i].slot,
		    d->deaths[i].pid, d->deaths[i].text);
		end_line(p);
	}
}

static void put_keys(struct painter *p, const struct monit_data *d)
{
	size_t length = list_length(d), last = p->view->scroll + p->view->page;

	begin_line(p);
	if (p->view->page < length)
		put(p, TITLE, "%zu-%zu of %zu  ", p->view->scroll + 1,
		    last < length ? last : length, length);
	put(p, TITLE, "q quit  ? help  l lag  m memory  c CPU  s sessions  n slot  r reverse");
	fill_line(p);
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
		begin_line(p);
		put(p, PLAIN, "%s", lines[i]);
		end_line(p);
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
		put_head(p);
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
		begin_line(p);
		end_line(p);
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
