/* The owner of a worker in tests: nothing that it is told matters; sockets that come back are
 * closed. */
#pragma once

#include "base/fd.h"
#include "init/worker/worker.h"

static void owner_on_state(struct worker *w)
{
	(void)w;
}

static inline void owner_on_handback(struct worker *w, const struct control_msg *m, int fd)
{
	(void)w;
	(void)m;
	fd_close(&fd);
}

static void owner_on_client_taken(struct worker *w, const struct control_msg *m, int fd)
{
	(void)w;
	(void)m;
	(void)fd;
}

static void owner_on_session(struct worker *w, const char *sid, bool opened)
{
	(void)w;
	(void)sid;
	(void)opened;
}

static inline void owner_on_server(struct worker *w, struct place *pl, bool opened)
{
	(void)w;
	(void)pl;
	(void)opened;
}

static inline void owner_on_place(struct worker *w, struct place *pl)
{
	(void)w;
	(void)pl;
}

static void owner_on_metrics(struct worker *w, const struct node_msg *m, struct str payload)
{
	(void)w;
	(void)m;
	(void)payload;
}

static bool owner_is_relayed(struct worker *w, struct str payload)
{
	(void)w;
	(void)payload;
	return false;
}

static void owner_on_group_ended(struct worker *w, int status, const struct rusage *usage)
{
	(void)w;
	(void)status;
	(void)usage;
}

#define OWNER_OPS(handback)                                                                        \
	{                                                                                          \
		owner_on_state, owner_on_state, handback, owner_on_client_taken, owner_on_session, \
		    owner_on_server, owner_on_place, owner_on_metrics, owner_is_relayed,           \
		    owner_on_group_ended                                                           \
	}
