/* Files that get what workers write (log-out, log-err, log-all), beside sioinit's own stdout and
 * stderr. A process of its own writes them, as the workers' user: a disk that is slow or full, and
 * a file system that hangs, make nobody wait but it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"
#include "settings/config.h"
#include "settings/log_path.h"

struct credentials;

/* What it is sent: this and .n bytes. */
struct log_file_head {
	uint32_t n;
	uint16_t slot;
	uint8_t kind; /* enum log_file_kind */
};

enum log_file_kind { LOG_FILE_OUT, LOG_FILE_ERR, LOG_FILE_REOPEN, LOG_FILE_N_KINDS };

/* Whether any is wanted. */
bool log_files_are_wanted(const struct config *c);

/* Opens that with O_APPEND and @flags; folders that are missing are made. A descriptor or -errno.
 */
int log_file_open(const char *pattern, unsigned slot, int flags);

/* Opens all of them as @as, to see whether that can be done; may wait. Leaves the process when it
 * cannot. */
void log_files_check(const struct config *c, const struct credentials *as);

/* Starts the writer; *ret_fd is the socket that it reads. Its pid or -errno. */
pid_t log_files_start(const struct config *c, const struct credentials *as, int *ret_fd);

/* The writer: returns at the end of @fd. */
int log_writer_main(const struct config *c, int fd);
