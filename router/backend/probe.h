/* Asks a booting worker whether it answers yet, in every way that it may be reached by:
 *
 * - over its channel: a setupWorker()-style worker says nothing there when it is ready. One end of
 *   a private pair is handed over and SIOINIT_PROBE_PATH requested. Any HTTP answer means ready; a
 *   probe that came too early is lost without harm. (@socket.io/sticky answers 400 "Transport
 *   unknown" and opens no session.) When it is closed unanswered the next question is a
 *   ClientHello: who answers that, if only with an alert, is ready, too.
 * - where it listens by itself: ready when it accepts a connection.
 *
 * With SIOINIT_WORKER_HEALTH_PATH all of them, those that call listen(), too, are ready when they
 * answer 2xx there. */
#pragma once

#include <stdbool.h>

struct worker;

/* Begins to ask, unless it is being asked; CONTROL_PROBED goes to init at the first answer.
 * @by_channel: from now on that way, too. One whose adapter has spoken counts as ready after some
 * silence: an app with a path of its own and no other listener never answers. */
void probe_start(struct worker *w, bool by_channel);
void probe_stop(struct worker *w);
