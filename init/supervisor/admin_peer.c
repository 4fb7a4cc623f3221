/* SO_PEERCRED (unix(7)) gives ids as they are in our namespaces: a process that is not below our
 * PID namespace has the pid 0, one of a namespace inside ours has one. That a pidfd's entry in our
 * own /proc/self/fdinfo says, also where /proc hides other users' processes (systemd's
 * ProtectProc=). */
#include "init/supervisor/admin_peer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"

#include "base/ban.h"

unsigned admin_peer_depth(FILE *status)
{
	char line[512], *save = NULL;
	unsigned n = 0;

	while (fgets(line, sizeof(line), status)) {
		if (strncmp(line, "NSpid:", 6) != 0)
			continue;
		for (char *id = strtok_r(line + 6, " \t\n", &save); id;
		     id = strtok_r(NULL, " \t\n", &save))
			n++;
		break;
	}
	return n;
}

static unsigned depth_in(const char *path)
{
	unsigned n;
	FILE *f = fopen(path, "re");

	if (!f)
		return 0;
	n = admin_peer_depth(f);
	(void)fclose(f);
	return n;
}

static unsigned depth_of(pid_t pid)
{
	char path[64];
	auto_fd int fd = pidfd_open(pid, 0);

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	return fd < 0 ? 0 : depth_in(path);
}

/* Without a /proc, or with another namespace's, the pid alone has to do. */
static bool is_in_our_namespace(pid_t pid)
{
	if (pid == 0)
		return false;
	return depth_in("/proc/self/status") != 1 || depth_of(pid) == 1;
}

bool admin_peer_is_allowed(int fd, uid_t owner)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	bool allowed;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	allowed = (peer.uid == 0 || peer.uid == geteuid() || peer.uid == owner) &&
		  is_in_our_namespace(peer.pid);
	if (!allowed)
		log_warn(SIO_400, "init: admin socket: uid=%u pid=%d was not answered: %s",
			 (unsigned)peer.uid, (int)peer.pid,
			 "neither root nor our user, or of another PID namespace");
	return allowed;
}
