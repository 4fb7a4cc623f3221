/* Programs of npm's that are Node themselves and start the app in a process of its own. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The names of their packages, as the alternatives of a regular expression. */
extern const char starters_pattern[];

/* Whether the script @path, links resolved, is one of them, by its package's folder, or npm or a
 * relative of it wherever it lies. Pure. */
bool starters_have(const char *path);

/* Whether the command @argv (NULL-terminated), which begins with node, only starts the app: by its
 * options (--watch, --run), or as its script is a starter. Resolves links of that. */
bool starters_run_by(char *const *argv);
