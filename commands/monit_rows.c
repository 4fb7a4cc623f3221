/* See monit_rows.h. */
#include "commands/monit_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

#include "base/ban.h"

/* Numbers as people read them, in five columns */

void monit_print_age(double s, char dst[static CELL])
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

void monit_print_bytes(double b, char dst[static CELL])
{
	double mib = b / (1 << 20);

	(void)snprintf(dst, CELL, mib < 10 ? "%.1fM" : "%.0fM", mib);
	if (mib >= 10000)
		(void)snprintf(dst, CELL, "%.1fG", mib / 1024);
}

void monit_print_number(double x, char dst[static CELL])
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
	monit_print_age(w->uptime_s, dst);
}

static void lag_cell(const struct monit_worker *w, char dst[static CELL])
{
	print_lag(w->lag_s, dst);
}

static void memory_cell(const struct monit_worker *w, char dst[static CELL])
{
	monit_print_bytes(w->rss_b, dst);
}

static void cpu_cell(const struct monit_worker *w, char dst[static CELL])
{
	monit_print_number(w->cpu_percent, dst);
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
	monit_print_number(w->request_rate, dst);
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

void monit_put_head(struct painter *p)
{
	unsigned ranks = ranks_in(p->view->cols);

	painter_begin_line(p);
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		bool chosen = columns[i].sort == (int)p->view->sort;
		int blanks = abs(columns[i].width) - (int)strlen(columns[i].title);

		if (columns[i].rank >= ranks)
			continue;
		paint(p, HEAD, "%s%*s", p->col ? " " : "", columns[i].width > 0 ? blanks : 0, "");
		paint(p, chosen ? CHOSEN : HEAD, "%s", columns[i].title);
		paint(p, HEAD, "%*s", columns[i].width < 0 ? blanks : 0, "");
	}
	painter_end_line(p);
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

void monit_put_worker(struct painter *p, const struct monit_worker *w)
{
	unsigned ranks = ranks_in(p->view->cols);
	char cell[CELL];

	painter_begin_line(p);
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		bool is_state = columns[i].print == state_cell;

		if (columns[i].rank >= ranks)
			continue;
		columns[i].print(w, cell);
		paint(p, PLAIN, "%s", p->col ? " " : "");
		paint(p, is_state ? state_style(w->state) : PLAIN, "%*s", columns[i].width, cell);
	}
	painter_end_line(p);
}

void monit_put_sidecar(struct painter *p, const struct monit_sidecar *s)
{
	char up[CELL], rss[CELL], cpu[CELL], pid[CELL] = "-";

	monit_print_age(s->uptime_s, up);
	monit_print_bytes(s->rss_b, rss);
	monit_print_number(s->cpu_percent, cpu);
	if (s->pid)
		(void)snprintf(pid, sizeof(pid), "%llu", s->pid);
	painter_begin_line(p);
	paint(p, PLAIN, "%-20s %-8s %5s %6s %5s %7s %6.0f", s->name, s->state, up, rss, cpu, pid,
	      s->starts);
	painter_end_line(p);
}

void monit_put_sidecar_head(struct painter *p)
{
	painter_begin_line(p);
	paint(p, HEAD, "%-20s %-8s %5s %6s %5s %7s %6s", "SIDECAR", "STATE", "UP", "RSS", "CPU%",
	      "PID", "STARTS");
	painter_end_line(p);
}
