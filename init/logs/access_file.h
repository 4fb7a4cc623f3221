/* The file of the access log (SIOINIT_ACCESS_LOG_FILE), opened here for all routers, which may lack
 * the rights to and get the descriptor; at the start, and anew by its path when it has been moved
 * away (logrotate). An open(2) may wait for ever (a file system that hangs), so after the start it
 * is done in a process of its own, which has our table of descriptors: see access_file.c. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

struct access_file {
	const char *path;
	bool ours;                  /* it is a descriptor that we have: /dev/stdout, /dev/fd/N */
	int fd;                     /* owned; for every router that starts; -1: none */
	int next;                   /* owned; becomes the next one; -1: nothing is being opened */
	pid_t opener;               /* 0: none */
	bool again;                 /* asked for since then */
	uv_timer_t deadline;        /* of the opener */
	void (*on_open)(void *ctx); /* there is another one */
	void *ctx;
};

/* Opens @path (borrowed for good; NULL: there is no access log); may wait. A failure is logged:
 * then there is no file until access_file_reopen() is lucky. @on_open is called from then on only,
 * out of access_file_ended(). */
void access_file_open(struct access_file *f, uv_loop_t *loop, const char *path,
		      void (*on_open)(void *ctx), void *ctx);

/* Begins to open the path anew; the old one is kept until that is done, and when it fails, which is
 * logged. A descriptor that we have is no path. */
void access_file_reopen(struct access_file *f);

/* A child has ended. False: not the opener. */
bool access_file_ended(struct access_file *f, pid_t pid, int status);

void access_file_close(struct access_file *f);
