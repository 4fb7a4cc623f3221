/* Written as one text of entries that each end with NUL, then pointed into. */
#include "init/routers/router_env.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "init/system/credentials.h"
#include "settings/config.h"

#include "base/ban.h"

/* What its log goes to (systemd.exec(5)), where its libraries are when they are not the system's
 * (ld.so(8)), and the options of sanitizers in builds that have them. */
static const char *const kept[] = { "JOURNAL_STREAM=", "LD_LIBRARY_PATH=", "ASAN_OPTIONS=",
				    "LSAN_OPTIONS=", "UBSAN_OPTIONS=" };

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
	(void)fputs("SIOINIT_IDS=", out);
	credentials_print(ids, out);
	(void)fputc('\0', out);
}

/* All entries and an empty one. NULL: out of memory. */
static char *print(const struct config *c, const struct credentials *ids, int control_fd,
		   size_t *ret_n)
{
	char *settings = config_environment(c, CONFIG_FROM_DEFAULT), *text = NULL;
	FILE *out = settings ? open_memstream(&text, ret_n) : NULL;

	if (out) {
		put_kept(out);
		put_settings(out, settings);
		put_ids(out, ids);
		(void)fprintf(out, "SIOINIT_ROLE=router%cSIOINIT_CONTROL_FD=%d%c%c", '\0',
			      control_fd, '\0', '\0');
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

char **router_env(const struct config *c, const struct credentials *ids, int control_fd)
{
	size_t bytes = 0;
	char *text = print(c, ids, control_fd, &bytes);
	char **env = text ? point_into(text, bytes) : NULL;

	free(text);
	return env;
}
