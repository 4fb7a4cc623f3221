/* The platform's face: liveness and readiness, on the admin listener. */
#pragma once

struct client;
struct http_head;

/* Answers a request on the admin listener and ends the connection. */
void admin_serve(struct client *c, const struct http_head *head);
