/* Values of settings, from text and to text. A parser takes the whole text or refuses it with a
 * static reason; nothing is ever rounded, cut or guessed. What a printer writes, its parser reads
 * back. */
#include "init/config_values.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/macros.h"
#include "base/str.h"
#include "init/config.h"

#include "base/ban.h"

enum { WORKERS_MAX = 1024, TIMEOUT_MAX_S = 86400, COUNT_MAX = 1 << 24 };

const char *config_parse_text(const char *s, void *dst)
{
	*(const char **)dst = s;
	return NULL;
}

void config_print_text(const void *src, FILE *out)
{
	const char *s = *(const char *const *)src;

	(void)fputs(s ? s : "", out);
}

const char *config_parse_path(const char *s, void *dst)
{
	if (s[0] != '/')
		return "not a path that starts with /";
	for (const char *p = s; *p; p++)
		if (*p <= ' ' || *p >= 0x7f)
			return "not a path for a request: blanks and non-ASCII bytes go as %XX";
	*(const char **)dst = s;
	return NULL;
}

const char *config_parse_workers(const char *s, void *dst)
{
	struct config_workers *ret = dst;
	enum config_workers_kind kind = WORKERS_FIXED;
	struct str digits = str_of(s);
	uint64_t n;
	int r;

	if (strcasecmp(s, "max") == 0 || strcasecmp(s, "auto") == 0) {
		*ret = (struct config_workers){ .kind = WORKERS_AUTO };
		return NULL;
	}
	if (digits.n > 1 && s[0] == '-') {
		kind = WORKERS_LESS;
		digits = (struct str){ s + 1, digits.n - 1 };
	} else if (digits.n > 1 && s[digits.n - 1] == '%') {
		kind = WORKERS_PERCENT;
		digits.n--;
	}
	r = str_to_u64(digits, WORKERS_MAX, &n);
	if (r < 0)
		return r == -ERANGE ? "more than 1024"
				    : "not a number, percentage, \"max\" or \"auto\"";
	if (kind == WORKERS_FIXED && n == 0) /* what pm2's `-i 0` means */
		kind = WORKERS_AUTO;
	*ret = (struct config_workers){ kind, (unsigned)n };
	return NULL;
}

void config_print_workers(const void *src, FILE *out)
{
	static const char *const before[] = { "max", "", "-", "" }, *const after[] = { "", "", "",
										       "%" };
	const struct config_workers *w = src;

	(void)fputs(before[w->kind], out);
	if (w->kind != WORKERS_AUTO)
		(void)fprintf(out, "%u%s", w->n, after[w->kind]);
}

const char *config_parse_port(const char *s, void *dst)
{
	uint64_t n;

	if (str_to_u64(str_of(s), UINT16_MAX, &n) < 0 || n == 0)
		return "not a port number (1 to 65535)";
	*(uint16_t *)dst = (uint16_t)n;
	return NULL;
}

void config_print_port(const void *src, FILE *out)
{
	(void)fprintf(out, "%u", *(const uint16_t *)src);
}

static bool is_ip(const char *host, bool bracketed)
{
	struct in6_addr binary;

	return inet_pton(bracketed ? AF_INET6 : AF_INET, host, &binary) == 1;
}

/* 127.0.0.1:9090, [::1]:9090, :9090 or 9090 */
static const char *parse_ip_port(const char *s, struct config_address *ret)
{
	static const char wrong[] = "not IP:PORT, PORT, /path or \"off\"";
	const char *colon = strrchr(s, ':'), *host = s;
	size_t n = colon ? (size_t)(colon - s) : 0;
	bool bracketed = n > 1 && s[0] == '[' && s[n - 1] == ']';

	if (bracketed) {
		host++;
		n -= 2;
	}
	if (n >= sizeof(ret->host) || config_parse_port(colon ? colon + 1 : s, &ret->port))
		return wrong;
	memcpy(ret->host, host, n);
	ret->host[n] = '\0';
	return (n > 0 || bracketed) && !is_ip(ret->host, bracketed) ? wrong : NULL;
}

const char *config_parse_address(const char *s, void *dst)
{
	struct config_address a = { .off = strcasecmp(s, "off") == 0 };
	const char *wrong = NULL;
	size_t n;

	while (s[0] == '/' && s[1] == '/')
		s++;
	n = strlen(s);
	if (s[0] == '/' && n >= sizeof(a.host))
		return "too long for the path of a unix socket (107 bytes)";
	if (s[0] == '/')
		memcpy(a.host, s, n + 1);
	else if (!a.off)
		wrong = parse_ip_port(s, &a);
	if (!wrong)
		*(struct config_address *)dst = a;
	return wrong;
}

void config_print_address(const void *src, FILE *out)
{
	const struct config_address *a = src;

	if (a->off)
		(void)fputs("off", out);
	else if (a->host[0] == '/')
		(void)fputs(a->host, out);
	else if (strchr(a->host, ':'))
		(void)fprintf(out, "[%s]:%u", a->host, a->port);
	else
		(void)fprintf(out, "%s%s%u", a->host, a->host[0] ? ":" : "", a->port);
}

/* Words stand in the order of their enum. */
static const char *const serializations[] = { "auto", "advanced", "json" };
static const char *const restarts[] = { "always", "never" };
static const char *const levels[] = { "error", "warn", "info", "debug" };

_Static_assert(sizeof(enum config_serialization) == sizeof(int) &&
		   sizeof(enum config_restart) == sizeof(int),
	       "words are stored as int");

static const char *parse_word(const char *s, const char *const *words, size_t n, const char *wrong,
			      void *dst)
{
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(s, words[i]) == 0) {
			*(int *)dst = (int)i;
			return NULL;
		}
	return wrong;
}

const char *config_parse_serialization(const char *s, void *dst)
{
	return parse_word(s, serializations, ARRAY_LEN(serializations),
			  "not \"auto\", \"advanced\" or \"json\"", dst);
}

void config_print_serialization(const void *src, FILE *out)
{
	(void)fputs(serializations[*(const int *)src], out);
}

const char *config_parse_restart(const char *s, void *dst)
{
	return parse_word(s, restarts, ARRAY_LEN(restarts), "not \"always\" or \"never\"", dst);
}

void config_print_restart(const void *src, FILE *out)
{
	(void)fputs(restarts[*(const int *)src], out);
}

const char *config_parse_level(const char *s, void *dst)
{
	return parse_word(s, levels, ARRAY_LEN(levels),
			  "not \"error\", \"warn\", \"info\" or \"debug\"", dst);
}

void config_print_level(const void *src, FILE *out)
{
	(void)fputs(levels[*(const int *)src], out);
}

const char *config_parse_seconds(const char *s, void *dst)
{
	/* strtod(3) alone would take blanks, signs, hexadecimal and infinity */
	bool plain = strspn(s, "0123456789.") == strlen(s);
	char *end;
	double seconds = strtod(s, &end);

	if (!plain || end == s || *end || seconds > TIMEOUT_MAX_S)
		return "not a number of seconds (0 to 86400, such as 30 or 0.5)";
	*(uint32_t *)dst = (uint32_t)(seconds * 1000 + 0.5);
	return NULL;
}

const char *config_parse_milliseconds(const char *s, void *dst)
{
	uint64_t n;

	if (str_to_u64(str_of(s), (uint64_t)TIMEOUT_MAX_S * 1000, &n) < 0)
		return "not a number of milliseconds (0 to 86400000)";
	*(uint32_t *)dst = (uint32_t)n;
	return NULL;
}

void config_print_seconds(const void *src, FILE *out)
{
	(void)fprintf(out, "%.8g", *(const uint32_t *)src / 1000.0);
}

const char *config_parse_count(const char *s, void *dst)
{
	uint64_t n;

	if (str_to_u64(str_of(s), COUNT_MAX, &n) < 0 || n == 0)
		return "not a number from 1 to 16777216";
	*(uint32_t *)dst = (uint32_t)n;
	return NULL;
}

void config_print_count(const void *src, FILE *out)
{
	(void)fprintf(out, "%u", *(const uint32_t *)src);
}
