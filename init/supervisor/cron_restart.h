/* Times at which the workers are replaced (SIOINIT_CRON_RESTART): a rolling reload, and another
 * start of those that are done. Sidecars of an ecosystem file may have times of their own. */
#pragma once

struct init;

/* From now on. */
void cron_restart_start(struct init *in);
/* Looks at the clock on the wall; every second, since that may be put forward and back and goes on
 * while a container is suspended. */
void cron_restart_look(struct init *in);
