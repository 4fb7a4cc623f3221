#include "settings/interpreter.h"

#include <stddef.h>
#include <string.h>

#include "base/macros.h"

#include "base/ban.h"

enum { OURS = INTERPRETER_OF_OURS, PM2 = INTERPRETER_OF_PM2 };

/* pm2's are those of its lib/API/interpreter.json; what node runs needs none there. */
static const struct {
	const char *extension, *interpreter;
	unsigned rules;
} interpreters[] = {
	{ ".js", "node", OURS }, { ".mjs", "node", OURS }, { ".cjs", "node", OURS },
	{ ".ts", "node", OURS }, { ".mts", "node", OURS }, { ".py", "python3", OURS | PM2 },
	{ ".sh", "bash", PM2 },  { ".rb", "ruby", PM2 },   { ".php", "php", PM2 },
	{ ".pl", "perl", PM2 },
};

const char *interpreter_for(const char *file, enum interpreter_rules rules)
{
	const char *slash = strrchr(file, '/'), *dot = strrchr(slash ? slash : file, '.');

	for (size_t i = 0; dot && i < ARRAY_LEN(interpreters); i++)
		if ((interpreters[i].rules & rules) && strcmp(dot, interpreters[i].extension) == 0)
			return interpreters[i].interpreter;
	return NULL;
}
