/* Evening out: after the pool has grown, the new workers are empty and the old ones full, since
 * sockets stay where they are. Those that hold more than their share close the surplus at the pace
 * of a drain; the clients come back and get the workers with the least load. */
#pragma once

struct pool;

/* Begins; returns how many sockets will be closed. Workers that have a port or socket of their own
 * are left out: their WebSockets are the router's. */
unsigned rebalance(struct pool *p);
