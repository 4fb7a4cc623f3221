/* One of them. init/sidecars/ only. */
#pragma once

#include "init/sidecars/sidecars.h"

/* Its command is found. 0, or the exit code: @err has the line for the user. */
int sidecar_init(struct sidecar *s, struct sidecars *all, const struct config_sidecar *what,
		 struct scoreboard_sidecar *row, char *err, size_t err_size);
void sidecar_start(struct sidecar *s);
/* SIGKILL follows after its stop-timeout, or when all have to be over. */
void sidecar_stop(struct sidecar *s);
void sidecar_kill(struct sidecar *s);
void sidecar_restart(struct sidecar *s);
void sidecar_ended(struct sidecar *s, int status, const struct rusage *usage);
/* Some child has ended: perhaps the last of its group. */
void sidecar_look_after_group(struct sidecar *s);

static inline bool sidecar_lives(const struct sidecar *s)
{
	return s->state == SIDECAR_RUNNING || s->state == SIDECAR_STOPPING;
}
