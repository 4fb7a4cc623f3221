/* Limits of processes. oom_score_adj: proc_pid_oom_score_adj(5), which may be raised by anybody
 * and lowered with CAP_SYS_RESOURCE. */
#include "init/system/process_limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "settings/config.h"

#include "base/ban.h"

enum {
	DESCRIPTORS_MIN = 48, /* of sioinit, one worker and one router, and of Node itself */
	OOM_WORKER_ABOVE = 50,
};

static const char oom_score_adj[] = "/proc/self/oom_score_adj";

static struct rlimit given;
static bool is_raised;

int process_limits_init(char *err, size_t err_size)
{
	struct rlimit most;

	if (getrlimit(RLIMIT_NOFILE, &given) < 0)
		return 0;
	most = (struct rlimit){ given.rlim_max, given.rlim_max };
	if (most.rlim_cur < DESCRIPTORS_MIN) {
		(void)snprintf(err, err_size,
			       "the limit of open files is %llu, and %d is the least that sioinit "
			       "and one worker can do with; raise it (ulimit -n, docker run "
			       "--ulimit nofile=65536, systemd's LimitNOFILE)",
			       (unsigned long long)most.rlim_cur, DESCRIPTORS_MIN);
		return -EMFILE;
	}
	is_raised = given.rlim_cur < most.rlim_cur && setrlimit(RLIMIT_NOFILE, &most) == 0;
	return 0;
}

void process_limits_give_back(void)
{
	if (is_raised)
		(void)setrlimit(RLIMIT_NOFILE, &given);
}

int process_limits_apply_rlimits(const struct config *c)
{
	const struct config_rlimits *l = &c->worker_rlimits;

	for (unsigned i = 0; i < l->n; i++) {
		struct rlimit limit = { l->row[i].soft, l->row[i].hard };

		if (setrlimit((__rlimit_resource_t)l->row[i].resource, &limit) < 0)
			return -errno;
	}
	return 0;
}

int process_limits_apply_nice(const struct config *c)
{
	if (c->worker_nice == CONFIG_AS_SIOINIT)
		return 0;
	return setpriority(PRIO_PROCESS, 0, c->worker_nice) < 0 ? -errno : 0;
}

int process_limits_worker_oom_score_adj(int ours)
{
	return ours + OOM_WORKER_ABOVE < OOM_SCORE_ADJ_MAX ? ours + OOM_WORKER_ABOVE
							   : OOM_SCORE_ADJ_MAX;
}

/* 0 where it cannot be read. */
static int read_oom_score_adj(void)
{
	auto_fd int fd = open(oom_score_adj, O_RDONLY | O_CLOEXEC);
	char text[16];
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return atoi(text);
}

static int write_oom_score_adj(int score)
{
	auto_fd int fd = open(oom_score_adj, O_WRONLY | O_CLOEXEC);
	char text[16];
	int n = snprintf(text, sizeof(text), "%d", score);

	if (fd < 0 || write(fd, text, (size_t)n) < 0)
		return -errno;
	return 0;
}

int process_limits_apply_oom_score_adj(const struct config *c)
{
	if (c->worker_oom_score_adj != CONFIG_AS_SIOINIT)
		return write_oom_score_adj(c->worker_oom_score_adj);
	(void)write_oom_score_adj(process_limits_worker_oom_score_adj(read_oom_score_adj()));
	return 0;
}

void process_limits_apply_umask(const struct config *c)
{
	if (c->worker_umask != CONFIG_AS_SIOINIT)
		(void)umask((mode_t)c->worker_umask);
}
