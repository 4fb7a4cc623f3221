/* Starts the process that looks for other containers of the app (peers/peers.h). */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct init;

struct peers_process {
	pid_t pid; /* 0: none */
	bool is_started;
};

/* Starts it, once, when SIOINIT_PEERS is set and a worker has spoken in the relay. */
void peers_process_look(struct init *in);

/* Told of every child that was reaped. True: it was this one. */
bool peers_process_ended(struct init *in, pid_t pid);
