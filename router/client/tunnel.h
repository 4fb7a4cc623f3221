/* A client's connection after it has changed protocols (a WebSocket), when its worker listens by
 * itself: what comes from one side goes to the other, with back-pressure and half-closes both ways.
 * It is part of an exchange and ends with the router. */
#pragma once

#include "base/str.h"

struct client;
struct http_head;
struct worker;

/* @head is the worker's 101, @rest what came behind it. May end in client_close(). */
void tunnel_start(struct client *c, const struct http_head *head, struct str rest);

/* Events on either side. May end in client_close(). */
void tunnel_on_client(struct client *c, int events);
void tunnel_on_upstream(struct client *c, int events);

/* Closes the tunnels of a worker evenly over router_conf.drain_time_ms, at least one every 20 ms.
 * Idempotent. */
void tunnels_drain(struct worker *w);
void tunnels_drain_stop(struct worker *w);
