/* The settings file's lines: NAME=value, # comments, empty lines. Pure; init/config*.c and tests
 * only. */
#pragma once

#include "base/str.h"

struct config_file {
	struct str rest;   /* not read yet */
	unsigned line;     /* of what was read last, from 1 */
	const char *wrong; /* a static text, after -EINVAL */
};

struct config_line {
	struct str name, value; /* without blanks around; the value may be empty */
};

/* The next setting. 1: *ret set; 0: no more; -EINVAL: @f says where and why. */
int config_file_next(struct config_file *f, struct config_line *ret);
