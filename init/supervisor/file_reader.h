/* A file that is read while sioinit runs: opening and reading may wait for ever (a FIFO, a file
 * system that hangs), so a copy of this process does that, with a deadline of 10 s, into memory
 * that both have. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <uv.h>

enum { FILE_READER_NO_FILE = 255 };

struct file_reader {
	int text;            /* memory file that the reader writes to, owned; -1: none */
	pid_t pid;           /* of the reader, 0: none */
	uv_timer_t deadline; /* ditto */
};

void file_reader_init(struct file_reader *r, uv_loop_t *loop);

/* Begins; no other may be reading. 0 or -errno. At most @max bytes are read, more is EFBIG. */
int file_reader_start(struct file_reader *r, const char *path, size_t max);

/* A child has ended. False: not the reader. *ret_err: 0, or an errno, or FILE_READER_NO_FILE: it is
 * no regular file. */
bool file_reader_ended(struct file_reader *r, pid_t pid, int status, int *ret_err);

/* What was read; free() it. NULL: no memory. */
char *file_reader_text(struct file_reader *r, size_t *ret_n);

/* Drops what was read. */
void file_reader_drop(struct file_reader *r);

/* For *ret_err. */
const char *file_reader_error(int err);
