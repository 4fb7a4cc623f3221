/* `sioinit explain SIO-012`: what a warning or an error comes from, and what to do
 * (base/messages.def). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* @words[0] is the subcommand; an id follows, also as sio-12 or 12, or nothing: then all ids are
 * listed. The exit code: 0, or 2 where there is no such message or more than one word. */
int explain_run(char *const *words, size_t n);

/* All of them, for docs/messages.md. */
void explain_print_markdown(FILE *out);
