#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/ban.h"

static int read_all(FILE *f, size_t max, char *dst, size_t *ret_n)
{
	size_t n;

	errno = 0;
	n = fread(dst, 1, max + 1, f);
	if (ferror(f))
		return errno ? -errno : -EIO;
	if (n > max)
		return -EFBIG;
	dst[n] = '\0';
	*ret_n = n;
	return 0;
}

int file_read(const char *path, size_t max, char **ret, size_t *ret_n)
{
	FILE *f = fopen(path, "re");
	char *text;
	int r;

	if (!f)
		return -errno;
	text = malloc(max + 1);
	r = text ? read_all(f, max, text, ret_n) : -ENOMEM;
	(void)fclose(f);
	if (r < 0)
		free(text);
	else
		*ret = text;
	return r;
}
