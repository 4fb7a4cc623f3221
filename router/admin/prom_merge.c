/* Families of samples in the order in which they come. A sample's identity is its text but for the
 * value: name and labels, the labels in order of their names. jansson's objects serve as the maps
 * from name to place: they grow without aborting and hash with a seed, and label values may come
 * from clients. */
#include "router/admin/prom_merge.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/str.h"

#include "base/ban.h"

enum { TEXT_MAX = 64 << 10 /* of one sample's name and labels, or a help */, FIRST_ROOM = 16 };

struct sample {
	char *id;     /* name{label="value",...} */
	double value; /* so far */
	unsigned n;   /* values in it */
};

struct family {
	char *name, *help;
	const char *type;
	const struct aggregator *by;
	struct sample *samples;
	size_t n, room;
	json_t *places; /* of samples, by id */
};

struct prom_merge {
	struct family *families;
	size_t n, room;
	json_t *places;           /* of families, by name */
	size_t left_out, no_room; /* the latter at the last writing */
	struct buf text;          /* scratch */
};

/* What a metric may say */

static double sum_of(double a, double b)
{
	return a + b;
}

static double first_of(double a, double b)
{
	(void)b;
	return a;
}

/* As in JavaScript, NaN wins. */
static double min_of(double a, double b)
{
	return isnan(a) || a < b ? a : b;
}

static double max_of(double a, double b)
{
	return isnan(a) || a > b ? a : b;
}

static const struct aggregator {
	const char *name;
	double (*join)(double so_far, double next); /* NULL: the metric is for single workers */
	bool is_mean;
} aggregators[] = {
	{ "sum", sum_of, false }, { "first", first_of, false }, { "min", min_of, false },
	{ "max", max_of, false }, { "average", sum_of, true },  { "omit", NULL, false },
};

static const char *const types[] = { "counter", "gauge", "histogram", "summary", "untyped" };

static const struct aggregator *find_aggregator(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(aggregators); i++)
		if (strcmp(aggregators[i].name, name) == 0)
			return &aggregators[i];
	return NULL;
}

static const char *find_type(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (strcmp(types[i], name) == 0)
			return types[i];
	return NULL;
}

static const char *text_member(const json_t *object, const char *key, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : otherwise;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Prometheus' data model; colons are for metrics only. */
static bool is_name(const char *s, bool colons)
{
	if (!is_letter(*s) && !(colons && *s == ':'))
		return false;
	for (; *s; s++)
		if (!is_letter(*s) && !(*s >= '0' && *s <= '9') && !(colons && *s == ':'))
			return false;
	return true;
}

/* Numbers */

/* @digits: "d.ddde+xx". Those of the mantissa go to @dst, the exponent is returned. */
static int split_digits(const char *digits, char *dst)
{
	const char *e = strchr(digits, 'e');

	for (const char *p = digits; p < e; p++)
		if (*p != '.')
			*dst++ = *p;
	*dst = '\0';
	return (int)strtol(e + 1, NULL, 10);
}

/* ECMAScript 6.1.6.1.20, Number::toString: @d the digits, @e the exponent of the first. */
static int place_digits(const char *d, int e, char *dst, size_t size)
{
	int k = (int)strlen(d);

	if (e >= k - 1 && e < 21)
		return snprintf(dst, size, "%s%.*s", d, e - k + 1, "00000000000000000000");
	if (e >= 0 && e < 21)
		return snprintf(dst, size, "%.*s.%s", e + 1, d, d + e + 1);
	if (e < 0 && e > -7)
		return snprintf(dst, size, "0.%.*s%s", -e - 1, "000000", d);
	return snprintf(dst, size, "%c%s%se%+d", d[0], k > 1 ? "." : "", d + 1, e);
}

/* The fewest digits that read as the same number. */
static void write_finite(double d, char *dst, size_t size)
{
	char tried[32], digits[32];

	for (int precision = 0; precision < 17; precision++) {
		(void)snprintf(tried, sizeof(tried), "%.*e", precision, d);
		if (strtod(tried, NULL) == d)
			break;
	}
	(void)place_digits(digits, split_digits(tried, digits), dst, size);
}

void prom_number(double d, char dst[static PROM_NUMBER_SIZE])
{
	if (isnan(d)) {
		(void)snprintf(dst, PROM_NUMBER_SIZE, "NaN");
	} else if (isinf(d)) {
		(void)snprintf(dst, PROM_NUMBER_SIZE, d < 0 ? "-Inf" : "+Inf");
	} else if (d == 0) {
		(void)snprintf(dst, PROM_NUMBER_SIZE, "0");
	} else if (d < 0) {
		dst[0] = '-';
		write_finite(-d, dst + 1, PROM_NUMBER_SIZE - 1);
	} else {
		write_finite(d, dst, PROM_NUMBER_SIZE);
	}
}

/* False: it is no number. JSON.stringify makes null of what is not finite; tree.h has the words. */
static bool number_of(const json_t *v, double *ret)
{
	const char *word = json_string_value(v);

	if (json_is_number(v))
		*ret = json_number_value(v);
	else if (json_is_null(v) || (word && strcmp(word, "NaN") == 0))
		*ret = NAN;
	else if (word && strcmp(word, "Infinity") == 0)
		*ret = INFINITY;
	else if (word && strcmp(word, "-Infinity") == 0)
		*ret = -INFINITY;
	else
		return false;
	return true;
}

/* Text */

static int put_special(struct buf *out, char c)
{
	if (c == '\n')
		return buf_append(out, "\\n", 2);
	if (c == '\0')
		return buf_append(out, "\xef\xbf\xbd", 3);
	return buf_append(out, (char[]){ '\\', c }, 2);
}

/* With Prometheus' escapes; a NUL, which it takes for the end, becomes U+FFFD. */
static int put_escaped(struct buf *out, struct str s, bool quotes)
{
	size_t plain = 0;
	int r = 0;

	for (size_t i = 0; i < s.n && r == 0; i++) {
		char c = s.p[i];

		if (c != '\n' && c != '\0' && c != '\\' && !(quotes && c == '"'))
			continue;
		r = buf_append(out, s.p + plain, i - plain);
		r = r < 0 ? r : put_special(out, c);
		plain = i + 1;
	}
	return r < 0 ? r : buf_append(out, s.p + plain, s.n - plain);
}

static struct str text_of(const json_t *string)
{
	return (struct str){ json_string_value(string), json_string_length(string) };
}

static int put_label_value(struct buf *out, const json_t *v)
{
	char number[PROM_NUMBER_SIZE];

	if (json_is_string(v))
		return put_escaped(out, text_of(v), true);
	if (json_is_number(v))
		prom_number(json_number_value(v), number);
	else
		(void)snprintf(number, sizeof(number), "%s",
			       json_is_null(v)   ? "null"
			       : json_is_true(v) ? "true"
						 : "false");
	return buf_append(out, number, strlen(number));
}

struct label {
	const char *name;
	const json_t *value;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct label *)a)->name, ((const struct label *)b)->name);
}

/* The labels in order; their number, or -EBADMSG. */
static int sort_labels(json_t *labels, struct label dst[static PROM_LABELS_MAX])
{
	const char *name;
	json_t *value;
	int n = 0;

	json_object_foreach(labels, name, value)
	{
		if (n == PROM_LABELS_MAX || !is_name(name, false) || json_is_array(value) ||
		    json_is_object(value))
			return -EBADMSG;
		dst[n++] = (struct label){ name, value };
	}
	qsort(dst, (size_t)n, sizeof(*dst), by_name);
	return n;
}

/* A sample's text but for the value, without NUL. 0, -EBADMSG, -EMSGSIZE, -ENOMEM. */
static int put_id(struct buf *out, const char *name, json_t *labels)
{
	struct label sorted[PROM_LABELS_MAX];
	int n = sort_labels(labels, sorted), r;

	if (n < 0)
		return n;
	r = buf_append(out, name, strlen(name));
	for (int i = 0; i < n && r == 0; i++) {
		r = buf_printf(out, "%c%s=\"", i ? ',' : '{', sorted[i].name);
		r = r < 0 ? r : put_label_value(out, sorted[i].value);
		r = r < 0 ? r : buf_append(out, "\"", 1);
	}
	return r == 0 && n > 0 ? buf_append(out, "}", 1) : r;
}

/* Families and samples */

/* @list of @n elements of @size each, moved where it had no room for one more. NULL: no memory, it
 * is where it was. */
static void *with_room(void *list, size_t n, size_t *room, size_t size)
{
	size_t wanted = *room ? *room * 2 : FIRST_ROOM;

	if (n < *room)
		return list;
	list = realloc(list, wanted * size);
	if (list)
		*room = wanted;
	return list;
}

static bool remember(json_t *places, const char *key, size_t place)
{
	return json_object_set_new_nocheck(places, key, json_integer((json_int_t)place)) == 0;
}

static bool find(const json_t *places, const char *key, size_t *ret)
{
	const json_t *place = json_object_get(places, key);

	*ret = (size_t)json_integer_value(place);
	return place;
}

static void family_free(struct family *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->samples[i].id);
	free(f->samples);
	free(f->name);
	free(f->help);
	json_decref(f->places);
}

/* -EBADMSG: no metric that may be passed on. */
static int family_init(struct family *f, struct prom_merge *m, const json_t *metric)
{
	const char *name = text_member(metric, "name", "");
	const json_t *help = json_object_get(metric, "help");

	*f = (struct family){
		.type = find_type(text_member(metric, "type", "")),
		.by = find_aggregator(text_member(metric, "aggregator", "sum")),
	};
	if (!f->type || !f->by || !is_name(name, true) || strncmp(name, "sioinit_", 8) == 0)
		return -EBADMSG;
	m->text.len = 0;
	if (json_is_string(help) && put_escaped(&m->text, text_of(help), false) < 0)
		return -EBADMSG;
	f->name = strdup(name);
	f->help = strndup(m->text.p ? m->text.p : "", m->text.len);
	f->places = json_object();
	return f->name && f->help && f->places ? 0 : -ENOMEM;
}

/* The family that @metric belongs to, made when it is new. NULL: *ret_err says why. */
static struct family *family_of(struct prom_merge *m, const json_t *metric, int *ret_err)
{
	struct family *families, f;
	size_t place;

	if (find(m->places, text_member(metric, "name", ""), &place))
		return &m->families[place];
	families = with_room(m->families, m->n, &m->room, sizeof(*families));
	if (!families) {
		*ret_err = -ENOMEM;
		return NULL;
	}
	m->families = families;
	*ret_err = family_init(&f, m, metric);
	if (*ret_err == 0 && !remember(m->places, f.name, m->n))
		*ret_err = -ENOMEM;
	if (*ret_err < 0) {
		family_free(&f);
		return NULL;
	}
	families[m->n] = f;
	return &families[m->n++];
}

static int add_first(struct family *f, const char *id, double value)
{
	struct sample *samples = with_room(f->samples, f->n, &f->room, sizeof(*samples));
	char *copy;

	if (!samples)
		return -ENOMEM;
	f->samples = samples;
	copy = strdup(id);
	if (!copy || !remember(f->places, id, f->n)) {
		free(copy);
		return -ENOMEM;
	}
	samples[f->n++] = (struct sample){ copy, value, 1 };
	return 0;
}

/* @id is copied. */
static int family_add(struct family *f, const char *id, double value)
{
	struct sample *s;
	size_t place;

	if (!find(f->places, id, &place))
		return add_first(f, id, value);
	s = &f->samples[place];
	s->value = f->by->join(s->value, value);
	s->n++;
	return 0;
}

/* A histogram's and a summary's samples have the family's name and an ending. */
static bool belongs(const struct family *f, const char *name)
{
	static const char *const endings[] = { "", "_bucket", "_sum", "_count" };
	size_t n = strlen(f->name);

	if (strncmp(name, f->name, n) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(endings); i++)
		if (strcmp(name + n, endings[i]) == 0)
			return true;
	return false;
}

static int add_sample(struct prom_merge *m, struct family *f, const json_t *sample)
{
	const char *name = text_member(sample, "metricName", f->name);
	double value;
	int r;

	if (!belongs(f, name) || !number_of(json_object_get(sample, "value"), &value))
		return -EBADMSG;
	m->text.len = 0;
	r = put_id(&m->text, name, json_object_get(sample, "labels"));
	r = r < 0 ? r : buf_append(&m->text, "", 1);
	return r < 0 ? r : family_add(f, m->text.p, value);
}

/* Mentions of one object may make a small message a large tree: @left bounds the work. */
static bool spend(size_t *left)
{
	if (*left == 0)
		return false;
	(*left)--;
	return true;
}

/* 0, or -ENOMEM: no use to go on. */
static int note(struct prom_merge *m, int r)
{
	m->left_out += r < 0 && r != -ENOMEM;
	return r == -ENOMEM ? r : 0;
}

static int add_metric(struct prom_merge *m, const json_t *metric, size_t *left)
{
	int r = 0;
	struct family *f = family_of(m, metric, &r);
	const json_t *sample;
	size_t i;

	if (!f || !f->by->join)
		return r;
	json_array_foreach(json_object_get(metric, "values"), i, sample)
	{
		r = spend(left) ? note(m, add_sample(m, f, sample)) : -E2BIG;
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_registry(struct prom_merge *m, const json_t *registry, size_t *left)
{
	const json_t *metric;
	size_t i;

	json_array_foreach(registry, i, metric)
	{
		int r = spend(left) ? add_metric(m, metric, left) : -E2BIG;

		if (note(m, r) < 0 || r == -E2BIG)
			return r;
	}
	return 0;
}

int prom_merge_add(struct prom_merge *m, const json_t *answer)
{
	const json_t *registries = json_object_get(answer, "metrics"), *registry;
	size_t left = PROM_SAMPLES_MAX, i;

	if (!json_is_array(registries))
		return -EBADMSG;
	json_array_foreach(registries, i, registry)
	{
		int r = spend(&left) ? add_registry(m, registry, &left) : -E2BIG;

		if (r < 0)
			return r == -ENOMEM ? r : 0;
	}
	return 0;
}

size_t prom_merge_left_out(const struct prom_merge *m)
{
	return m->left_out + m->no_room;
}

/* How a family is called in a format, and what it is there. */
struct title {
	struct str name;
	const char *type;
};

/* Also true when there is no memory to look. */
static bool is_taken(struct prom_merge *m, struct str name)
{
	m->text.len = 0;
	return buf_append(&m->text, name.p, name.n) < 0 || buf_append(&m->text, "", 1) < 0 ||
	       json_object_get(m->places, m->text.p);
}

static struct title title_of(struct prom_merge *m, const struct family *f,
			     enum metrics_format format)
{
	static const struct str end = { "_total", 6 };
	struct title t = { str_of(f->name), f->type };
	bool has_end = t.name.n > end.n && strcmp(f->name + t.name.n - end.n, end.p) == 0;

	if (format == METRICS_TEXT)
		return t;
	if (strcmp(f->type, "untyped") == 0)
		t.type = "unknown";
	if (strcmp(f->type, "counter") != 0)
		return t;
	t.name.n -= has_end ? end.n : 0;
	if (!has_end || is_taken(m, t.name))
		t = (struct title){ str_of(f->name), "unknown" };
	return t;
}

/* Escaped already, but for quotes, which only OpenMetrics wants to be. */
static int write_help(const char *help, enum metrics_format format, struct buf *out)
{
	int r = 0;

	for (size_t n; *help && r == 0; help += n) {
		n = format == METRICS_TEXT ? strlen(help) : strcspn(help, "\"");
		r = buf_append(out, help, n);
		if (r == 0 && help[n] == '"') {
			r = buf_append(out, "\\\"", 2);
			n++;
		}
	}
	return r;
}

static int write_head(struct prom_merge *m, const struct family *f, enum metrics_format format,
		      struct buf *out)
{
	struct title t = title_of(m, f, format);
	int r = buf_printf(out, "# HELP %.*s ", (int)t.name.n, t.name.p);

	r = r < 0 ? r : write_help(f->help, format, out);
	return r < 0 ? r : buf_printf(out, "\n# TYPE %.*s %s\n", (int)t.name.n, t.name.p, t.type);
}

static int write_family(struct prom_merge *m, const struct family *f, enum metrics_format format,
			struct buf *out)
{
	char number[PROM_NUMBER_SIZE];
	int r = write_head(m, f, format, out);

	for (size_t i = 0; i < f->n && r == 0; i++) {
		const struct sample *s = &f->samples[i];

		prom_number(f->by->is_mean ? s->value / s->n : s->value, number);
		r = buf_printf(out, "%s %s\n", s->id, number);
	}
	return r;
}

int prom_merge_write(struct prom_merge *m, enum metrics_format format, struct buf *out)
{
	m->no_room = 0;
	for (size_t i = 0; i < m->n; i++) {
		const struct family *f = &m->families[i];
		size_t before = out->len;
		int r = f->by->join ? write_family(m, f, format, out) : 0;

		if (r == -ENOMEM)
			return r;
		if (r < 0) {
			out->len = before;
			m->no_room++;
		}
	}
	return 0;
}

struct prom_merge *prom_merge_new(void)
{
	struct prom_merge *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->text = BUF_INIT(TEXT_MAX);
	m->places = json_object();
	if (m->places)
		return m;
	free(m);
	return NULL;
}

void prom_merge_free(struct prom_merge *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n; i++)
		family_free(&m->families[i]);
	free(m->families);
	json_decref(m->places);
	buf_free(&m->text);
	free(m);
}
