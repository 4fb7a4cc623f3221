/* Request ids and trace context. See trace.h. */
#include "router/http/trace.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/macros.h"
#include "router/http/head.h"

#include "base/ban.h"

static const struct str traceparent = { "traceparent", 11 }, tracestate = { "tracestate", 10 };

bool request_id_is_sound(struct str id)
{
	static const char marks[] = "-_.:;/+=@,~|";

	for (size_t i = 0; i < id.n; i++) {
		char c = id.p[i], lower = (char)(c | 0x20);

		if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') &&
		    (c == '\0' || !strchr(marks, c)))
			return false;
	}
	return id.n > 0 && id.n <= REQUEST_ID_MAX;
}

void request_id_make(uint64_t seed, uint64_t n, char dst[static REQUEST_ID_MADE_SIZE])
{
	(void)snprintf(dst, REQUEST_ID_MADE_SIZE, "%016" PRIx64 "%016" PRIx64, seed, n);
}

/* Reading */

/* @n digits at @p, in small letters, and not all of them 0. */
static bool is_hex(const char *p, size_t n, bool may_be_zero)
{
	bool zero = true;

	for (size_t i = 0; i < n; i++) {
		if (!(p[i] >= '0' && p[i] <= '9') && !(p[i] >= 'a' && p[i] <= 'f'))
			return false;
		zero &= p[i] == '0';
	}
	return may_be_zero || !zero;
}

/* 3.2.2; of versions to come what is known begins the same way (4.3). */
static bool is_traceparent(struct str s)
{
	const size_t len = TRACEPARENT_SIZE - 1;
	const char *p = s.p;

	if (s.n < len || p[2] != '-' || p[35] != '-' || p[52] != '-')
		return false;
	if (!is_hex(p, 2, true) || memcmp(p, "ff", 2) == 0)
		return false;
	if (memcmp(p, "00", 2) == 0 ? s.n != len : s.n > len && p[len] != '-')
		return false;
	return is_hex(p + 3, TRACE_ID_LEN, false) && is_hex(p + 36, 16, false) &&
	       is_hex(p + 53, 2, true);
}

/* The one valid traceparent, or an empty slice. */
static struct str find_traceparent(const struct http_head *head)
{
	struct str found = { 0 };
	unsigned n = 0;

	for (size_t i = 0; i < head->n_fields; i++)
		if (str_eq_nocase(head->fields[i].name, traceparent)) {
			found = str_trim(head->fields[i].value);
			n++;
		}
	return n == 1 && is_traceparent(found) ? found : (struct str){ 0 };
}

/* Making */

/* splitmix64: what follows on each other looks random, as samplers by ratio expect of ids. */
static uint64_t scatter(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

uint64_t trace_span_id(uint64_t seed, uint64_t n)
{
	return scatter(~seed ^ n) | 1;
}

/* Its second half differs from request to request; that it is not all 0 the first sees to. */
static void make(uint64_t seed, uint64_t n, uint32_t sample, struct trace *ret)
{
	ret->origin = TRACE_MADE;
	(void)snprintf(ret->id, sizeof(ret->id), "%016" PRIx64 "%016" PRIx64, scatter(seed) | 1,
		       scatter(seed + n));
	ret->flags = trace_is_sampled(ret->id, sample) ? TRACE_SAMPLED : 0;
}

/* Numbers of it */

static unsigned digit_of(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static uint64_t number_of(const char *hex, size_t n)
{
	uint64_t number = 0;

	for (size_t i = 0; i < n; i++)
		number = number << 4 | digit_of(hex[i]);
	return number;
}

bool trace_is_sampled(const char id[static TRACE_ID_LEN], uint32_t sample)
{
	uint32_t folded = 0;

	for (size_t i = 0; i < TRACE_ID_LEN; i += 8)
		folded ^= (uint32_t)number_of(id + i, 8);
	return sample >= TRACE_ALL || folded < (uint32_t)((double)sample / TRACE_ALL * UINT32_MAX);
}

void trace_halves(const struct trace *t, uint64_t ret[static 2])
{
	for (size_t i = 0; i < 2; i++)
		ret[i] = number_of(t->id + i * TRACE_ID_LEN / 2, TRACE_ID_LEN / 2);
}

static void keep(struct str parent, struct trace *ret)
{
	ret->origin = TRACE_KEPT;
	memcpy(ret->id, parent.p + 3, TRACE_ID_LEN);
	memcpy(ret->parent, parent.p + 36, SPAN_ID_LEN);
	ret->flags = number_of(parent.p + 53, 2) & 3;
}

void trace_of(const struct http_head *head, const struct trace_rule *rule, uint64_t seed,
	      uint64_t n, struct trace *ret)
{
	struct str parent = rule->mode == TRACE_OFF ? (struct str){ 0 } : find_traceparent(head);

	*ret = (struct trace){ .origin = rule->mode == TRACE_OFF ? TRACE_UNREAD : TRACE_NONE };
	if (parent.n)
		keep(parent, ret);
	else if (rule->mode == TRACE_MAKE)
		make(seed, n, rule->sample, ret);
}

size_t trace_fields(const struct trace *t, uint64_t span, char text[static TRACEPARENT_SIZE],
		    struct http_field *ret)
{
	if (t->origin == TRACE_UNREAD || (t->origin == TRACE_KEPT && span == 0))
		return 0;
	ret[0] = (struct http_field){ traceparent, { 0 } };
	ret[1] = (struct http_field){ tracestate, { 0 } };
	if (t->origin == TRACE_NONE)
		return 2;
	(void)snprintf(text, TRACEPARENT_SIZE, "00-%s-%016" PRIx64 "-%02x", t->id, span, t->flags);
	ret[0].value = (struct str){ text, TRACEPARENT_SIZE - 1 };
	return t->origin == TRACE_KEPT ? 1 : 2; /* its tracestate stays */
}
