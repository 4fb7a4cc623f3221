/* Limits of processes: the descriptors that we may have, and what the settings give the workers
 * (worker-rlimits, worker-umask, worker-nice, worker-oom-score-adj). */
#pragma once

#include <stddef.h>

struct config;

/* Takes as many descriptors as the hard limit allows, for us and the routers; children of spawn()
 * get back what we were given. 0; -EMFILE: even that is too little for one worker, and @err has
 * the line for the user. Once, before anything is opened. */
int process_limits_init(char *err, size_t err_size);

/* In a child: RLIMIT_NOFILE as sioinit was given it. */
void process_limits_give_back(void);

/* In a child, while it still has our rights. Each 0 or -errno. */
int process_limits_apply_rlimits(const struct config *c);
int process_limits_apply_nice(const struct config *c);
/* auto: a little above ours, so that the kernel takes a worker before init or a router; what it
 * does not allow is left as it is. */
int process_limits_apply_oom_score_adj(const struct config *c);
void process_limits_apply_umask(const struct config *c);

/* What oom_score_adj of a worker is when ours is @ours; pure. */
int process_limits_worker_oom_score_adj(int ours);
