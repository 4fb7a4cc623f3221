/* What a Node cluster worker with cluster-adapter 0.3.0 says on its IPC channel, advanced
 * serialization only. Every write waits until the channel takes it; one that fails ends the
 * process, as the end of the channel ends Node's. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The environment variable, or the end of the process with a line that names it. */
const char *cluster_required(const char *name);

/* Opens the channel that NODE_CHANNEL_FD names and says `online`. Returns its descriptor, which is
 * blocking and stays ours. */
int cluster_open(void);

/* listen(@port): queryServer, and `listening` without waiting for the answer. */
void cluster_listen(int port);

/* The adapter's first heartbeat, under @uid. */
void cluster_heartbeat(const char *uid);

/* The answers to a handle message: without its handle, and with it. */
void cluster_answer_ping(void);
void cluster_acknowledge(void);
/* What follows the acknowledgement of a client for a server of listen(): @ack is its seq. */
void cluster_accepted(int64_t ack);

void cluster_write(const void *bytes, size_t len);

/* The size of the frame that @bytes begin with, its length prefix included; 0: not all of it is
 * there. One of more than @max ends the process. */
size_t cluster_frame_len(const char *bytes, size_t len, size_t max);
