#include "init/supervisor/peers_process.h"

#include <string.h>

#include "base/log.h"
#include "init/supervisor/core.h"
#include "init/system/role.h"

#include "base/ban.h"

void peers_process_look(struct init *in)
{
	pid_t pid;

	if (!in->config->peers || in->peers.is_started || !in->hub.groups)
		return;
	in->peers.is_started = true;
	pid = role_start(&role_peers, in->config, &in->credentials, -1);
	if (pid < 0)
		log_warn(SIO_411, "init: nobody looks for SIOINIT_PEERS: %s", strerror(-pid));
	else
		in->peers.pid = pid;
}

bool peers_process_ended(struct init *in, pid_t pid)
{
	if (in->peers.pid == 0 || pid != in->peers.pid)
		return false;
	in->peers.pid = 0;
	return true;
}
