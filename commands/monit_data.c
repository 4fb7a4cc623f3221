/* JSON to a struct. */
#include "commands/monit_data.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

#include "base/ban.h"

static double number(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key)); /* 0 for what is no number */
}

static void text(const json_t *o, const char *key, char *dst, size_t size)
{
	const char *s = json_string_value(json_object_get(o, key));

	(void)snprintf(dst, size, "%s", s ? s : "");
}

#define TEXT(o, key, dst) text(o, key, dst, sizeof(dst))

static unsigned count(const json_t *o, const char *key, unsigned max)
{
	size_t n = json_array_size(json_object_get(o, key));

	return n < max ? (unsigned)n : max;
}

static const json_t *item(const json_t *o, const char *key, size_t i)
{
	return json_array_get(json_object_get(o, key), i);
}

/* Where the numbers are that become rates, and their history. */
static const struct {
	const char *total, *object, *history;
} rates[MONIT_N_RATES] = {
	[MONIT_REQUESTS] = { "requests", NULL, "requests" },
	[MONIT_BROADCASTS] = { "relay_messages", NULL, "broadcasts" },
	[MONIT_CONNECTS] = { "connections", NULL, "connects" },
	[MONIT_ERRORS] = { "5xx", "responses", "errors" },
};

/* Per second; what has become less was counted anew. */
static double rate(double before, double now, double seconds)
{
	return seconds > 0 && now > before ? (now - before) / seconds : 0;
}

static void read_history(struct monit_series *s, const json_t *history, const char *key)
{
	size_t n = json_array_size(json_object_get(history, key)), first;

	first = n > MONIT_STEPS ? n - MONIT_STEPS : 0;
	for (size_t i = first; i < n; i++)
		s->values[s->n++] = json_number_value(item(history, key, i));
}

/* An instance that keeps no history: what has been seen here. */
static void grow_history(struct monit_series *s, const struct monit_series *before, double value)
{
	unsigned skip = before->n == MONIT_STEPS;

	*s = *before;
	memmove(s->values, s->values + skip, (s->n - skip) * sizeof(*s->values));
	s->n -= skip;
	s->values[s->n++] = value;
}

static void read_rates(struct monit_data *d, const json_t *root, const struct monit_data *before,
		       double seconds)
{
	const json_t *history = json_object_get(root, "history");

	d->step_s = history ? number(history, "step_s") : 1;
	for (size_t i = 0; i < MONIT_N_RATES; i++) {
		const json_t *o = rates[i].object ? json_object_get(root, rates[i].object) : root;

		d->totals[i] = number(o, rates[i].total);
		d->rates[i] = rate(before->totals[i], d->totals[i], seconds);
		if (history)
			read_history(&d->history[i], history, rates[i].history);
		else if (seconds > 0)
			grow_history(&d->history[i], &before->history[i], d->rates[i]);
	}
}

static const struct monit_worker *same_slot(const struct monit_data *d, unsigned slot)
{
	for (size_t i = 0; i < d->n_workers; i++)
		if (d->workers[(slot + i) % d->n_workers].slot == slot)
			return &d->workers[(slot + i) % d->n_workers];
	return NULL;
}

/* Of one process; of a new one, since its start. */
static double cpu_percent(double before_s, double now_s, double seconds, double uptime_s)
{
	if (seconds > 0)
		return 100 * rate(before_s, now_s, seconds);
	return uptime_s > 0 ? 100 * now_s / uptime_s : 0;
}

static void read_worker(struct monit_worker *w, const json_t *o, const struct monit_data *before,
			double seconds)
{
	const struct monit_worker *was;

	*w = (struct monit_worker){ .slot = (unsigned)number(o, "slot"),
				    .pid = (unsigned long long)number(o, "pid"),
				    .uptime_s = number(o, "uptime_s"),
				    .lag_s = number(o, "lag_s"),
				    .rss_b = number(o, "rss_b"),
				    .cpu_s = number(o, "cpu_s"),
				    .sessions = number(o, "sessions"),
				    .sockets = number(o, "sockets"),
				    .requests = number(o, "requests"),
				    .starts = number(o, "starts"),
				    .limit_b = number(o, "memory_limit_b") };
	TEXT(o, "state", w->state);
	was = same_slot(before, w->slot);
	w->request_rate = was ? rate(was->requests, w->requests, seconds) : 0;
	w->cpu_percent = was && was->pid == w->pid
			     ? cpu_percent(was->cpu_s, w->cpu_s, seconds, w->uptime_s)
			     : cpu_percent(0, w->cpu_s, 0, w->uptime_s);
}

static int read_workers(struct monit_data *d, const json_t *root, const struct monit_data *before,
			double seconds)
{
	size_t n = json_array_size(json_object_get(root, "workers"));

	d->workers = calloc(n + 1, sizeof(*d->workers));
	if (!d->workers)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		read_worker(&d->workers[i], item(root, "workers", i), before, seconds);
	d->n_workers = n;
	return 0;
}

static void read_sidecar(struct monit_sidecar *s, const json_t *o, const struct monit_sidecar *was,
			 double seconds)
{
	bool same;

	TEXT(o, "name", s->name);
	TEXT(o, "state", s->state);
	s->pid = (unsigned long long)number(o, "pid");
	s->uptime_s = number(o, "uptime_s");
	s->rss_b = number(o, "rss_b");
	s->cpu_s = number(o, "cpu_s");
	s->starts = number(o, "starts");
	same = was->pid == s->pid && strcmp(was->name, s->name) == 0;
	s->cpu_percent = cpu_percent(was->cpu_s, s->cpu_s, same ? seconds : 0, s->uptime_s);
}

static void read_lists(struct monit_data *d, const json_t *root, const struct monit_data *before,
		       double seconds)
{
	d->n_sidecars = count(root, "sidecars", MONIT_SIDECARS);
	for (unsigned i = 0; i < d->n_sidecars; i++)
		read_sidecar(&d->sidecars[i], item(root, "sidecars", i), &before->sidecars[i],
			     seconds);
	d->n_conditions = count(root, "conditions", MONIT_CONDITIONS);
	for (unsigned i = 0; i < d->n_conditions; i++) {
		const json_t *o = item(root, "conditions", i);

		TEXT(o, "severity", d->conditions[i].severity);
		TEXT(o, "text", d->conditions[i].text);
		d->conditions[i].since_s = number(o, "since_s");
	}
	d->n_deaths = count(root, "deaths", MONIT_DEATHS);
	for (unsigned i = 0; i < d->n_deaths; i++) {
		const json_t *o = item(root, "deaths", i);

		d->deaths[i].ago_s = number(o, "ago_s");
		d->deaths[i].slot = (unsigned)number(o, "slot");
		d->deaths[i].pid = (unsigned long long)number(o, "pid");
		TEXT(o, "text", d->deaths[i].text);
	}
}

static void read_progress(struct monit_data *d, const json_t *root)
{
	const json_t *memory = json_object_get(root, "memory"),
		     *reload = json_object_get(root, "reload"),
		     *drain = json_object_get(root, "drain");

	d->memory_used_b = number(memory, "used_b");
	d->memory_limit_b = number(memory, "limit_b");
	d->near_misses = number(memory, "near_misses");
	TEXT(reload, "state", d->reload_state);
	d->reload_slot =
	    json_is_number(json_object_get(reload, "slot")) ? number(reload, "slot") : -1;
	d->reload_done = number(reload, "done");
	d->reload_of = number(reload, "of");
	TEXT(drain, "stage", d->drain_stage);
	d->drain_since_s = number(drain, "since_s");
}

/* Older instances do not say it. */
static double count_ready(const struct monit_data *d, const json_t *root)
{
	double n = 0;

	if (json_object_get(root, "workers_ready"))
		return number(root, "workers_ready");
	for (size_t i = 0; i < d->n_workers; i++)
		n += strcmp(d->workers[i].state, "ready") == 0;
	return n;
}

static int read_all(struct monit_data *d, const json_t *root, const struct monit_data *before,
		    int64_t now_ms)
{
	double seconds = before->at_ms ? (double)(now_ms - before->at_ms) / 1000 : 0;

	d->at_ms = now_ms;
	TEXT(root, "version", d->version);
	TEXT(root, "host", d->host);
	TEXT(root, "phase", d->phase);
	d->uptime_s = number(root, "uptime_s");
	d->workers_wanted = number(root, "workers_wanted");
	d->clients = number(root, "clients");
	d->sessions = number(root, "sessions");
	read_progress(d, root);
	read_rates(d, root, before, seconds);
	read_lists(d, root, before, seconds);
	if (read_workers(d, root, before, seconds) < 0)
		return -ENOMEM;
	d->workers_ready = count_ready(d, root);
	return 0;
}

int monit_data_read(struct monit_data *d, struct str json, int64_t now_ms)
{
	json_t *root = json_loadb(json.p, json.n, 0, NULL);
	struct monit_data *next = calloc(1, sizeof(*next));
	int r = json_is_object(root) ? 0 : -EBADMSG;

	if (!next)
		r = -ENOMEM;
	if (r == 0)
		r = read_all(next, root, d, now_ms);
	if (r == 0) {
		free(d->workers);
		*d = *next;
	}
	free(next);
	json_decref(root);
	return r;
}

void monit_data_free(struct monit_data *d)
{
	free(d->workers);
	*d = (struct monit_data){ 0 };
}
