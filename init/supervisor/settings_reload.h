/* What SIGHUP and `sioinit reload` do: the settings file (SIOINIT_CONFIG) is read again, then the
 * workers are replaced. A file that is wrong changes nothing: the workers stay, too.
 * file_reader.h says who reads it. The token's file is read again, too. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "init/supervisor/file_reader.h"
#include "settings/config.h"

struct init;

struct settings_reload {
	struct config *config; /* in->config, which only this changes */
	struct file_reader reader;
	bool again; /* asked for since it began */
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
