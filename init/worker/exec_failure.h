/* Why a worker's program could not be executed, for the user. */
#pragma once

#include <stddef.h>

#include "init/system/spawn.h"

struct spawn_result {
	enum spawn_step step;
	int err; /* a positive errno */
};

/* The exit code, as a shell has it: 127 (the program, its interpreter or its loader is missing),
 * 126 (it is there and cannot be executed), 78 (a setting that the kernel refuses), 125 (fork).
 * @text: one line that names what is missing and the usual cause. Reads the beginning of
 * @program, a path (exec has just done the same). */
int exec_failure_explain(const char *program, const struct spawn_result *failed, char *text,
			 size_t size);
