/* See starters.h. The script that looks for the same in a process is claim_script.c's. */
#include "init/worker/starters.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

#include "base/ban.h"

#define NAMES                                                                                      \
	"npm|npx|pnpm|yarn|corepack|tsx|nodemon|ts-node-dev|node-dev|tsc-watch|nx|lerna|wireit|"   \
	"turbo|@nestjs/cli|@dotenvx/dotenvx|dotenv-cli|env-cmd|cross-env|concurrently|"            \
	"npm-run-all|npm-run-all2"

const char starters_pattern[] = NAMES;

/* Options of node whose value is the next word. */
static const char *const with_value[] = {
	"-r", "--require",    "--import", "--loader", "--experimental-loader",
	"-C", "--conditions", "--title"
};

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* Whether @path goes on with one of the names, as a whole part of it. */
static bool names_one(const char *path)
{
	for (const char *name = starters_pattern; *name;) {
		size_t n = strcspn(name, "|");

		if (strncmp(path, name, n) == 0 && path[n] == '/')
			return true;
		name += n + (name[n] == '|');
	}
	return false;
}

/* Installed anywhere: Debian's npm, yarn in the official images and in .yarn/releases. */
static bool is_package_manager(const char *file)
{
	return begins(file, "npm") || begins(file, "npx") || begins(file, "pnpm") ||
	       begins(file, "yarn");
}

bool starters_have(const char *path)
{
	static const char folder[] = "/node_modules/";
	const char *slash = strrchr(path, '/');

	for (const char *at = strstr(path, folder); at; at = strstr(at + 1, folder))
		if (names_one(at + strlen(folder)))
			return true;
	return slash && strchr(slash, '.') && is_package_manager(slash + 1);
}

static bool takes_next(const char *option)
{
	for (size_t i = 0; i < ARRAY_LEN(with_value); i++)
		if (strcmp(option, with_value[i]) == 0)
			return true;
	return false;
}

bool starters_run_by(char *const *argv)
{
	char *script;
	bool found;

	for (argv++; *argv && **argv == '-'; argv++) {
		if (strcmp(*argv, "--watch") == 0 || begins(*argv, "--watch-path") ||
		    begins(*argv, "--run"))
			return true;
		if (takes_next(*argv) && argv[1])
			argv++;
	}
	script = *argv ? realpath(*argv, NULL) : NULL;
	found = script && starters_have(script);
	free(script);
	return found;
}
