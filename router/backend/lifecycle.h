/* What init says of the workers is applied here. */
#pragma once

struct backend;
struct control_msg;

/* A CONTROL_WORKER message; the state DEAD frees the worker (its connections and sessions are gone
 * before). */
void workers_update(struct backend *b, const struct control_msg *m);
void workers_free_all(struct backend *b);
