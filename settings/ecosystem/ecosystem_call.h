/* What pm2 would be called with on the command line, as the app of an ecosystem file. */
#pragma once

#include <jansson.h>

#include "settings/pm2_options.h"

/* The app that is called for: its script, arguments and keys. NULL: no memory. */
json_t *ecosystem_tree_of_call(const struct pm2_call *call);

/* Into @app, from a file, what the call says of such. 0, -ENOMEM. */
int ecosystem_add_call(json_t *app, const struct pm2_call *call);
