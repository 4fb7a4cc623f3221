/* From a worker to its process: arguments, environment, exec. */
#pragma once

#include <sys/types.h>

struct worker;

/* @far, the worker's end of the channel, is borrowed; the worker inherits it when it gets a
 * channel. The pid or -errno. When the app or a setting is to blame, the reason is in the log and
 * *ret_code is set to the exit code that a shell would have. */
pid_t launch(struct worker *w, int far, int *ret_code);
