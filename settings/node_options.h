/* What Node's own options say that concerns the routers, too: they stand before the script or in
 * NODE_OPTIONS. */
#pragma once

#include <stddef.h>

#include "base/str.h"
#include "settings/config.h"

/* The value of Node's option @name, written with hyphens, in @words, a command up to its script, or
 * an empty slice. The last one counts; Node takes underscores for hyphens, and "=" or the next word
 * for the value. Borrows @words. */
struct str node_option_of(char *const *words, size_t n, struct str name);

/* The same in NODE_OPTIONS, whose words are parted by blanks. */
struct str node_option_in(const char *node_options, struct str name);

/* max-head-bytes becomes what --max-http-header-size says, of the command first, then of
 * @node_options (NULL: none), as for Node, when neither the user nor the ecosystem file has set it:
 * what Node takes is not refused before it. */
void node_options_apply(struct config *c, const char *node_options);
