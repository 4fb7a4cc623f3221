/* Dialing the admin socket of the instance that runs here, and what it is asked. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "settings/config.h"

enum { ADMIN_CLIENT_TIMEOUT_S = 2 };

/* A connected descriptor, the caller's, which blocks; a write to it at most ADMIN_CLIENT_TIMEOUT_S.
 * -ENOTSUP: SIOINIT_ADMIN_SOCKET is off. -EEXIST: several run here. Other -errno: there is none. */
int admin_client_dial(const struct config *c);

/* Logs what @error of admin_client_dial() means. */
void admin_client_say(const struct config *c, int error);

/* Sends the question of @n words on @fd (borrowed) and ends it. False: nobody takes it. */
bool admin_client_ask(int fd, const char *const *words, size_t n);
