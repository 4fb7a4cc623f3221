/* Listening sockets that the service manager keeps for our next start, so that connections wait for
 * it in their backlogs. Each is known by the address that was asked for, a path by its file, too:
 * another address, or another file at that path, finds none. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "init/system/notify.h"

struct kept_name {
	char text[NOTIFY_KEPT_NAME_MAX + 1]; /* "": it cannot be kept */
};

/* What is listened on, or is to be, at @host and @port, a path when it begins with /; @note tells
 * apart what differs in nothing else. */
void kept_name(struct kept_name *ret, const char *host, uint16_t port, const char *note);

/* Those of that name that have come back, at most @n; the caller's, and still kept. How many. */
unsigned kept_take(const struct kept_name *name, int *fds, unsigned n);

/* @fds are borrowed. False: they end with us. */
bool kept_add(const struct kept_name *name, const int *fds, unsigned n);
void kept_remove(const struct kept_name *name);

/* An address cannot be had: whether that was for one that has come back and that nobody has asked
 * for; it is free now. */
bool kept_make_room(uint16_t port);
/* All have asked: what is left is not wanted any more. */
void kept_settle(void);
