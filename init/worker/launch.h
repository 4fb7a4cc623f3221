/* From a worker to its process: arguments, environment, exec. */
#pragma once

#include <sys/types.h>

struct worker;

/* @far, the worker's end of the channel, is borrowed; the worker inherits it when it gets a
 * channel. The pid or -errno. */
pid_t launch(struct worker *w, int far);
