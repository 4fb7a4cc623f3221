/* A worker that drains: what would go on for as long as its client likes is ended, evenly over
 * router_conf.drain_time_ms, at least one every 20 ms. Its tunnels from the start; its polls that
 * wait once it stops and has had a moment to answer them itself: servers such as uvicorn's and Go's
 * would wait for each of them, which is up to the 25 s of Engine.IO's ping. */
#pragma once

struct worker;

/* Idempotent; again when its state has changed. */
void upstreams_drain_start(struct worker *w);
void upstreams_drain_stop(struct worker *w);
