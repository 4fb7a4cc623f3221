/* A folder that stands for / : what the kernel would show there, written by a test. */
#pragma once

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/sioinit-test-root-XXXXXX";

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	return ftw->level > 0 ? remove(path) : 0;
}

static int make_root(void **state)
{
	(void)state;
	return mkdtemp(root) ? 0 : -1;
}

static int empty_root(void **state)
{
	(void)state;
	return nftw(root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static int remove_root(void **state)
{
	(void)state;
	return rmdir(root);
}

/* Writes root/@path and the folders above it. */
static void put(const char *path, const char *text)
{
	char name[512];
	FILE *f;

	(void)snprintf(name, sizeof(name), "%s%s", root, path);
	for (char *p = strchr(name + strlen(root) + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		(void)mkdir(name, 0755);
		*p = '/';
	}
	f = fopen(name, "we");
	assert_non_null(f);
	(void)fputs(text, f);
	(void)fclose(f);
}
