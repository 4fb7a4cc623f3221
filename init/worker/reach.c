/* How workers are reached: tables by setting and by runtime. */
#include "init/worker/reach.h"

#include <string.h>

#include "base/ban.h"

static const struct reach by_setting[] = {
	[CONFIG_DISPATCH_LISTEN] = { WORKER_STYLE_LISTEN, .cluster = true },
	[CONFIG_DISPATCH_STICKY] = { WORKER_STYLE_STICKY, .cluster = true },
	[CONFIG_DISPATCH_PORT] = { WORKER_STYLE_PORT, .port = true },
	[CONFIG_DISPATCH_UNIX] = { .style = WORKER_STYLE_UNIX },
};

/* Bun's node:cluster binds the app's port by itself, while its channel works as Node's, but for
 * pings, which kill it; Deno's loses sockets that follow another message closely, so there it only
 * relays. */
static const struct reach by_runtime[] = {
	[RUNTIME_NODE] = { .cluster = true, .why = "Node: by what it does on its channel" },
	[RUNTIME_BUN] = { .cluster = true, .port = true, .why = "Bun: by its channel or its port" },
	[RUNTIME_DENO] = { WORKER_STYLE_PORT, .port = true, .why = "Deno" },
	[RUNTIME_WRAPPER] = { .cluster = true,
			      .port = true,
			      .why = "whatever that starts: by its channel or its port" },
	[RUNTIME_OTHER] = { WORKER_STYLE_PORT, .port = true, .why = "no Node" },
};

static const struct {
	bool has_channel, answers_pings;
} abilities[] = {
	[RUNTIME_NODE] = { true, true },    [RUNTIME_BUN] = { true, false },
	[RUNTIME_DENO] = { true, false },   [RUNTIME_WRAPPER] = { false, true },
	[RUNTIME_OTHER] = { false, false },
};

static bool has_placeholder(const struct command *cmd, const char *placeholder)
{
	for (size_t i = 1; i < cmd->argc; i++)
		if (strstr(cmd->argv[i], placeholder))
			return true;
	return false;
}

static struct reach choose_reach(const struct config *c, const struct command *cmd)
{
	struct reach r = by_setting[c->dispatch];

	r.why = "by setting";
	if (c->dispatch != CONFIG_DISPATCH_AUTO)
		return r;
	if (has_placeholder(cmd, "{socket}"))
		return (struct reach){ WORKER_STYLE_UNIX, .why = "{socket} among the arguments" };
	if (has_placeholder(cmd, "{port}"))
		return (struct reach){ WORKER_STYLE_PORT, .port = true,
				       .why = "{port} among the arguments" };
	return by_runtime[cmd->runtime];
}

struct reach command_reach(const struct config *c, const struct command *cmd)
{
	struct reach r = choose_reach(c, cmd);

	r.channel = r.cluster || abilities[cmd->runtime].has_channel;
	r.claimed = r.channel && cmd->runtime == RUNTIME_WRAPPER;
	r.pings = r.cluster && abilities[cmd->runtime].answers_pings;
	return r;
}

bool command_reads_channel(const struct command *cmd)
{
	return abilities[cmd->runtime].has_channel;
}
