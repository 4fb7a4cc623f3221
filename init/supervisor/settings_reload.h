/* What SIGHUP and `sioinit reload` do: the settings file (SIOINIT_CONFIG) is read again, then the
 * workers are replaced. A file that is wrong changes nothing: the workers stay, too.
 *
 * Opening and reading may wait for ever (a FIFO, a file system that hangs), so a process of its own
 * does that, with a deadline. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

#include "settings/config.h"

struct init;

struct settings_reload {
	struct config *config; /* in->config, which only this changes */
	int text;              /* memory file that the reader writes to, owned; -1: none */
	pid_t reader;          /* 0: none */
	bool again;            /* asked for since it began */
	uv_timer_t deadline;   /* of the reader */
	void (*on_refused)(struct init *in);
};

/* @c is changed by reloads; borrowed for good. @on_refused: a reload that was asked for has come to
 * nothing before a worker was replaced. */
void settings_reload_init(struct init *in, struct config *c, void (*on_refused)(struct init *in));
/* Begins; the workers are replaced out of settings_reload_ended(), or at once when there is no
 * settings file. */
void settings_reload(struct init *in);
/* A child has ended. False: not the reader. */
bool settings_reload_ended(struct init *in, pid_t pid, int status);
