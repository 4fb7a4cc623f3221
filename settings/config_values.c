/* Values of settings, from text and to text. A parser takes the whole text or refuses it with a
 * static reason; nothing is ever rounded, cut or guessed. What a printer writes, its parser reads
 * back. */
#include "settings/config_values.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/macros.h"
#include "base/str.h"
#include "ipc/control.h"
#include "ipc/scoreboard.h"
#include "settings/config.h"

#include "base/ban.h"

enum { WORKERS_MAX = SCOREBOARD_ROWS, TIMEOUT_MAX_S = 86400, COUNT_MAX = 1 << 24, TOKEN_MAX = 64 };

enum { LOG_DATE_MAX = 64 };
enum { START_LIMIT_ENDS_MAX = 1000, START_LIMIT_SECONDS_MAX = 86400 };

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

const char *config_parse_log_date(const char *s, void *dst)
{
	if (strlen(s) > LOG_DATE_MAX)
		return "longer than 64 characters";
	return config_parse_text(s, dst);
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

const char *config_parse_admin_socket(const char *s, void *dst)
{
	if (strcmp(s, "auto") != 0 && strcmp(s, "off") != 0 && s[0] != '/')
		return "not \"auto\", \"off\" or the /path of a unix socket";
	*(const char **)dst = s;
	return NULL;
}

const char *config_parse_termination_log(const char *s, void *dst)
{
	if (strcmp(s, "auto") != 0 && strcmp(s, "off") != 0 && s[0] != '/')
		return "not \"auto\", \"off\" or the /path of a file";
	*(const char **)dst = s;
	return NULL;
}

/* As it stands in a header field: printable, without blanks. */
const char *config_parse_secret(const char *s, void *dst)
{
	size_t n = strlen(s);

	if (n < ADMIN_TOKEN_MIN)
		return "shorter than 16 characters, which could be guessed: openssl rand -hex 16 "
		       "makes one";
	if (n > ADMIN_TOKEN_MAX)
		return "longer than 256 characters";
	for (const char *p = s; *p; p++)
		if (*p <= ' ' || *p >= 0x7f)
			return "has blanks or other characters than ASCII's";
	return config_parse_text(s, dst);
}

void config_print_secret(const void *src, FILE *out)
{
	(void)fputs(*(const char *const *)src ? "(hidden)" : "", out);
}

/* One of the list: NAME or *.NAME. */
static bool is_host_name(const char *s, size_t n)
{
	size_t at = n > 2 && s[0] == '*' && s[1] == '.' ? 2 : 0;

	for (size_t i = at; i < n; i++) {
		bool is_label = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') ||
				(s[i] >= '0' && s[i] <= '9') || s[i] == '-' || s[i] == '_';

		if (!is_label && (s[i] != '.' || i == at || i + 1 == n || s[i - 1] == '.'))
			return false;
	}
	return n > at;
}

const char *config_parse_hosts(const char *s, void *dst)
{
	for (const char *at = s; *at;) {
		size_t n = strcspn(at, ",");
		struct str one = str_trim((struct str){ at, n });

		if (!is_host_name(one.p, one.n))
			return "not a list of names without ports, such as "
			       "admin.example.com,*.internal.example";
		at += n + (at[n] == ',');
	}
	return config_parse_text(s, dst);
}

/* RFC 9110, 5.6.2 */
const char *config_parse_token(const char *s, void *dst)
{
	static const char allowed[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t n = strspn(s, allowed);

	if (n == 0 || n > TOKEN_MAX || s[n])
		return "not a name: letters, digits, - and _, at most 64";
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
	if (*(const uint16_t *)src)
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

/* The next part of a list with commas; its end in *s. */
static struct str next_part(const char **s)
{
	struct str part = { *s, strcspn(*s, ",") };

	*s += part.n + ((*s)[part.n] == ',');
	return part;
}

const char *config_parse_addresses(const char *s, void *dst)
{
	static const char wrong[] = "not a list of IP:PORT, [IP]:PORT, PORT and /path";
	struct config_addresses ret = { 0 };

	while (*s) {
		struct str part = next_part(&s);
		char one[sizeof(ret.list[0].host) + 8];

		if (ret.n == ARRAY_LEN(ret.list))
			return "more than 16 addresses";
		if (part.n >= sizeof(one))
			return wrong;
		memcpy(one, part.p, part.n);
		one[part.n] = '\0';
		if (config_parse_address(one, &ret.list[ret.n]) || ret.list[ret.n].off)
			return wrong;
		ret.n++;
	}
	*(struct config_addresses *)dst = ret;
	return NULL;
}

void config_print_addresses(const void *src, FILE *out)
{
	const struct config_addresses *a = src;

	for (unsigned i = 0; i < a->n; i++) {
		(void)fputs(i ? "," : "", out);
		config_print_address(&a->list[i], out);
	}
}

/* Words stand in the order of their enum. */
static const char *const serializations[] = { "auto", "advanced", "json", NULL };
static const char *const restarts[] = { "always", "never", "once", NULL };
static const char *const dispatches[] = { "auto", "listen", "sticky", "port", "unix", NULL };
static const char *const sandboxes[] = { "auto", "off", NULL };
static const char *const upstreams[] = { "auto", "native", "tcp", "unix", NULL };
static const char *const app_metrics[] = { "off", "on", "auto", NULL };
static const char *const balances[] = { "least-sessions", "least-lag", "two-choices",
					"round-robin",    "random",    NULL };
static const char *const traceparents[] = { "off", "keep", "make", NULL };
static const char *const access_formats[] = { "off", "common", "logfmt", "json", NULL };
static const char *const stop_groups[] = { "auto", "leader", "group", NULL };
static const char *const stop_orders[] = { "auto", "drain", "signal", NULL };
static const char *const levels[] = { "error", "warn", "info", "debug", NULL };
static const char *const switches[] = { "off", "on", NULL };
static const char *const log_formats[] = { "auto", "pretty", "logfmt", "json", NULL };
static const char *const worker_logs[] = { "raw", "prefix", "json", "off", NULL };

_Static_assert(sizeof(enum config_serialization) == sizeof(int) &&
		   sizeof(enum config_restart) == sizeof(int) &&
		   sizeof(enum config_dispatch) == sizeof(int) &&
		   sizeof(enum config_upstream) == sizeof(int) &&
		   sizeof(enum config_sandbox) == sizeof(int) &&
		   sizeof(enum config_app_metrics) == sizeof(int) &&
		   sizeof(enum config_balance) == sizeof(int) &&
		   sizeof(enum config_stop_group) == sizeof(int) &&
		   sizeof(enum config_stop_order) == sizeof(int) &&
		   sizeof(enum config_worker_logs) == sizeof(int),
	       "words are stored as int");

const char *const *config_words(config_parse_fn *parse)
{
	static const struct {
		config_parse_fn *parse;
		const char *const *words;
	} all[] = { { config_parse_serialization, serializations },
		    { config_parse_restart, restarts },
		    { config_parse_dispatch, dispatches },
		    { config_parse_sandbox, sandboxes },
		    { config_parse_upstream, upstreams },
		    { config_parse_app_metrics, app_metrics },
		    { config_parse_balance, balances },
		    { config_parse_stop_group, stop_groups },
		    { config_parse_stop_order, stop_orders },
		    { config_parse_level, levels },
		    { config_parse_log_format, log_formats },
		    { config_parse_worker_logs, worker_logs },
		    { config_parse_traceparent, traceparents },
		    { config_parse_access_format, access_formats },
		    { config_parse_switch, switches } };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i].parse == parse)
			return all[i].words;
	return NULL;
}

static const char *parse_word(const char *s, const char *const *words, const char *wrong, void *dst)
{
	for (int i = 0; words[i]; i++)
		if (strcasecmp(s, words[i]) == 0) {
			*(int *)dst = i;
			return NULL;
		}
	return wrong;
}

const char *config_parse_switch(const char *s, void *dst)
{
	static const char *const synonyms[][3] = { { "no", "false", "0" }, { "yes", "true", "1" } };
	int on = -1;

	for (int i = 0; i < 2; i++)
		for (size_t k = 0; k < ARRAY_LEN(synonyms[0]); k++)
			if (strcasecmp(s, switches[i]) == 0 || strcasecmp(s, synonyms[i][k]) == 0)
				on = i;
	if (on < 0)
		return "not \"on\" or \"off\"";
	*(bool *)dst = on;
	return NULL;
}

void config_print_switch(const void *src, FILE *out)
{
	(void)fputs(switches[*(const bool *)src], out);
}

/* A parser and a printer for each list of words. */
#define WORD_TYPE(type, words, wrong)                                                              \
	const char *config_parse_##type(const char *s, void *dst)                                  \
	{                                                                                          \
		return parse_word(s, words, wrong, dst);                                           \
	}                                                                                          \
                                                                                                   \
	void config_print_##type(const void *src, FILE *out)                                       \
	{                                                                                          \
		(void)fputs((words)[*(const int *)src], out);                                      \
	}

WORD_TYPE(serialization, serializations, "not \"auto\", \"advanced\" or \"json\"")
WORD_TYPE(restart, restarts, "not \"always\", \"never\" or \"once\"")
WORD_TYPE(dispatch, dispatches, "not \"auto\", \"listen\", \"sticky\", \"port\" or \"unix\"")
WORD_TYPE(sandbox, sandboxes, "not \"auto\" or \"off\"")
WORD_TYPE(upstream, upstreams, "not \"auto\", \"native\", \"tcp\" or \"unix\"")
WORD_TYPE(app_metrics, app_metrics, "not \"off\", \"on\" or \"auto\"")
WORD_TYPE(balance, balances,
	  "not \"least-sessions\", \"least-lag\", \"two-choices\", "
	  "\"round-robin\" or \"random\"")
WORD_TYPE(traceparent, traceparents, "not \"off\", \"keep\" or \"make\"")
WORD_TYPE(access_format, access_formats, "not \"off\", \"common\", \"logfmt\" or \"json\"")
WORD_TYPE(stop_group, stop_groups, "not \"auto\", \"leader\" or \"group\"")
WORD_TYPE(stop_order, stop_orders, "not \"auto\", \"drain\" or \"signal\"")
WORD_TYPE(level, levels, "not \"error\", \"warn\", \"info\" or \"debug\"")
WORD_TYPE(log_format, log_formats, "not \"auto\", \"pretty\", \"logfmt\" or \"json\"")
WORD_TYPE(worker_logs, worker_logs, "not \"raw\", \"prefix\", \"json\" or \"off\"")

static const char *const stickies[] = { "sid", "cookie", "address", "header", "hash", "none" };

const char *config_parse_sticky(const char *s, void *dst)
{
	static const char wrong[] = "not \"sid\", \"cookie\", \"address\", \"header:NAME\", "
				    "\"hash:NAME\" or \"none\"";
	struct config_sticky ret = { 0 };
	size_t n = strcspn(s, ":");
	bool named;

	while (strncasecmp(s, stickies[ret.kind], n) != 0 || stickies[ret.kind][n] != '\0')
		if (++ret.kind == ARRAY_LEN(stickies))
			return wrong;
	named = ret.kind == CONFIG_STICKY_HEADER || ret.kind == CONFIG_STICKY_HASH;
	if (named != (s[n] == ':') || (named && config_parse_token(s + n + 1, &ret.name)))
		return wrong;
	*(struct config_sticky *)dst = ret;
	return NULL;
}

void config_print_sticky(const void *src, FILE *out)
{
	const struct config_sticky *s = src;

	(void)fputs(stickies[s->kind], out);
	if (s->name)
		(void)fprintf(out, ":%s", s->name);
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

const char *config_parse_factor(const char *s, void *dst)
{
	static const char wrong[] = "not a factor (1 to 10, such as 1.5)";
	uint32_t thousandths;

	if (config_parse_seconds(s, &thousandths) || thousandths < 1000 || thousandths > 10000)
		return wrong;
	*(uint32_t *)dst = thousandths;
	return NULL;
}

void config_print_factor(const void *src, FILE *out)
{
	config_print_seconds(src, out);
}

const char *config_parse_cron(const char *s, void *dst)
{
	struct config_cron ret = { .text = s };
	const char *wrong = cron_parse(s, &ret.cron);

	if (!wrong)
		*(struct config_cron *)dst = ret;
	return wrong;
}

void config_print_cron(const void *src, FILE *out)
{
	config_print_text(&((const struct config_cron *)src)->text, out);
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

const char *config_parse_routers(const char *s, void *dst)
{
	uint64_t n = 0;

	if (strcasecmp(s, "auto") != 0 && (str_to_u64(str_of(s), ROUTERS_MAX, &n) < 0 || n == 0))
		return "not a number from 1 to 16, or \"auto\"";
	*(uint32_t *)dst = (uint32_t)n;
	return NULL;
}

void config_print_routers(const void *src, FILE *out)
{
	if (*(const uint32_t *)src == 0)
		(void)fputs("auto", out);
	else
		config_print_count(src, out);
}

const char *config_parse_limit(const char *s, void *dst)
{
	uint64_t n;

	if (str_to_u64(str_of(s), COUNT_MAX, &n) < 0)
		return "not a number from 0 (none) to 16777216";
	*(uint32_t *)dst = (uint32_t)n;
	return NULL;
}

enum { RATIO_ONE = 1000000, RATIO_DIGITS = 6 };

/* 0, 1, 0.25, .25: at most six digits behind the point, so nothing is rounded. */
const char *config_parse_ratio(const char *s, void *dst)
{
	static const char wrong[] = "not a ratio from 0 to 1, such as 0.25 (six digits at most)";
	size_t whole = strcspn(s, "."), digits = s[whole] ? strlen(s + whole + 1) : 0;
	char text[RATIO_DIGITS + 1] = "000000";
	uint64_t ones = 0, millionths;

	if (whole + digits == 0 || digits > RATIO_DIGITS || (s[whole] && digits == 0))
		return wrong;
	memcpy(text, s + whole + (s[whole] != '\0'), digits);
	if ((whole && str_to_u64((struct str){ s, whole }, 1, &ones) < 0) ||
	    str_to_u64(str_of(text), RATIO_ONE, &millionths) < 0)
		return wrong;
	millionths += ones * RATIO_ONE;
	if (millionths > RATIO_ONE)
		return wrong;
	*(uint32_t *)dst = (uint32_t)millionths;
	return NULL;
}

void config_print_ratio(const void *src, FILE *out)
{
	uint32_t n = *(const uint32_t *)src, left = n % RATIO_ONE;
	int digits = RATIO_DIGITS;

	(void)fprintf(out, "%" PRIu32, n / RATIO_ONE);
	for (; left && left % 10 == 0; left /= 10)
		digits--;
	if (left)
		(void)fprintf(out, ".%0*" PRIu32, digits, left);
}

const char *config_parse_percent(const char *s, void *dst)
{
	uint64_t n;

	if (str_to_u64(str_of(s), 100, &n) < 0)
		return "not a percentage from 0 to 100";
	*(uint32_t *)dst = (uint32_t)n;
	return NULL;
}

const char *config_parse_heap(const char *s, void *dst)
{
	uint64_t n;

	if (strcasecmp(s, "off") == 0)
		*(uint32_t *)dst = HEAP_OFF;
	else if (strcasecmp(s, "auto") == 0)
		*(uint32_t *)dst = HEAP_AUTO;
	else if (str_to_u64(str_of(s), COUNT_MAX, &n) < 0 || n == 0)
		return "not a number of megabytes, \"auto\" or \"off\"";
	else
		*(uint32_t *)dst = (uint32_t)n;
	return NULL;
}

void config_print_heap(const void *src, FILE *out)
{
	uint32_t n = *(const uint32_t *)src;

	if (n == HEAP_OFF || n == HEAP_AUTO)
		(void)fputs(n == HEAP_OFF ? "off" : "auto", out);
	else
		(void)fprintf(out, "%u", n);
}

static const char byte_units[] = "KMGT";

const char *config_parse_bytes(const char *s, void *dst)
{
	static const char wrong[] = "not a number of bytes (such as 512M or 1.5G, 0 = none)";
	size_t digits = strspn(s, "0123456789.");
	const char *unit = s + digits, *known;
	char *end;
	double n = strtod(s, &end);

	if (digits == 0 || end != unit)
		return wrong;
	known = *unit ? strchr(byte_units, *unit & ~0x20) : NULL;
	if (*unit && (!known || strcspn(unit + 1, "iB") || strlen(unit) > 3))
		return wrong;
	for (const char *u = byte_units; known && u <= known; u++)
		n *= 1024;
	if (n >= 0x1p63)
		return wrong;
	*(uint64_t *)dst = (uint64_t)n;
	return NULL;
}

void config_print_bytes(const void *src, FILE *out)
{
	uint64_t n = *(const uint64_t *)src;
	size_t unit = 0;

	while (n && n % 1024 == 0 && byte_units[unit]) {
		n /= 1024;
		unit++;
	}
	(void)fprintf(out, "%llu", (unsigned long long)n);
	if (unit)
		(void)fputc(byte_units[unit - 1], out);
}

const char *config_parse_bytes_or_auto(const char *s, void *dst)
{
	uint64_t n = 0;

	if (strcasecmp(s, "auto") != 0 &&
	    (config_parse_bytes(s, &n) != NULL || n < 1 << 20 || n > SIZE_MAX / 2))
		return "not a number of bytes from 1M on (such as 64M), or \"auto\"";
	*(uint64_t *)dst = n;
	return NULL;
}

void config_print_bytes_or_auto(const void *src, FILE *out)
{
	if (*(const uint64_t *)src)
		config_print_bytes(src, out);
	else
		(void)fputs("auto", out);
}

const char *config_parse_mode(const char *s, void *dst)
{
	char *end;
	unsigned long n = strtoul(s, &end, 8);

	if (strspn(s, "01234567") != strlen(s) || *end || n == 0 || n > 0777)
		return "not permissions in octal, such as 0660";
	*(uint32_t *)dst = (uint32_t)n;
	return NULL;
}

void config_print_mode(const void *src, FILE *out)
{
	if (*(const uint32_t *)src)
		(void)fprintf(out, "%04o", *(const uint32_t *)src);
}

const char *config_parse_codes(const char *s, void *dst)
{
	struct config_codes codes = { 0 };
	uint64_t n;

	while (*s) {
		if (codes.n == ARRAY_LEN(codes.code))
			return "more than 16 exit codes";
		if (str_to_u64(next_part(&s), 255, &n) < 0)
			return "not a list of exit codes, such as 0,78";
		codes.code[codes.n++] = (uint8_t)n;
	}
	*(struct config_codes *)dst = codes;
	return NULL;
}

void config_print_codes(const void *src, FILE *out)
{
	const struct config_codes *c = src;

	for (unsigned i = 0; i < c->n; i++)
		(void)fprintf(out, "%s%u", i ? "," : "", c->code[i]);
}

const char *config_parse_start_limit(const char *s, void *dst)
{
	static const char wrong[] = "not ends/seconds, such as 8/60, or off";
	struct str ends = { s, strcspn(s, "/") }, seconds = { s, strlen(s) };
	uint64_t n, within_s;

	if (strcmp(s, "off") == 0) {
		*(struct config_start_limit *)dst = (struct config_start_limit){ 0 };
		return NULL;
	}
	if (ends.n == seconds.n)
		return wrong;
	seconds = (struct str){ s + ends.n + 1, seconds.n - ends.n - 1 };
	if (str_to_u64(ends, START_LIMIT_ENDS_MAX, &n) < 0 || n == 0 ||
	    str_to_u64(seconds, START_LIMIT_SECONDS_MAX, &within_s) < 0 || within_s == 0)
		return wrong;
	*(struct config_start_limit *)dst =
	    (struct config_start_limit){ .n = (uint32_t)n, .within_ms = (uint32_t)within_s * 1000 };
	return NULL;
}

void config_print_start_limit(const void *src, FILE *out)
{
	const struct config_start_limit *l = src;

	if (l->n)
		(void)fprintf(out, "%u/%u", l->n, l->within_ms / 1000);
	else
		(void)fputs("off", out);
}

/* -1: no such signal. */
static int signal_of(struct str name)
{
	uint64_t n;

	if (name.n == 4 && strncasecmp(name.p, "none", 4) == 0)
		return 0;
	if (str_to_u64(name, NSIG - 1, &n) == 0)
		return (int)n;
	if (name.n > 3 && strncasecmp(name.p, "SIG", 3) == 0)
		name = (struct str){ name.p + 3, name.n - 3 };
	for (int sig = 1; sig < NSIG; sig++) {
		const char *known = sigabbrev_np(sig);

		if (known && strlen(known) == name.n && strncasecmp(known, name.p, name.n) == 0)
			return sig;
	}
	return -1;
}

static void print_signal(int sig, FILE *out)
{
	const char *name = sig ? sigabbrev_np(sig) : "none";

	if (name)
		(void)fputs(name, out);
	else
		(void)fprintf(out, "%d", sig);
}

const char *config_parse_signal(const char *s, void *dst)
{
	int sig = signal_of(str_of(s));

	if (sig < 0)
		return "not a signal, such as TERM or 15, or none";
	*(int *)dst = sig;
	return NULL;
}

void config_print_signal(const void *src, FILE *out)
{
	print_signal(*(const int *)src, out);
}

const char *config_parse_signal_map(const char *s, void *dst)
{
	static const char wrong[] = "not a list of signals, such as HUP=TERM,USR1=none";
	struct config_signal_map map = { 0 };

	while (*s) {
		struct str part = next_part(&s), from = part, to;
		const char *eq = memchr(part.p, '=', part.n);
		int a, b;

		if (!eq)
			return wrong;
		from.n = (size_t)(eq - part.p);
		to = (struct str){ eq + 1, part.n - from.n - 1 };
		a = signal_of(from);
		b = signal_of(to);
		if (a <= 0 || b < 0)
			return wrong;
		if (map.n == ARRAY_LEN(map.row))
			return "more than 16 signals";
		map.row[map.n++] = (struct config_signal_pair){ a, b };
	}
	*(struct config_signal_map *)dst = map;
	return NULL;
}

void config_print_signal_map(const void *src, FILE *out)
{
	const struct config_signal_map *m = src;

	for (unsigned i = 0; i < m->n; i++) {
		(void)fputs(i ? "," : "", out);
		print_signal(m->row[i].from, out);
		(void)fputc('=', out);
		print_signal(m->row[i].to, out);
	}
}

const char *config_parse_networks(const char *s, void *dst)
{
	struct cidr_list list = { 0 };

	while (*s) {
		struct str part = next_part(&s);

		if (str_eq(part, STR("unix"))) {
			list.unix_peers = true;
			continue;
		}
		if (list.n == ARRAY_LEN(list.row))
			return "more than 64 networks";
		if (cidr_parse(part, &list.row[list.n++]) < 0)
			return "not a list of addresses and networks, such as "
			       "10.0.0.0/8,192.168.1.1,fd00::/8 or unix";
	}
	*(struct cidr_list *)dst = list;
	return NULL;
}

void config_print_networks(const void *src, FILE *out)
{
	const struct cidr_list *l = src;
	char text[IP_TEXT_MAX + 4];

	for (unsigned i = 0; i < l->n; i++) {
		cidr_print(&l->row[i], text);
		(void)fprintf(out, "%s%s", i ? "," : "", text);
	}
	if (l->unix_peers)
		(void)fputs(l->n ? ",unix" : "unix", out);
}

/* What frames a message, or ends at this hop, is not to be made up. */
static bool is_reserved_field(const char *s)
{
	static const char *const names[] = { "host",        "content-length", "transfer-encoding",
					     "connection",  "upgrade",        "te",
					     "trailer",     "keep-alive",     "expect",
					     "traceparent", "tracestate" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcasecmp(s, names[i]) == 0)
			return true;
	return false;
}

const char *config_parse_field_name(const char *s, void *dst)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_";

	if (strspn(s, letters) != strlen(s) || strlen(s) > 64 || is_reserved_field(s))
		return "not the name of a field for an id, such as X-Request-ID";
	*(const char **)dst = s;
	return NULL;
}
