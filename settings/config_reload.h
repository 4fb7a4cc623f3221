/* The settings file, read again while sioinit runs. */
#pragma once

#include <stddef.h>

#include "settings/config.h"

enum config_when {
	CONFIG_AT_RESTART,      /* not in force: a restart of sioinit would put it there */
	CONFIG_FOR_NEW_WORKERS, /* in force; workers that run keep what they were started with */
	CONFIG_AT_ONCE,         /* in force, for everything that sioinit does from now on */
};

/* One setting that has another value than before. Texts end with the call that gets them. */
struct config_change {
	const char *name; /* SIOINIT_NAME */
	enum config_when when;
	const char *before, *after; /* as `sioinit check` prints them; "" = none */
};

typedef void config_change_fn(const struct config_change *change, void *ctx);

/* @text is what @c's settings file says now. What the file says otherwise than at the last time is
 * told by @on_change, one call for each setting; what can be taken over without a restart is in @c
 * before the call. Neither command line nor environment change, and they still come first. Returns
 * how many have changed; -EINVAL: @c is as it was, and a line for the user in @err; -ENOMEM. */
int config_reload(struct config *c, struct str text, config_change_fn *on_change, void *ctx,
		  char *err, size_t err_size);

/* When a new value of the setting @name (as an option, without dashes) comes into force. */
enum config_when config_reload_when(const char *name);
