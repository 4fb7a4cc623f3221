/* Ports are tried by binding: what is free then is the worker's a moment later, unless somebody
 * else is quicker; then it ends, and is started again with the next one. */
#include "init/worker/endpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <utlist.h>

#include "base/fd.h"
#include "base/macros.h"
#include "init/listen/sockets.h"
#include "init/system/credentials.h"
#include "init/worker/worker.h"

#include "base/ban.h"

enum { SPARE_PORTS = 1024, DIRECTORY_MAX = 80 };

static char directory[DIRECTORY_MAX];
static int directory_fd = -1;

static bool is_taken(const struct worker *workers, uint16_t port)
{
	const struct worker *w;

	DL_FOREACH(workers, w)
	if (w->endpoint.port == port)
		return true;
	return false;
}

static bool is_free(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	auto_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
}

static bool suits(const struct worker *workers, uint32_t port)
{
	return port <= UINT16_MAX && !is_taken(workers, (uint16_t)port) && is_free((uint16_t)port);
}

int endpoint_take_port(struct endpoint *e, const struct worker *workers, uint16_t base,
		       uint32_t slot, uint32_t spare)
{
	uint32_t port = base + slot;

	for (uint32_t i = 0; i < SPARE_PORTS; i++) {
		if (suits(workers, port)) {
			e->port = (uint16_t)port;
			return 0;
		}
		port = base + spare + i;
	}
	return -EADDRINUSE;
}

static int make_directory(const struct credentials *as)
{
	const char *const places[] = { getenv("XDG_RUNTIME_DIR"), getenv("TMPDIR"), "/run", "/tmp",
				       "/dev/shm" };

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		char name[DIRECTORY_MAX];

		if (!places[i] || snprintf(name, sizeof(name), "%s/sioinit-XXXXXX", places[i]) >=
				      (int)sizeof(name))
			continue;
		if (!mkdtemp(name))
			continue;
		memcpy(directory, name, sizeof(name));
		directory_fd = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		return as->change && chown(name, as->uid, as->gid) < 0 ? -errno : 0;
	}
	return -errno;
}

int endpoint_take_path(struct endpoint *e, uint32_t id, const struct credentials *as)
{
	int r = directory[0] ? 0 : make_directory(as);

	if (r < 0)
		return r;
	(void)snprintf(e->path, sizeof(e->path), "%s/%u.sock", directory, id);
	return 0;
}

/* By the descriptor: the directory is the workers', who may put a link in its place. */
void endpoint_release(const struct endpoint *e)
{
	if (e->path[0])
		(void)unlinkat(directory_fd, strrchr(e->path, '/') + 1, 0);
}

void endpoint_close_all(void)
{
	if (directory[0])
		(void)rmdir(directory);
	directory[0] = '\0';
	fd_close(&directory_fd);
}

bool endpoint_has(const struct endpoint *e, const struct sockaddr_storage *local)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)local;

	if (local->ss_family == AF_UNIX)
		return e->path[0] && strcmp(e->path, un->sun_path) == 0;
	return e->port && socket_port(local) == e->port;
}
