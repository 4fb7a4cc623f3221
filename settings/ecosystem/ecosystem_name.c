/* What a file is by its name alone. */
#include <string.h>

#include "base/macros.h"
#include "settings/ecosystem/ecosystem_name.h"

#include "base/ban.h"

static const struct {
	const char *ending;
	enum ecosystem_kind kind;
} endings[] = {
	{ ".json", ECOSYSTEM_FILE_JSON },         { ".yaml", ECOSYSTEM_FILE_YAML },
	{ ".yml", ECOSYSTEM_FILE_YAML },          { ".config.js", ECOSYSTEM_FILE_SCRIPT },
	{ ".config.cjs", ECOSYSTEM_FILE_SCRIPT }, { ".config.mjs", ECOSYSTEM_FILE_SCRIPT },
};

static bool ends_with(const char *name, const char *ending)
{
	size_t n = strlen(name), m = strlen(ending);

	return n > m && strcmp(name + n - m, ending) == 0;
}

bool ecosystem_is_file(const char *name)
{
	return ecosystem_kind_of(name) != ECOSYSTEM_FILE_NONE;
}

enum ecosystem_kind ecosystem_kind_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(endings); i++)
		if (ends_with(name, endings[i].ending))
			return endings[i].kind;
	return ECOSYSTEM_FILE_NONE;
}
