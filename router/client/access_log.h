/* The access log: one line for every request that came to the public port, written when its answer
 * is out. Lines are gathered and go out whole, a few kilobytes at a time; a reader that does not
 * keep up costs lines (how many is said in the next one that goes out), never time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "base/buf.h"
#include "router/conf.h"
#include "router/http/trace.h"

struct http_head;

enum {
	ACCESS_PIECE_MAX = 4096, /* PIPE_BUF: a write that nobody else's gets in between of */
	ACCESS_PENDING_MAX = 256 << 10, /* bytes gathered; more lines are lost */
	ACCESS_FLUSH_MS = 200,
};

struct access_log {
	enum access_format format; /* ACCESS_OFF: everything below is unused */
	int fd;
	ssize_t (*write)(int fd, const char *p, size_t n); /* as write(2); never waits */
	bool blocked; /* its reader is busy: the timer tries again */
	uv_timer_t timer;
	struct buf pending;
	uint64_t lost;
};

/* One request. */
struct access_entry {
	uint64_t began_ns;
	const char *why; /* how its worker was chosen, a literal */
	unsigned status; /* 0: not answered by us or through us */
	unsigned slot;   /* of the worker; ACCESS_NO_SLOT: none */
	uint64_t bytes;  /* of the answer's body */
	char addr[46];
	char id[REQUEST_ID_MAX + 1], trace[TRACE_ID_LEN + 1]; /* empty: none */
	size_t n;
	char line[]; /* request line, cut */
};

enum { ACCESS_NO_SLOT = UINT32_MAX, ACCESS_CLIENT_LEFT = 499 };

/* Opens @path; what is there is appended to. A failure is logged and turns the log off. */
void access_log_open(struct access_log *log, uv_loop_t *loop, enum access_format format,
		     const char *path);
/* Writes what it can of the rest and closes. */
void access_log_close(struct access_log *log);

/* A new entry, of a request line that may be empty; NULL when the log is off or there is no memory:
 * the other calls take that, too. */
struct access_entry *access_begin(const struct access_log *log, const char *addr, struct str line);

/* Notes the ids of the request and of its trace, as trace.h has them; either may be empty. */
void access_set_names(struct access_entry *e, struct str id, struct str trace);

/* Writes the entry and frees it; *e becomes NULL. */
void access_end(struct access_log *log, struct access_entry **e);

/* The line of an entry without its newline, in @format, appended to @out; pure but for the zone,
 * which is UTC. @now_s: seconds since 1970, with @ms; @took_us: since it began. 0, -EMSGSIZE,
 * -ENOMEM. */
int access_print(enum access_format format, const struct access_entry *e, int64_t now_s,
		 unsigned ms, uint64_t took_us, struct buf *out);
