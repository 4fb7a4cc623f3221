/* The places that the app's listen() and bind() calls ask for, shared by all workers as Node's
 * cluster primary does (lib/internal/cluster/primary.js: queryServer(), close()): the first worker
 * that asks has it opened, the others get the same, and it is closed when the last one has closed
 * its server there or is gone.
 *
 * What is opened and removed is so with the rights of the process that asks. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "init/listen/kept.h"
#include "init/listen/sockets.h"
#include "init/system/credentials.h"
#include "ipc/node.h"

enum { PLACES_MAX = 1024 /* of an app */ };

struct place {
	struct place *prev, *next;
	uint32_t id; /* for the routers, never used again; from 1 on */
	enum node_address_type type;
	char address[NODE_ADDRESS_MAX];
	int64_t port, index; /* as asked */
	int64_t actual_port;
	char name[64]; /* what server.address() says: an IP address; "" of a path */
	bool is_loopback;
	bool is_http; /* its connections are the public port's: the app asked for no other */
	int fd;       /* listening or bound, owned; -1 after places_refuse() */
	bool is_kept; /* for our next start; its file stays, too */
	struct kept_name kept;
	struct socket_file file;
	struct credentials as; /* whose rights it is removed with */
	unsigned n_servers;    /* workers that listen there */
	bool told;             /* the routers have it */
};

struct places {
	struct place *list;
	unsigned n;
	uint32_t last_id;
	bool told_full, told_clash, told_unclaimed; /* said already, see bind_clash.h */

	/* Which server the public port belongs to (init/worker/listening.h), as known from workers
	 * before. */
	bool
	    port_is_untold; /* nobody has set it, so workers are not told; set once, at the start */
	bool port_was_asked; /* one has asked for the public port itself */
	bool ports_are_own;  /* none has, and workers are at different ports */
	bool has_substitute; /* none has, and it is this one: */
	struct {
		enum node_address_type type;
		char address[NODE_ADDRESS_MAX];
		int64_t port;
	} substitute;
};

/* A server at the place that @q asks for, of the process @pid; the place is opened when it is new.
 * places_leave() is its end. NULL: *ret_err is a negative errno for the app; -EMFILE: there are
 * PLACES_MAX, which is said once. */
struct place *places_join(struct places *p, const struct node_msg *q, pid_t pid, int *ret_err);
/* The server is closed, or its worker gone. Without others, @pl is closed: its port is free at
 * once, whoever else has the descriptor; true, and it is for place_free(). */
bool places_leave(struct places *p, struct place *pl);
void place_free(struct place *pl);

/* The public port's, as nobody asks for that; of this and of other workers. */
void places_set_substitute(struct places *p, const struct place *pl);
bool places_is_substitute(const struct places *p, const struct place *pl);

/* Closes the places where clients connect. The app's UDP sockets are its own to close. */
void places_refuse(struct places *p);
void places_close(struct places *p);
