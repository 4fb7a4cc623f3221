/* Asks a setupWorker-style worker whether it answers yet, since nothing on its channel says so: one
 * end of a private pair is handed over and SIOINIT_PROBE_PATH requested. Any HTTP answer means
 * ready; a probe that came too early is lost without harm and repeated with growing pauses.
 * (@socket.io/sticky answers 400 "Transport unknown" and opens no session.) */
#pragma once

#include <stdbool.h>

struct worker;

/* Begins to ask, unless it is being asked; CONTROL_PROBED goes to init at the first answer.
 * @announced: its adapter has spoken, so after some silence (an app with a path of its own and no
 * other listener never answers) it counts as ready. */
void probe_start(struct worker *w, bool announced);
void probe_stop(struct worker *w);
