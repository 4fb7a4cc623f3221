/* A server that binds the public port itself finds it taken: sioinit listens there. Its output says
 * EADDRINUSE, which we do not read, and not why. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct command;
struct worker;

/* The worker has ended with @code. Where that may have been the cause it is said with the mend,
 * once; surely only where the arguments name the port. */
void bind_clash_explain(const struct worker *w, const struct command *cmd, int code);

/* The first of @argv (NULL-terminated) that has @port as a number of its own, or NULL. Pure. */
const char *bind_clash_find(char *const *argv, uint16_t port);
