/* A client connection, from accept to its end: waits for a head, then lets it be proxied, handed
 * over or answered here; between requests it is idle. Its states are in client_state.h. */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

#include "base/str.h"
#include "router/client/client_state.h"
#include "router/net/listener.h"

struct worker;

/* Before everything else here, and after clients_close_all(). */
void clients_init(struct frontend *f);
void clients_deinit(struct frontend *f);

/* Takes a new connection over (@fd consumed always, non-blocking) and serves what has already
 * arrived. */
void client_accept(struct frontend *f, const struct listener *l, int fd,
		   const struct sockaddr_storage *peer);
/* Whether another one may be accepted: not when the descriptors are needed for those that are
 * here. */
bool clients_have_room(const struct frontend *f, enum listener_role role);

/* Who it is, for a message with its socket: whoever gets that back knows. */
void client_describe(const struct client *c, struct control_msg *m);

/* A hand-off (CONTROL_HANDBACK) that the worker refused or did not live to take: another one gets
 * it. @fd consumed. */
void client_return(struct frontend *f, const struct control_msg *m, int fd);

/* One of the two connections of a poll that another router has lent (CONTROL_ADOPT), the client's
 * first; @fd consumed. */
void client_adopt(struct frontend *f, const struct control_msg *m, int fd);

/* Answers by itself and ends the connection after it; @status is one of reply.c's. */
void client_reply(struct client *c, unsigned status);

/* An answer that is made elsewhere comes with client_finish_with(). */
void client_wait(struct client *c);

/* Sends finished bytes (head and body), however many, and ends the connection after them. */
void client_finish_with(struct client *c, struct str head, struct str body);

/* A piece of an answer without an end. One that has not taken the last piece yet is spared it,
 * unless it is the first, and closed when it takes nothing for SIOINIT_BODY_TIMEOUT. */
void client_event(struct client *c, struct str first, struct str second);

/* Ends a connection from whatever state; idempotent. @why is for the debug log. */
void client_close(struct client *c, const char *why);

/* Closes connections that are between requests: the router drains. */
void clients_close_idle(struct frontend *f);
void clients_close_all(struct frontend *f);
