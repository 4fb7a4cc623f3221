/* What a worker is told. PORT is where it listens: the public port under node:cluster, a port of
 * its own, or the path of a socket. A public port that nobody has set is not told, as an app that
 * takes PORT from a file of its own (dotenv, --env-file) lets the environment come first. */
#include "init/worker/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "init/listen/frontend.h"
#include "init/logs/logs.h"
#include "init/system/credentials.h"
#include "init/system/memory.h"
#include "init/system/spawn.h"
#include "init/system/terminal.h"
#include "init/worker/claim_script.h"
#include "init/worker/context.h"
#include "init/worker/exec_failure.h"
#include "init/worker/heap.h"
#include "init/worker/inspect.h"
#include "init/worker/instance.h"
#include "init/worker/worker.h"

#include "base/ban.h"

enum { WORDS_MAX = 24, WORD_SIZE = 128 };

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
	const struct worker_context *cx = w->context;

	add(env, "NODE_CHANNEL_FD=%d", far);
	add(env, "NODE_CHANNEL_SERIALIZATION_MODE=%s",
	    cx->dialect.mode == SERIAL_JSON ? "json" : "advanced");
	if (cx->reach.cluster)
		add(env, "NODE_UNIQUE_ID=%u", w->id);
}

static void tell_place(const struct worker *w, struct words *env, const char *port)
{
	if (w->endpoint.path[0] || w->endpoint.port || frontend_tells_port(w->frontend, w->config))
		add(env, "PORT=%s", port);
	if (w->endpoint.path[0]) {
		add(env, "SIOINIT_SOCKET=%s", port);
		add(env, "UDS=%s", port);
	}
	if (w->endpoint.path[0] || w->endpoint.port)
		add(env,
		    "WEB_CONCURRENCY=1"); /* gunicorn, uvicorn: the processes are ours to make */
}

static void tell_instance(const struct worker *w, struct words *env)
{
	char list[INSTANCE_VARIABLES][INSTANCE_VARIABLE_SIZE];
	size_t n = instance_variables(w->context, w->slot, list);

	for (size_t i = 0; i < n; i++)
		add(env, "%s", list[i]);
}

/* What is added to our environment; @words and @node_options hold the texts. */
static void tell(const struct worker *w, int far, char *node_options, struct words *words)
{
	const struct worker_context *cx = w->context;
	char *user[CREDENTIALS_ENV_MAX], port[ENDPOINT_PATH_MAX];

	name_port(w, port, sizeof(port));
	tell_instance(w, words);
	add(words, "SIOINIT_SLOT=%u", w->slot);
	add(words, "SIOINIT_WORKERS=%u", cx->wanted);
	tell_place(w, words, port);
	if (w->has_channel)
		tell_channel(w, words, far);
	if (node_options)
		words->list[words->n++] = node_options;
	credentials_env(cx->credentials, user);
	for (char **u = user; *u; u++)
		words->list[words->n++] = *u;
}

static pid_t run(struct worker *w, char *const *argv, char *const *env, int far,
		 const struct log_pipes *logs, enum spawn_step *ret_step)
{
	const struct worker_context *cx = w->context;
	auto_fd int input = cx->wanted > 1 ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -1;
	struct spawn_request rq = { .argv = argv,
				    .env = env,
				    .inherit_fd = w->has_channel ? far : -1,
				    .own_group = 1,
				    .terminal = terminal_for_worker(cx->terminal, cx->wanted),
				    .stdio = { input, logs->out, logs->err },
				    .as = cx->credentials,
				    .no_new_privs = cx->config->no_new_privs,
				    .worker = cx->config,
				    .ret_step = ret_step };
	pid_t pid = argv && env ? spawn(&rq) : -ENOMEM;

	if (rq.terminal >= 0)
		terminal_taken(cx->terminal, pid);
	return pid;
}

/* The exit code. */
static int explain(const struct worker *w, const char *program, enum spawn_step step, int err)
{
	struct spawn_result failed = { step, err };
	char found[COMMAND_PATH_MAX], text[1024];
	int code;

	if (command_find(program, found) < 0)
		(void)snprintf(found, sizeof(found), "%s", program);
	code = exec_failure_explain(found, &failed, text, sizeof(text));
	log_error(SIO_108, "worker[%u]: cannot start: %s (exit code %d)", w->slot, text, code);
	return code;
}

/* The entry for NODE_OPTIONS; owned, NULL: as ours. */
static char *tell_node(const struct worker *w)
{
	static const char name[] = "NODE_OPTIONS=";
	const struct worker_context *cx = w->context;
	const char *now = getenv("NODE_OPTIONS");
	char *heap =
	    heap_node_options(now, heap_megabytes(cx->config, cx->memory->limit, cx->wanted));
	char socket[CLAIM_NAME_LEN + 1], *all;

	if (!w->is_claimed)
		return heap;
	claim_name(socket);
	all = claim_node_options(heap ? heap + strlen(name) : now, socket, cx->claimed_from);
	free(heap);
	return all;
}

/* An inspector for each: the port is the last word of whoever asks, @argv or NODE_OPTIONS. @entry,
 * NODE_OPTIONS=value or NULL, or what takes its place; it is free()d then. */
static char *tell_inspector(const struct worker *w, char **argv, char *entry)
{
	const char *now = entry ? strchr(entry, '=') + 1 : getenv("NODE_OPTIONS");
	bool is_node = w->context->command->runtime == RUNTIME_NODE;
	unsigned port = inspect_port(is_node ? argv : NULL, now, w->slot);
	char *word, *longer;

	if (port == 0 || asprintf(&word, "--inspect-port=%u", port) < 0)
		return entry;
	if (is_node && inspect_put(argv, word))
		return entry;
	if (asprintf(&longer, "NODE_OPTIONS=%s %s", now, word) >= 0) {
		free(entry);
		entry = longer;
	}
	free(word);
	return entry;
}

static pid_t start(struct worker *w, int far, const struct log_pipes *logs, int *ret_code)
{
	const struct worker_context *cx = w->context;
	char port[ENDPOINT_PATH_MAX];
	char *options = tell_node(w);
	struct words words = { .n = 0 };
	enum spawn_step step = SPAWN_FORK;
	char **argv, **env;
	pid_t pid;

	name_port(w, port, sizeof(port));
	argv = command_argv(cx->command, port, w->endpoint.path);
	if (argv)
		options = tell_inspector(w, argv, options);
	tell(w, far, options, &words);
	env = spawn_env(words.list);
	pid = run(w, argv, env, far, logs, &step);
	if (pid < 0 && step != SPAWN_FORK)
		*ret_code = explain(w, cx->command->argv[0], step, -pid);
	command_free_argv(argv);
	free(env);
	free(options);
	return pid;
}

pid_t launch(struct worker *w, int far, int *ret_code)
{
	const struct worker_context *cx = w->context;
	struct log_pipes logs;
	pid_t pid = logs_open(cx->logs, w->slot, &logs);

	if (pid == 0)
		pid = start(w, far, &logs, ret_code);
	logs_started(&logs, pid);
	return pid;
}
