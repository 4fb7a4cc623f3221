/* A worker that drains: its tunnels are closed evenly over router_conf.drain_time_ms, at least one
 * every 20 ms. */
#pragma once

struct worker;

/* Idempotent. */
void tunnel_drain_start(struct worker *w);
void tunnel_drain_stop(struct worker *w);
