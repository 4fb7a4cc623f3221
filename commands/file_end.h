/* The end of a text file. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Prints the last @lines of the file at @path, of its last MiB, each behind @prefix. False: it
 * cannot be read. */
bool file_end_print(const char *path, size_t lines, const char *prefix, FILE *out);
