/* The router process: accepts clients, speaks HTTP/1.1, keeps the session table, chooses workers,
 * proxies requests and hands WebSockets over. Everything it needs from init comes over the control
 * channel. */
#pragma once

#include "router/conf.h"

/* Runs until the control channel ends (init is gone or wants it gone). @control_fd is consumed. The
 * exit code. */
int router_main(const struct router_conf *conf, int control_fd);
