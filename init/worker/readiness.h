/* When a worker is ready. See enum worker_style for how it is reached then. */
#pragma once

#include "init/worker/worker.h"

/* Starts the time that it has to become ready in. */
void readiness_begin(struct worker *w);

/* It is ready, if it was booting, and is reached by @style unless that is known already. */
void worker_become_ready(struct worker *w, enum worker_style style);

/* The router may probe it over a private pair, if nothing else tells that it is ready. */
void worker_may_be_probed(struct worker *w);

/* process.send('ready') */
void readiness_said(struct worker *w, const struct node_msg *m, const struct channel_frame *f);
