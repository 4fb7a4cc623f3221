/* Whether somebody debugs a process or one that it has started, such as node under npm: then it may
 * stand still on purpose.
 *
 *	a tracer (gdb, strace)	/proc/PID/status: TracerPid, or a state of "t", as the number of
 *				a tracer in another PID namespace is 0 (proc(5))
 *	Node's inspector	the process listens at the inspector's port, and a client is
 *				connected to it: a DevTools session (/proc/PID/net/tcp)
 *
 * The inspector's port is what the arguments or NODE_OPTIONS say, and 9229, where SIGUSR1 opens it,
 * too; one that the app opens elsewhere by itself is not seen. Neither the arguments nor the
 * environment of the process are read from /proc, as that may wait for a lock of a process that
 * hangs. What is read costs some milliseconds where there are thousands of sockets. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { INSPECTOR_PORT = 9229, DEBUGGER_TEXT = 64 };

struct inspector {
	uint16_t port;
	bool any;     /* --inspect=0: it may be any but .own */
	uint16_t own; /* where the process listens for the router; 0 = nowhere */
};

/* What @argv (NULL-terminated) and @node_options (or NULL) say of the inspector's port. Pure. */
struct inspector debugger_options(char *const *argv, const char *node_options);

/* @root is "", or a folder that stands for / in a test. True: who it is stands in @ret, such as
 * "it is traced by process 17". */
bool debugger_is_attached(const char *root, pid_t pid, const struct inspector *where,
			  char ret[static DEBUGGER_TEXT]);
