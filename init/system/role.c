/* Written as one text of entries that each end with NUL, then pointed into. */
#include "init/system/role.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "init/system/credentials.h"
#include "init/system/spawn.h"
#include "settings/config.h"

#include "base/ban.h"

const struct role role_router = { "router", "sioinit: router" };
const struct role role_logs = { "logs", "sioinit: logs" };
const struct role role_peers = { "peers", "sioinit: peers" };

/* What its log goes to (systemd.exec(5)) and looks like (base/tty.h, tzset(3)), where its libraries
 * are when they are not the system's (ld.so(8)), and the options of sanitizers in builds that have
 * them. */
static const char *const kept[] = { "JOURNAL_STREAM=",  "TERM=",         "NO_COLOR=",
				    "CLICOLOR_FORCE=",  "FORCE_COLOR=",  "TZ=",
				    "LD_LIBRARY_PATH=", "ASAN_OPTIONS=", "LSAN_OPTIONS=",
				    "UBSAN_OPTIONS=" };

/* Commands: passwords may stand in them. */
static const char *const commands[] = { "SIOINIT_PRE_START=", "SIOINIT_SIDECAR_" };

static bool begins_with(const char *entry, const char *name)
{
	return strncmp(entry, name, strlen(name)) == 0;
}

static bool is_kept(const char *entry)
{
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		if (begins_with(entry, kept[i]))
			return true;
	return false;
}

static bool is_command(const char *setting)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (begins_with(setting, commands[i]))
			return true;
	return false;
}

static void put_kept(FILE *out)
{
	for (char **e = environ; *e; e++)
		if (is_kept(*e))
			(void)fprintf(out, "%s%c", *e, '\0');
}

static void put_settings(FILE *out, const char *settings)
{
	for (const char *s = settings; *s; s += strlen(s) + 1)
		if (!is_command(s))
			(void)fprintf(out, "%s%c", s, '\0');
}

static void put_ids(FILE *out, const struct credentials *ids)
{
	if (!ids->change)
		return;
	(void)fputs(ROLE_IDS "=", out);
	credentials_print(ids, out);
	(void)fputc('\0', out);
}

/* All entries and an empty one. NULL: out of memory. */
static char *print(const char *name, const struct config *c, const struct credentials *ids, int fd,
		   size_t *ret_n)
{
	char *settings = config_environment(c, CONFIG_FROM_DEFAULT), *text = NULL;
	FILE *out = settings ? open_memstream(&text, ret_n) : NULL;

	if (out) {
		put_kept(out);
		put_settings(out, settings);
		put_ids(out, ids);
		(void)fprintf(out, ROLE_NAME "=%s%c" ROLE_FD "=%d%c%c", name, '\0', fd, '\0', '\0');
		if (fclose(out) == EOF) {
			free(text);
			text = NULL;
		}
	}
	free(settings);
	return text;
}

static size_t count(const char *text)
{
	size_t n = 0;

	for (; *text; text += strlen(text) + 1)
		n++;
	return n;
}

/* @text, moved behind the pointers to its entries. */
static char **point_into(const char *text, size_t bytes)
{
	size_t n = count(text);
	char **env = malloc((n + 1) * sizeof(*env) + bytes);
	char *at;

	if (!env)
		return NULL;
	at = (char *)(env + n + 1);
	memcpy(at, text, bytes);
	for (size_t i = 0; i < n; i++, at += strlen(at) + 1)
		env[i] = at;
	env[n] = NULL;
	return env;
}

char **role_env(const char *name, const struct config *c, const struct credentials *ids, int fd)
{
	size_t bytes = 0;
	char *text = print(name, c, ids, fd, &bytes);
	char **env = text ? point_into(text, bytes) : NULL;

	free(text);
	return env;
}

pid_t role_start(const struct role *role, const struct config *c, const struct credentials *ids,
		 int fd)
{
	char *argv[] = { (char *)role->process, NULL };
	char **env = role_env(role->name, c, ids, fd);
	struct spawn_request rq = { .argv = argv,
				    .env = env,
				    .inherit_fd = fd,
				    .own_group = 1,
				    .terminal = -1,
				    .stdio = { -1, -1, -1 } };
	pid_t pid = env ? spawn_self(&rq) : -ENOMEM;

	free(env);
	return pid;
}
