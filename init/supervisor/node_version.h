/* Which Node this is, asked when all workers are ready, so that no start waits for it. */
#pragma once

struct init;

/* Where the dialect depends on it. A version that does not need small portions on the workers'
 * channels lifts them for the workers of now and of later. */
void node_version_ask(struct init *in);
