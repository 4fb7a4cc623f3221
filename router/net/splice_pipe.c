/* A pipe has slots, not bytes: a piece from a network card fills one with each segment, so that it
 * takes about 170 for a read of SOCK_READ_MAX. No memory goes with an empty slot. */
#include "router/net/splice_pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"

#include "base/ban.h"

enum { PIPE_BYTES = 1 << 20 /* 256 slots; what anybody may ask for */, RETRY_MS = 1000 };

bool pipe_open(struct pipe *p, uint64_t now_ms)
{
	int ends[2];

	if (p->in >= 0)
		return true;
	if (now_ms < p->retry_ms)
		return false;
	p->retry_ms = now_ms + RETRY_MS;
	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0)
		return false;
	p->out = ends[0];
	p->in = ends[1];
	if (fcntl(p->in, F_SETPIPE_SZ, PIPE_BYTES) >= PIPE_BYTES)
		return true;
	pipe_close(p);
	return false;
}

void pipe_close(struct pipe *p)
{
	fd_close(&p->in);
	fd_close(&p->out);
}
