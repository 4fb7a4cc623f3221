/* The one line that `systemctl status` shows: "3/4 workers ready, 1200 sessions". The service
 * manager is told when the line has changed: at once of workers, every few seconds of sessions. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct init;

struct status_line {
	char told[128];
	unsigned beats;
	bool reload_failed; /* the last one */
};

void status_line_tell(struct init *in);
/* What notify_reloading() has begun is over. */
void status_line_reloaded(struct init *in, bool ok);
/* Once a second. */
void status_line_beat(struct init *in);
