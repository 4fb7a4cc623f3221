/* Why the container has ended, for Kubernetes (terminationMessagePath): written to the file that
 * the kubelet has put there, and shown by `kubectl describe pod`.
 *
 *	exit code 1
 *	2026-11-30T06:00:00Z worker[0]: ended pid=17 code=1 ...
 *	(the last lines of its stderr)
 *
 * Nothing is written when sioinit ends with 0, when the file is no regular file that exists, or
 * when the app has written to it since sioinit was started. */
#pragma once

#include <stddef.h>

struct exit_record;

/* The kubelet reads no more: kubernetes.io, "Determine the Reason for Pod Failure". */
enum { TERMINATION_LOG_MAX = 4096 };

/* From the start of sioinit on. @where is auto (/dev/termination-log), off, or the path; borrowed.
 * A process that leaves with die() writes there from now on. */
void termination_log_open(const char *where);

/* @last may be NULL: then it is the last error that was logged. Does not wait for a device; a file
 * is written at once. */
void termination_log_write(int code, const struct exit_record *last);

/* The text: at most TERMINATION_LOG_MAX bytes of valid UTF-8, of the last lines as many as there is
 * room for. Returns its length. Pure. */
size_t termination_log_text(int code, const struct exit_record *last, const char *error,
			    char dst[static TERMINATION_LOG_MAX]);
