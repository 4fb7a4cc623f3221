/* Finding session ids. Nothing is assumed of a sid's alphabet: it is whatever stands between its
 * delimiters. */
#include "router/sid.h"

#include "base/ban.h"

static bool param_is(struct str param, struct str name, struct str *ret_value)
{
	if (!str_has_prefix(param, name) || param.n == name.n || param.p[name.n] != '=')
		return false;
	*ret_value = (struct str){ param.p + name.n + 1, param.n - name.n - 1 };
	return true;
}

void sid_of_target(struct str target, struct sid_request *ret)
{
	const char *end = target.p + target.n;
	const char *p = target.n ? memchr(target.p, '?', target.n) : NULL;

	*ret = (struct sid_request){ 0 };
	while (p && ++p < end) {
		const char *next = memchr(p, '&', (size_t)(end - p));
		struct str param = { p, (size_t)((next ? next : end) - p) }, value;

		if (param_is(param, STR("sid"), &value) && value.n <= SID_MAX)
			ret->sid = value;
		else if (param_is(param, STR("EIO"), &value))
			ret->engine = true;
		p = next;
	}
}

/* The text between @before and the next quote; JSONP escapes the quotes, so a backslash in front is
 * not the sid's. */
static bool quoted_after(struct str s, struct str before, struct str *ret)
{
	const char *at = memmem(s.p, s.n, before.p, before.n), *end;
	size_t rest;

	if (!at)
		return false;
	at += before.n;
	rest = (size_t)(s.p + s.n - at);
	if (rest && *at == '\\') {
		at++;
		rest--;
	}
	if (rest == 0 || *at != '"')
		return false;
	at++;
	end = memchr(at, '"', rest - 1);
	if (!end)
		return false;
	if (end > at && end[-1] == '\\')
		end--;
	*ret = (struct str){ at, (size_t)(end - at) };
	return ret->n > 0;
}

static uint32_t number_after(struct str s, struct str before)
{
	const char *at = memmem(s.p, s.n, before.p, before.n);
	struct str digits;
	uint64_t n;

	if (!at)
		return 0;
	digits = (struct str){ at + before.n, 0 };
	while (digits.p + digits.n < s.p + s.n && digits.p[digits.n] >= '0' &&
	       digits.p[digits.n] <= '9')
		digits.n++;
	return str_to_u64(digits, 86400000, &n) == 0 ? (uint32_t)n : 0;
}

bool sid_of_handshake(struct str body, struct sid_handshake *ret)
{
	struct str head = { body.p, body.n < 1024 ? body.n : 1024 };
	bool jsonp = memmem(head.p, head.n, "\\\"sid\\\":", 8) != NULL;
	uint32_t interval, timeout;

	if (!quoted_after(head, jsonp ? STR("\\\"sid\\\":") : STR("\"sid\":"), &ret->sid) ||
	    ret->sid.n > SID_MAX)
		return false;
	interval =
	    number_after(head, jsonp ? STR("\\\"pingInterval\\\":") : STR("\"pingInterval\":"));
	timeout = number_after(head, jsonp ? STR("\\\"pingTimeout\\\":") : STR("\"pingTimeout\":"));
	ret->idle_ms = interval && timeout ? interval + timeout : 0;
	return true;
}
