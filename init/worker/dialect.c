/* The serialization, by what the runtime can bear. */
#include "init/worker/dialect.h"

#include <stdio.h>

#include "base/macros.h"

#include "base/ban.h"

/* Node lines where a read of the channel that ends inside a length prefix stalls it for ever: minor
 * versions from, to. Of the odd ones and of those before 18 nobody knows. */
static const struct {
	unsigned major, from, to;
} stalling[] = { { 18, 5, 999 }, { 19, 0, 999 }, { 20, 0, 18 },
		 { 21, 0, 999 }, { 22, 0, 13 },  { 23, 0, 999 } };

enum { FIRST_KNOWN = 18 };

bool dialect_stalls(const char *version)
{
	unsigned major, minor;

	if (sscanf(version, "v%u.%u", &major, &minor) != 2 || major < FIRST_KNOWN)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(stalling); i++)
		if (major == stalling[i].major && minor >= stalling[i].from &&
		    minor <= stalling[i].to)
			return true;
	return false;
}

const char *dialect_program(const struct command *cmd)
{
	return cmd->runtime == RUNTIME_NODE ? cmd->argv[0] : "node";
}

static struct dialect by_runtime(const struct command *cmd)
{
	char found[COMMAND_PATH_MAX];

	if (cmd->runtime == RUNTIME_BUN)
		return (struct dialect){ SERIAL_JSON, .why = "by runtime" };
	if (cmd->runtime == RUNTIME_DENO)
		return (struct dialect){ SERIAL_ADVANCED, .why = "by runtime" };
	if (cmd->has_script_inside)
		return (struct dialect){ SERIAL_ADVANCED, .bound_unread = true,
					 .why = "keeps binary intact" };
	if (command_find(dialect_program(cmd), found) < 0)
		return (struct dialect){ SERIAL_ADVANCED, .why = "no node in PATH" };
	return (struct dialect){ SERIAL_ADVANCED, .bound_unread = true, .is_open = true,
				 .why = "keeps binary intact" };
}

struct dialect dialect_choose(const struct config *c, const struct command *cmd)
{
	struct dialect d = by_runtime(cmd);

	if (c->serialization == CONFIG_SERIAL_AUTO)
		return d;
	d.why = "by setting";
	d.mode = c->serialization == CONFIG_SERIAL_JSON ? SERIAL_JSON : SERIAL_ADVANCED;
	if (d.mode == SERIAL_JSON)
		d.bound_unread = d.is_open = false;
	return d;
}
