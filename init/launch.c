/* What a worker is told. PORT is where it listens: the public port under node:cluster, a port of
 * its own, or the path of a socket. */
#include "init/launch.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "init/core.h"
#include "init/spawn.h"
#include "init/worker.h"

#include "base/ban.h"

enum { WORDS_MAX = 16, WORD_SIZE = 128 };

struct words {
	char text[WORDS_MAX][WORD_SIZE];
	char *list[WORDS_MAX + 1];
	size_t n;
};

static void add(struct words *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct words *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(w->text[w->n], WORD_SIZE, fmt, ap);
	va_end(ap);
	w->list[w->n] = w->text[w->n];
	w->n++;
}

static void name_port(const struct worker *w, char *dst, size_t size)
{
	if (w->endpoint.path[0])
		(void)snprintf(dst, size, "%s", w->endpoint.path);
	else
		(void)snprintf(dst, size, "%u",
			       w->endpoint.port ? w->endpoint.port : w->config->port);
}

static void tell_channel(const struct worker *w, struct words *env, int far)
{
	const struct init *in = w->owner;

	add(env, "NODE_CHANNEL_FD=%d", far);
	add(env, "NODE_CHANNEL_SERIALIZATION_MODE=%s",
	    in->dialect.mode == SERIAL_JSON ? "json" : "advanced");
	if (in->reach.cluster)
		add(env, "NODE_UNIQUE_ID=%u", w->id);
}

static void tell_place(const struct worker *w, struct words *env, const char *port)
{
	add(env, "PORT=%s", port);
	if (w->endpoint.path[0]) {
		add(env, "SIOINIT_SOCKET=%s", port);
		add(env, "UDS=%s", port);
	}
	if (w->endpoint.path[0] || w->endpoint.port)
		add(env,
		    "WEB_CONCURRENCY=1"); /* gunicorn, uvicorn: the processes are ours to make */
}

pid_t launch(const struct worker *w, int far)
{
	const struct init *in = w->owner;
	struct words extra = { .n = 0 };
	struct spawn_request rq = { .inherit_fd = in->reach.channel ? far : -1, .own_group = 1 };
	char port[ENDPOINT_PATH_MAX], **argv, **env;
	pid_t pid = -ENOMEM;

	name_port(w, port, sizeof(port));
	add(&extra, "NODE_APP_INSTANCE=%u", w->slot);
	add(&extra, "SIOINIT_SLOT=%u", w->slot);
	add(&extra, "SIOINIT_WORKERS=%u", in->pool.wanted);
	tell_place(w, &extra, port);
	if (in->reach.channel)
		tell_channel(w, &extra, far);
	env = spawn_env(extra.list);
	argv = command_argv(in->command, port, w->endpoint.path);
	if (env && argv) {
		rq.env = env;
		rq.argv = argv;
		pid = spawn(&rq);
	}
	command_free_argv(argv);
	free(env);
	return pid;
}
