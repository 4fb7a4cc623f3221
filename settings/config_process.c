/* Settings of the workers' processes: limits, umask, nice, oom_score_adj. See config_values.h. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

#include "base/macros.h"
#include "base/str.h"
#include "settings/config.h"
#include "settings/config_values.h"

#include "base/ban.h"

enum { RLIMIT_TEXT_MAX = 64, UMASK_MAX = 0777 };

static const char inherit[] = "inherit", automatic[] = "auto";

/* setrlimit(2) */
static const struct {
	const char *name;
	int resource;
	bool is_bytes;
} rlimits[] = {
	{ "nofile", RLIMIT_NOFILE, false },
	{ "core", RLIMIT_CORE, true },
	{ "nproc", RLIMIT_NPROC, false },
	{ "stack", RLIMIT_STACK, true },
	{ "as", RLIMIT_AS, true },
	{ "data", RLIMIT_DATA, true },
	{ "fsize", RLIMIT_FSIZE, true },
	{ "memlock", RLIMIT_MEMLOCK, true },
	{ "cpu", RLIMIT_CPU, false },
	{ "sigpending", RLIMIT_SIGPENDING, false },
	{ "msgqueue", RLIMIT_MSGQUEUE, true },
	{ "nice", RLIMIT_NICE, false },
	{ "rtprio", RLIMIT_RTPRIO, false },
	{ "rttime", RLIMIT_RTTIME, false },
	{ "rss", RLIMIT_RSS, true },
	{ "locks", RLIMIT_LOCKS, false },
};

static const char not_rlimits[] = "not a list of limits, such as nofile=1024:65536,core=unlimited "
				  "(nofile, core, nproc, stack, as, data, fsize, memlock, cpu, "
				  "sigpending, msgqueue, nice, rtprio, rttime, rss, locks)";

static bool read_limit(const char *s, bool is_bytes, uint64_t *ret)
{
	if (strcasecmp(s, "unlimited") == 0 || strcasecmp(s, "infinity") == 0 ||
	    strcmp(s, "-1") == 0) {
		*ret = UINT64_MAX;
		return true;
	}
	if (is_bytes)
		return config_parse_bytes(s, ret) == NULL;
	return str_to_u64(str_of(s), INT64_MAX, ret) == 0;
}

/* @s, NAME=SOFT or NAME=SOFT:HARD, is cut into pieces. */
static bool read_rlimit(char *s, struct config_rlimit *ret)
{
	char *soft = strchr(s, '='), *hard;

	if (!soft)
		return false;
	*soft++ = '\0';
	hard = strchr(soft, ':');
	if (hard)
		*hard++ = '\0';
	for (size_t i = 0; i < ARRAY_LEN(rlimits); i++) {
		if (strcasecmp(s, rlimits[i].name) != 0)
			continue;
		ret->resource = rlimits[i].resource;
		return read_limit(soft, rlimits[i].is_bytes, &ret->soft) &&
		       read_limit(hard ? hard : soft, rlimits[i].is_bytes, &ret->hard) &&
		       ret->soft <= ret->hard;
	}
	return false;
}

const char *config_parse_rlimits(const char *s, void *dst)
{
	struct config_rlimits list = { 0 };

	while (*s) {
		size_t n = strcspn(s, ",");
		char one[RLIMIT_TEXT_MAX];

		if (list.n == ARRAY_LEN(list.row))
			return "more than 16 limits";
		if (n >= sizeof(one))
			return not_rlimits;
		memcpy(one, s, n);
		one[n] = '\0';
		if (!read_rlimit(one, &list.row[list.n++]))
			return not_rlimits;
		s += n + (s[n] == ',');
	}
	*(struct config_rlimits *)dst = list;
	return NULL;
}

static const char *rlimit_name(int resource)
{
	size_t i = 0;

	while (rlimits[i].resource != resource)
		i++;
	return rlimits[i].name;
}

static void print_limit(char before, uint64_t n, FILE *out)
{
	if (n == UINT64_MAX)
		(void)fprintf(out, "%cunlimited", before);
	else
		(void)fprintf(out, "%c%llu", before, (unsigned long long)n);
}

void config_print_rlimits(const void *src, FILE *out)
{
	const struct config_rlimits *l = src;

	for (unsigned i = 0; i < l->n; i++) {
		(void)fprintf(out, "%s%s", i ? "," : "", rlimit_name(l->row[i].resource));
		print_limit('=', l->row[i].soft, out);
		print_limit(':', l->row[i].hard, out);
	}
}

const char *config_parse_umask(const char *s, void *dst)
{
	char *end;
	unsigned long mode = strtoul(s, &end, 8);

	if (strcasecmp(s, inherit) == 0) {
		*(int *)dst = CONFIG_AS_SIOINIT;
		return NULL;
	}
	if (strspn(s, "01234567") != strlen(s) || *end || mode > UMASK_MAX)
		return "not an octal umask, such as 027, or \"inherit\"";
	*(int *)dst = (int)mode;
	return NULL;
}

void config_print_umask(const void *src, FILE *out)
{
	if (*(const int *)src == CONFIG_AS_SIOINIT)
		(void)fputs(inherit, out);
	else
		(void)fprintf(out, "%03o", (unsigned)*(const int *)src);
}

/* A number from @least to @most, or @word. */
static bool read_integer(const char *s, const char *word, int least, int most, void *dst)
{
	bool negative = s[0] == '-';
	uint64_t n;
	int value;

	if (strcasecmp(s, word) == 0) {
		*(int *)dst = CONFIG_AS_SIOINIT;
		return true;
	}
	if (str_to_u64(str_of(s + negative), OOM_SCORE_ADJ_MAX, &n) < 0)
		return false;
	value = negative ? -(int)n : (int)n;
	if (value < least || value > most)
		return false;
	*(int *)dst = value;
	return true;
}

static void print_integer(int value, const char *word, FILE *out)
{
	if (value == CONFIG_AS_SIOINIT)
		(void)fputs(word, out);
	else
		(void)fprintf(out, "%d", value);
}

const char *config_parse_nice(const char *s, void *dst)
{
	return read_integer(s, inherit, -20, 19, dst)
		   ? NULL
		   : "not a nice value from -20 to 19, or \"inherit\"";
}

void config_print_nice(const void *src, FILE *out)
{
	print_integer(*(const int *)src, inherit, out);
}

const char *config_parse_oom_score_adj(const char *s, void *dst)
{
	return read_integer(s, automatic, -OOM_SCORE_ADJ_MAX, OOM_SCORE_ADJ_MAX, dst)
		   ? NULL
		   : "not a number from -1000 to 1000, or \"auto\"";
}

void config_print_oom_score_adj(const void *src, FILE *out)
{
	print_integer(*(const int *)src, automatic, out);
}
