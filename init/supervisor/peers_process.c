#include "init/supervisor/peers_process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "init/supervisor/core.h"
#include "init/system/credentials.h"
#include "init/system/spawn.h"

#include "base/ban.h"

enum { ENTRIES_MAX = 8 };

static void put(FILE *out, const char *name, const char *value)
{
	if (value)
		(void)fprintf(out, "%s=%s%c", name, value, '\0');
}

/* Each entry ends with NUL, and an empty one is the last. */
static char *print_env(const struct init *in)
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	if (!out)
		return NULL;
	put(out, "SIOINIT_ROLE", "peers");
	put(out, "SIOINIT_PEERS", in->config->peers);
	put(out, "SIOINIT_SANDBOX", in->config->sandbox == CONFIG_SANDBOX_OFF ? "off" : NULL);
	put(out, "SIOINIT_LOG_FORMAT", in->config->log_format ? "json" : NULL);
	put(out, "JOURNAL_STREAM", getenv("JOURNAL_STREAM"));
	put(out, "LD_LIBRARY_PATH", getenv("LD_LIBRARY_PATH"));
	if (in->credentials.change) {
		(void)fputs("SIOINIT_IDS=", out);
		credentials_print(&in->credentials, out);
		(void)fputc('\0', out);
	}
	(void)fputc('\0', out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static pid_t start(const struct init *in)
{
	char *argv[] = { (char *)"sioinit: peers", NULL }, *env[ENTRIES_MAX + 1];
	char *text = print_env(in);
	struct spawn_request rq = { .argv = argv,
				    .env = env,
				    .inherit_fd = -1,
				    .own_group = 1,
				    .terminal = -1,
				    .stdio = { -1, -1, -1 } };
	int n = 0;
	pid_t pid;

	for (char *e = text; e && *e && n < ENTRIES_MAX; e += strlen(e) + 1)
		env[n++] = e;
	env[n] = NULL;
	pid = text ? spawn_self(&rq) : -ENOMEM;
	free(text);
	return pid;
}

void peers_process_look(struct init *in)
{
	pid_t pid;

	if (!in->config->peers || in->peers.is_started || !in->hub.groups)
		return;
	in->peers.is_started = true;
	pid = start(in);
	if (pid < 0)
		log_warn("init: nobody looks for SIOINIT_PEERS: %s", strerror(-pid));
	else
		in->peers.pid = pid;
}

bool peers_process_ended(struct init *in, pid_t pid)
{
	if (in->peers.pid == 0 || pid != in->peers.pid)
		return false;
	in->peers.pid = 0;
	return true;
}
