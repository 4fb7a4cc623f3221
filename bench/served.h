/* The cheapest server that the load generator takes for Socket.IO, so that what is in front of it
 * is measured: every poll finds a packet, bodies are dropped as they come, nothing is remembered.
 * All its connections are in one epoll set. */
#pragma once

#include <stdbool.h>

/* @closes: each answer says "Connection: close", and does so, as those of setupWorker() of
 * @socket.io/sticky 2.0.1. Returns the set, which stays ours; the caller's own descriptors in it
 * have data.ptr NULL. */
int served_init(bool closes);

/* Serves @fd, a connected stream socket, and owns it from now on. */
void served_add(int fd);

/* Waits and serves, for good; @on_own is called when a descriptor of the caller's is readable. */
void served_run(void (*on_own)(void)) __attribute__((noreturn));
