/* Which of the app's instances a worker is, in the variables that apps ask: those of pm2. */
#pragma once

#include <stddef.h>

struct worker_context;

enum { INSTANCE_VARIABLES = 4, INSTANCE_VARIABLE_SIZE = 128 };

/* NAME=value, at most INSTANCE_VARIABLES of them; how many. A slot keeps its pm_id, whatever runs
 * in it; those that a scale-up adds come behind all apps of the file. */
size_t instance_variables(const struct worker_context *cx, unsigned slot,
			  char ret[INSTANCE_VARIABLES][INSTANCE_VARIABLE_SIZE]);
