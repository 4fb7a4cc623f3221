/* Node's inspector: a port for each worker, the one that is asked for and the slot. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The port for @slot, by what @argv (Node and its options; NULL: it is not known to be Node) or
 * else @node_options (or NULL) say; behind 65535 it goes on at 1024. 0: as they say it, which is
 * slot 0, no inspector, or one at any port. */
unsigned inspect_port(char *const *argv, const char *node_options, unsigned slot);

/* Whether one of @argv's words asks for an inspector. Then @word is put behind the last of them;
 * @argv has room for one more. */
bool inspect_put(char **argv, char *word);
