/* See bind_clash.h. A worker that has asked for any listener was not stopped by this one, and one
 * that has been ready did not die of it. */
#include "init/worker/bind_clash.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "init/worker/command.h"
#include "init/worker/worker.h"

#include "base/ban.h"

static bool names(const char *word, const char *port)
{
	size_t n = strlen(port);

	for (const char *at = strstr(word, port); at; at = strstr(at + n, port))
		if ((at == word || !isdigit((unsigned char)at[-1])) &&
		    !isdigit((unsigned char)at[n]))
			return true;
	return false;
}

const char *bind_clash_find(char *const *argv, uint16_t port)
{
	char text[8];

	(void)snprintf(text, sizeof(text), "%u", port);
	for (; *argv; argv++)
		if (names(*argv, text))
			return *argv;
	return NULL;
}

static bool is_suspected(const struct worker *w, int code)
{
	return code != 0 && code < 126 && w->state < WORKER_READY && !w->killed && !w->has_asked &&
	       !w->is_sticky && !w->endpoint.path[0];
}

static void explain(const struct worker *w, const char *word, int code)
{
	unsigned public = w->config->port, own = w->endpoint.port;

	if (word)
		log_error(SIO_101,
			  "worker[%u]: exit code %d before it was ready; its argument %.80s "
			  "names port %u, where sioinit listens itself: write {port} in place of "
			  "the number",
			  w->slot, code, word, public);
	else if (w->is_claimed && !w->was_claimed)
		log_warn(SIO_102,
			 "worker[%u]: exit code %d before it was ready, and no Node process of it "
			 "has asked for the IPC channel; if it says that the address is in use: "
			 "sioinit listens at port %u itself. Let the script end with exec node "
			 "server.js, or the app listen at $PORT, which is %u here "
			 "(SIOINIT_DISPATCH=port), or write {port} into its arguments",
			 w->slot, code, public, own ? own : public);
	else if (own)
		log_warn(SIO_103,
			 "worker[%u]: exit code %d before it was ready; if it says that the "
			 "address is in use: sioinit listens at port %u itself, let the worker "
			 "listen at $PORT, which is %u here, or write {port} into its arguments",
			 w->slot, code, public, own);
	else
		log_warn(SIO_104,
			 "worker[%u]: exit code %d before it had called listen(); if it says "
			 "EADDRINUSE: sioinit listens at port %u itself, and a server that binds "
			 "it past the cluster (exclusive: true, reusePort, uWebSockets.js) needs "
			 "SIOINIT_DISPATCH=port",
			 w->slot, code, public);
}

void bind_clash_explain(const struct worker *w, const struct command *cmd, int code)
{
	if (!is_suspected(w, code) || w->places->told_clash)
		return;
	w->places->told_clash = true;
	explain(w, bind_clash_find(cmd->argv, w->config->port), code);
}
