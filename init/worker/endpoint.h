/* Where a worker that listens by itself does so: on a port of its own, or on a socket in a
 * directory that only we may enter. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct credentials;
struct worker;

enum { ENDPOINT_PATH_MAX = 108 /* sizeof(sun_path) */ };

struct endpoint {
	uint16_t port;                /* 0: none */
	char path[ENDPOINT_PATH_MAX]; /* "": none */
};

/* The port @base + @slot, or, when that is taken (its worker is still there, or somebody else's
 * server), the next free one from @base + @spare on. -EADDRINUSE: there is none. @workers: all that
 * live (utlist). */
int endpoint_take_port(struct endpoint *e, const struct worker *workers, uint16_t base,
		       uint32_t slot, uint32_t spare);

/* A path for worker @id. The first call makes the directory, in the first place that lets it, as
 * @as's own: 0 or -errno. */
int endpoint_take_path(struct endpoint *e, uint32_t id, const struct credentials *as);

/* Whether @local is the near end of a connection to it. */
bool endpoint_has(const struct endpoint *e, const struct sockaddr_storage *local);

/* The worker is gone: removes its socket, NULL-safe for those without. */
void endpoint_release(const struct endpoint *e);
/* Removes the directory. */
void endpoint_close_all(void);
