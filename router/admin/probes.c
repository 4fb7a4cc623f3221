/* Checks by table, in the order in which they are told. See probes.h. */
#include "router/admin/probes.h"

#include <string.h>

#include "base/macros.h"
#include "ipc/scoreboard.h"
#include "router/admin/admin.h"
#include "router/http/head.h"

#include "base/ban.h"

enum { UNKNOWN_MAX = 8, UNKNOWN_LEN_MAX = 64 };

struct check {
	const char *name;
	const char *(*fault)(const struct admin_view *v); /* NULL: it is well; static text */
};

/* Before the scoreboard has come, init has just started this process. */
static const char *fault_of_init(const struct admin_view *v)
{
	bool is_silent = scoreboard_init_silence(v->shared, uv_hrtime() / 1000000) > 0;

	return is_silent ? "init does not answer" : NULL;
}

static const char *fault_of_phase(const struct admin_view *v)
{
	if (v->phase == PHASE_STARTING)
		return "starting: no worker is ready yet";
	if (v->phase == PHASE_LAME_DUCK && counter_get(&v->shared->drain_stage) == DRAIN_HELD)
		return "held, as asked (sioinit drain)";
	return v->phase == PHASE_SERVING ? NULL : "shutting down";
}

static const char *fault_of_workers(const struct admin_view *v)
{
	return v->n_ready ? NULL : "no worker is ready";
}

/* A probe has the first of them, and may have all. */
static const struct check checks[] = {
	{ "init", fault_of_init },
	{ "phase", fault_of_phase },
	{ "workers", fault_of_workers },
};

static const struct probe {
	const char *name;
	unsigned n_checks;
} livez = { "livez", 1 }, readyz = { "readyz", ARRAY_LEN(checks) },
  healthz = { "healthz", ARRAY_LEN(checks) };

/* What is asked for */

struct wish {
	bool verbose;
	unsigned excluded; /* checks, bits */
	unsigned n_unknown;
	struct str unknown[UNKNOWN_MAX]; /* names that are none of a check */
};

static int find_check(const struct probe *p, struct str name)
{
	for (unsigned i = 0; i < p->n_checks; i++)
		if (str_eq(name, str_of(checks[i].name)))
			return (int)i;
	return -1;
}

static void exclude(const struct probe *p, struct str name, struct wish *w)
{
	int i = find_check(p, name);

	if (i >= 0)
		w->excluded |= BIT(i);
	else if (w->n_unknown < UNKNOWN_MAX)
		w->unknown[w->n_unknown++] = name;
}

static void take_parameter(const struct probe *p, struct str s, struct wish *w)
{
	const char *equals = s.n ? memchr(s.p, '=', s.n) : NULL;
	size_t n = equals ? (size_t)(equals - s.p) : s.n;
	struct str name = { s.p, n }, value = { s.p + n + !!equals, s.n - n - !!equals };

	if (str_eq(name, STR("verbose")))
		w->verbose = true;
	else if (str_eq(name, STR("exclude")) && value.n)
		exclude(p, value, w);
}

static void read_wish(const struct probe *p, struct str target, struct wish *ret)
{
	const char *query = target.n ? memchr(target.p, '?', target.n) : NULL;
	struct str rest = { 0 };

	*ret = (struct wish){ 0 };
	if (query)
		rest = (struct str){ query + 1, target.n - (size_t)(query + 1 - target.p) };
	while (rest.n) {
		const char *end = memchr(rest.p, '&', rest.n);
		size_t n = end ? (size_t)(end - rest.p) : rest.n;

		take_parameter(p, (struct str){ rest.p, n }, ret);
		n += end != NULL;
		rest = (struct str){ rest.p + n, rest.n - n };
	}
}

/* The answer */

/* Of a stranger's text only what a name may have. */
static void put_name(struct str s, struct buf *out)
{
	for (size_t i = 0; i < s.n && i < UNKNOWN_LEN_MAX; i++)
		(void)buf_printf(out, "%c",
				 (s.p[i] >= 'a' && s.p[i] <= 'z') ||
					 (s.p[i] >= 'A' && s.p[i] <= 'Z') ||
					 (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '-' ||
					 s.p[i] == '_' || s.p[i] == '.'
				     ? s.p[i]
				     : '?');
}

static void put_unknown(const struct wish *w, struct buf *out)
{
	if (w->n_unknown == 0)
		return;
	(void)buf_printf(out, "warn: some health checks cannot be excluded: no matches for ");
	for (unsigned i = 0; i < w->n_unknown; i++) {
		(void)buf_printf(out, i ? ",\"" : "\"");
		put_name(w->unknown[i], out);
		(void)buf_printf(out, "\"");
	}
	(void)buf_printf(out, "\n");
}

/* The first fault, or NULL. With @out all of them are told there. */
static const char *look(const struct admin_view *v, const struct probe *p, const struct wish *w,
			struct buf *out)
{
	const char *first = NULL;

	for (unsigned i = 0; i < p->n_checks; i++) {
		const char *name = checks[i].name;
		bool excluded = w->excluded & BIT(i);
		const char *fault = excluded ? NULL : checks[i].fault(v);

		first = first ? first : fault;
		if (!out)
			continue;
		if (fault)
			(void)buf_printf(out, "[-]%s failed: %s\n", name, fault);
		else
			(void)buf_printf(out, "[+]%s %sok\n", name, excluded ? "excluded: " : "");
	}
	return first;
}

static void probe(const struct admin_view *v, const struct http_head *head, struct admin_answer *a,
		  const struct probe *p)
{
	struct wish w;
	const char *fault;

	read_wish(p, head->target, &w);
	a->body->len = 0;
	fault = look(v, p, &w, w.verbose ? a->body : NULL);
	if (!w.verbose) {
		admin_say(a, fault ? 503 : 200, fault ? fault : "ok");
		return;
	}
	a->status = fault ? 503 : 200;
	put_unknown(&w, a->body);
	(void)buf_printf(a->body, "%s check %s\n", p->name, fault ? "failed" : "passed");
}

void probe_livez(const struct admin_view *v, const struct http_head *head, struct admin_answer *a)
{
	probe(v, head, a, &livez);
}

void probe_readyz(const struct admin_view *v, const struct http_head *head, struct admin_answer *a)
{
	probe(v, head, a, &readyz);
}

void probe_healthz(const struct admin_view *v, const struct http_head *head, struct admin_answer *a)
{
	probe(v, head, a, &healthz);
}
