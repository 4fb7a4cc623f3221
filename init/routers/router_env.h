/* The environment of a router: the settings as they are in force, so that it reads neither options
 * nor files again, and little else. Nothing of the app's, whose secrets are not for the process
 * that strangers talk to. */
#pragma once

/* What ps, top and pgrep show: argv[0], and the command's name (15 bytes, prctl(2)). */
#define ROUTER_PROCESS_NAME "sioinit: router"

struct config;
struct credentials;

/* The array for execve(2), with its texts in one allocation: free() it. NULL: out of memory.
 * @control_fd is the router's end of its channel, @ids whom it becomes. */
char **router_env(const struct config *c, const struct credentials *ids, int control_fd);
