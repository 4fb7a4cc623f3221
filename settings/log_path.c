#include "settings/log_path.h"

#include <stdio.h>
#include <string.h>

#include "base/ban.h"

#define SLOT "{slot}"

bool log_file_is_by_slot(const char *pattern)
{
	return strstr(pattern, SLOT);
}

bool log_file_path(const char *pattern, unsigned slot, char dst[static LOG_FILE_PATH_MAX])
{
	const char *at;
	size_t n = 0;

	for (; n < LOG_FILE_PATH_MAX && (at = strstr(pattern, SLOT)); pattern = at + strlen(SLOT))
		n += (size_t)snprintf(dst + n, LOG_FILE_PATH_MAX - n, "%.*s%u", (int)(at - pattern),
				      pattern, slot);
	if (n < LOG_FILE_PATH_MAX)
		n += (size_t)snprintf(dst + n, LOG_FILE_PATH_MAX - n, "%s", pattern);
	return n < LOG_FILE_PATH_MAX;
}
