/* Memory that processes share and none of them can resize: a memfd of a final size (F_SEAL_SHRINK,
 * F_SEAL_GROW), or whoever shrinks it would end the others with SIGBUS. It cannot be executed. */
#pragma once

#include <stddef.h>

/* @size bytes of zeros; pages that nobody touches cost nothing. The descriptor, owned by the
 * caller, or -errno. */
int sealed_create(const char *name, size_t size);

/* Maps all of it, to be read and written; @fd is borrowed. The caller's memory until munmap, or
 * NULL with errno: EINVAL where it has another size or may still be resized. */
void *sealed_map(int fd, size_t size);
