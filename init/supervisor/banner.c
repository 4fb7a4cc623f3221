#include "init/supervisor/banner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/log.h"
#include "init/supervisor/core.h"
#include "init/system/cpus.h"
#include "settings/config_command.h"

#include "base/ban.h"

enum { COMMAND_MAX = 160 };

/* As a shell has it, and cut where it is long. */
static void name_command(const struct command *cmd, char dst[static COMMAND_MAX])
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	if (!out)
		return;
	config_command_print(cmd->argv, out);
	if (fclose(out) == 0)
		dst[escape_terminal((struct str){ text, n }, dst, COMMAND_MAX - 1)] = '\0';
	free(text);
}

static void name_places(const struct init *in, char *dst, size_t size)
{
	size_t n;

	frontend_name(&in->frontend, dst, size);
	n = strlen(dst);
	if (in->frontend.n_http && !frontend_tells_port(&in->frontend, in->config))
		(void)snprintf(dst + n, size - n, ", and where the app listens");
}

static void explain_workers(const struct init *in, const struct cpus *cpus, char *dst, size_t size)
{
	struct str from = config_origin(in->config, "workers");
	bool is_fixed = in->config->workers.kind == WORKERS_FIXED;

	if (in->config->workers.kind == WORKERS_AUTO)
		from.n = 0;
	(void)snprintf(dst, size, "%.*s%s%s", (int)from.n, from.n ? from.p : "",
		       from.n && !is_fixed ? ": " : "", is_fixed ? "" : cpus->why);
}

/* Where a browser on this machine finds it. */
static void name_admin(const struct init *in, char *dst, size_t size)
{
	const struct config_address *a = &in->config->admin;
	bool is_any = !a->host[0] || strcmp(a->host, "0.0.0.0") == 0 || strcmp(a->host, "::") == 0,
	     is_v6 = !is_any && strchr(a->host, ':');

	if (in->frontend.admin < 0)
		(void)snprintf(dst, size, "%s", "(no SIOINIT_ADMIN)");
	else if (a->host[0] == '/')
		(void)snprintf(dst, size, "%s", a->host);
	else
		(void)snprintf(dst, size, "http://%s%s%s:%u/", is_v6 ? "[" : "",
			       is_any ? "127.0.0.1" : a->host, is_v6 ? "]" : "", a->port);
}

bool banner_say(const struct init *in, unsigned n_workers, const struct cpus *cpus)
{
	const char *strong = log_has_colours() ? "\x1b[1m" : "",
		   *usual = log_has_colours() ? "\x1b[0m" : "";
	char command[COMMAND_MAX] = "", places[256], why[192], admin[160], text[1024];

	if (!log_is_for_people() || log_get_level() < LOG_LEVEL_INFO)
		return false;
	name_command(in->command, command);
	name_places(in, places, sizeof(places));
	explain_workers(in, cpus, why, sizeof(why));
	name_admin(in, admin, sizeof(admin));
	(void)snprintf(text, sizeof(text),
		       "%ssioinit %s%s runs %s\n"
		       "  %sserves%s   %s\n"
		       "  %sworkers%s  %u (%s)\n"
		       "  %sstatus%s   %s; sioinit monit, reload, scale N, explain ID\n",
		       strong, SIOINIT_VERSION, usual, command, strong, usual, places, strong,
		       usual, n_workers, why, strong, usual, admin);
	log_text(text);
	return true;
}

void banner_progress(const struct init *in)
{
	unsigned ready = pool_count_ready(&in->pool), wanted = in->context.wanted;
	char text[64] = "";

	if (!in->told_ready && wanted > 1 && ready < wanted && !in->pool.is_closed &&
	    log_get_level() >= LOG_LEVEL_INFO)
		(void)snprintf(text, sizeof(text), "starting: %u/%u workers ready", ready, wanted);
	log_progress(text);
}
