/* `sioinit health [--ready]`: asks a running sioinit, for images without curl (HEALTHCHECK, exec
 * probes). */
#pragma once

#include <stdbool.h>

#include "settings/config.h"

/* Asks /livez, or /readyz when @ready, at the admin address; at most two seconds. 0: 200 was
 * answered. 1: anything else, with one line on stderr that says what. */
int health_ask(const struct config *c, bool ready);
