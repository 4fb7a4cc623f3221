/* The platform's face: liveness and readiness, on the admin listener. */
#pragma once

#include "base/str.h"

struct client;
struct http_head;

/* Answers a request on the admin listener, at once or when the app's metrics have come, and ends
 * the connection. */
void admin_serve(struct client *c, const struct http_head *head);

/* What has waited for the app's metrics is answered: ours and @app's. */
void admin_finish_metrics(struct client *c, struct str app);
