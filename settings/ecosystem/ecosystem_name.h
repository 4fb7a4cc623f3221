/* What pm2 takes for an ecosystem file, by its name. Pure. */
#pragma once

#include <stdbool.h>

enum ecosystem_kind {
	ECOSYSTEM_FILE_NONE,
	ECOSYSTEM_FILE_JSON,
	ECOSYSTEM_FILE_YAML,
	ECOSYSTEM_FILE_SCRIPT,
};

bool ecosystem_is_file(const char *name);
enum ecosystem_kind ecosystem_kind_of(const char *name);
