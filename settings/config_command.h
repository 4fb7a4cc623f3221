/* Command lines in settings. Pure; what runs them is elsewhere. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/* Whether only a shell can run @line: it has pipes, lists, redirections, variables, patterns or the
 * like outside quotes, an assignment before the program, or begins with exec. */
bool config_command_wants_shell(const char *line);

/* The words of a line that wants no shell: split at blanks; '...' and "..." are taken out of their
 * quotes. 0: *ret ends with NULL and is one allocation, to be free()d. -EINVAL: no word, or a quote
 * that does not end; -ENOMEM. */
int config_command_split(const char *line, char ***ret);

/* @word as a shell and config_command_split() read it: bare where that is safe, else in quotes. */
void config_command_print_word(const char *word, FILE *out);
void config_command_print(char *const *words, FILE *out);
