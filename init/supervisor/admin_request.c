/* The commands of the admin socket, by table: a command's words after its name are its own to read.
 */
#include "init/supervisor/admin_request.h"

#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "base/str.h"
#include "init/pool/pool.h"
#include "settings/config_values.h"

#include "base/ban.h"

/* @n words after the command's name. False: not what it takes. */
typedef bool read_fn(const char *const *words, size_t n, struct admin_request *ret);

static bool read_nothing(const char *const *words, size_t n, struct admin_request *ret)
{
	(void)words;
	(void)ret;
	return n == 0;
}

static bool read_status(const char *const *words, size_t n, struct admin_request *ret)
{
	ret->json = n == 1 && strcmp(words[0], "--json") == 0;
	return n == 0 || ret->json ||
	       (n == 2 && strcmp(words[0], "--sort") == 0 && report_sort_of(words[1], &ret->sort));
}

static bool read_targets(const char *const *words, size_t n, struct admin_request *ret)
{
	for (size_t i = 0; i < n; i++)
		ret->targets[i] = words[i];
	ret->n_targets = n;
	return true;
}

static bool read_some(const char *const *words, size_t n, struct admin_request *ret)
{
	return n > 0 && read_targets(words, n, ret);
}

static bool read_one(const char *const *words, size_t n, struct admin_request *ret)
{
	return n == 1 && read_targets(words, n, ret);
}

static bool read_one_at_most(const char *const *words, size_t n, struct admin_request *ret)
{
	return n <= 1 && read_targets(words, n, ret);
}

/* N, +N or -N */
static bool read_number(const char *word, struct admin_request *ret)
{
	uint64_t number;

	ret->sign = (word[0] == '+') - (word[0] == '-');
	if (str_to_u64(str_of(word + (ret->sign != 0)), POOL_MAX, &number) < 0)
		return false;
	ret->number = (uint32_t)number;
	return number > 0;
}

static bool read_workers(const char *const *words, size_t n, struct admin_request *ret)
{
	return (n == 1 || n == 2) && read_targets(words, n - 1, ret) &&
	       read_number(words[n - 1], ret);
}

static bool read_signal(const char *const *words, size_t n, struct admin_request *ret)
{
	return n == 2 && read_targets(words, 1, ret) && !config_parse_signal(words[1], &ret->sig) &&
	       ret->sig != 0;
}

static bool read_drain(const char *const *words, size_t n, struct admin_request *ret)
{
	ret->off = n == 1 && strcmp(words[0], "off") == 0;
	return n == 0 || ret->off;
}

static bool read_deaths(const char *const *words, size_t n, struct admin_request *ret)
{
	(void)ret;
	return n == 1 && strcmp(words[0], "--death") == 0;
}

/* WHO LINES on|once */
static bool read_follow(const char *const *words, size_t n, struct admin_request *ret)
{
	uint64_t lines;

	if (n != 3 || str_to_u64(str_of(words[1]), UINT32_MAX, &lines) < 0)
		return false;
	ret->number = (uint32_t)lines;
	ret->once = strcmp(words[2], "once") == 0;
	return (ret->once || strcmp(words[2], "on") == 0) && read_targets(words, 1, ret);
}

static const struct {
	const char *word;
	enum admin_command command;
	read_fn *read;
	const char *usage;
} commands[] = {
	{ "status", ADMIN_STATUS, read_status,
	  "usage: sioinit status [--json] [--watch] [--sort slot|lag|memory|cpu|sessions]" },
	{ "reload", ADMIN_RELOAD, read_targets, "usage: sioinit reload [SLOT|NAME|all ...]" },
	{ "scale", ADMIN_SCALE, read_workers, "usage: sioinit scale [NAME] N|+N|-N (1 to 1024)" },
	{ "restart", ADMIN_RESTART, read_some, "usage: sioinit restart SLOT|NAME|all ..." },
	{ "stop", ADMIN_STOP, read_targets, "usage: sioinit stop [NAME|all]" },
	{ "describe", ADMIN_DESCRIBE, read_one, "usage: sioinit describe SLOT|NAME|all" },
	{ "pid", ADMIN_PID, read_one_at_most, "usage: sioinit pid [SLOT|NAME|all]" },
	{ "id", ADMIN_ID, read_one, "usage: sioinit id NAME" },
	{ "signal", ADMIN_SIGNAL, read_signal, "usage: sioinit signal SLOT|NAME|all SIGNAL" },
	{ "drain", ADMIN_DRAIN, read_drain, "usage: sioinit drain [off]" },
	{ "logs", ADMIN_DEATHS, read_deaths, ADMIN_LOGS_USAGE },
	{ "follow", ADMIN_FOLLOW, read_follow, ADMIN_LOGS_USAGE },
	{ "rebalance", ADMIN_REBALANCE, read_nothing, "usage: sioinit rebalance" },
	{ "admin-address", ADMIN_ADDRESS, read_nothing, "usage: sioinit health [--ready]" },
};

int admin_request_read(const char *bytes, size_t n, struct admin_request *ret)
{
	const char *words[ADMIN_WORDS_MAX];
	size_t n_words = 0;

	*ret = (struct admin_request){ 0 };
	for (size_t at = 0; at < n && n_words < ADMIN_WORDS_MAX; at += strlen(bytes + at) + 1)
		words[n_words++] = bytes + at;
	for (size_t i = 0; i < ARRAY_LEN(commands) && n_words > 0; i++) {
		if (strcmp(words[0], commands[i].word) != 0)
			continue;
		ret->command = commands[i].command;
		ret->usage = commands[i].usage;
		return commands[i].read(words + 1, n_words - 1, ret) ? 0 : -EINVAL;
	}
	return -EINVAL;
}
