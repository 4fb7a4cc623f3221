/* What Node is told in NODE_OPTIONS, so that the process of the app, however deep below what we
 * have started, asks for the worker's channel.
 *
 * Node programs open an inherited channel when they start and close it to their children, and what
 * they leave to them is 0, 1, 2 and the environment. So the channel is not inherited: a script
 * (--import of a data: URL, no file) runs in each Node process before its own. It does nothing in
 * those that only start others (starters.h), in threads and under `node -e`. Any other process
 * connects to init; if it is told an id and a serialization, that connection is its channel from
 * then on, as if it had been started with it, and NODE_OPTIONS is again what it was, so that its
 * children are not asked. Such a channel keeps nobody alive who has not called listen() and hears
 * no messages: what ran before the app comes to its end.
 *
 * Where the process has a channel to what has started it (node --watch, nodemon), that is used for
 * what node --watch wants to hear, only: it hears no handles, which would be taken twice. */
#pragma once

#include <stddef.h>

/* A whole sun_path behind its NUL: Node 20 connects to no shorter name. */
enum { CLAIM_NAME_LEN = 107 };

/* The abstract name that init listens at. */
void claim_name(char dst[static CLAIM_NAME_LEN + 1]);

/* The entry for an environment where NODE_OPTIONS is @now (NULL: not set); @from: older majors of
 * Node do not ask. Owned; NULL: no memory. */
char *claim_node_options(const char *now, const char *name, unsigned from);
