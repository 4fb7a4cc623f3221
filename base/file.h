/* Whole files, small ones. */
#pragma once

#include <stddef.h>

/* Reads @path to its end into new memory with a NUL behind it; the caller frees *ret. 0, or -errno;
 * -EFBIG: more than @max bytes. Blocks. */
int file_read(const char *path, size_t max, char **ret, size_t *ret_n);
