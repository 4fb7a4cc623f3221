/* All settings and subcommands, and how settings are called. settings/config*.c only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "settings/config.h"
#include "settings/config_values.h"

enum { NAME_MAX_BYTES = 64, PREFIX_LEN = sizeof("SIOINIT_") - 1 };

struct alias {
	const char *env;
	config_parse_fn *parse; /* where its unit differs */
	const char *unit;       /* ditto, as the help says it */
};

struct setting {
	const char *name;  /* flag; SIOINIT_ and upper case in the environment */
	const char *value; /* what --help shows as the value: type and unit */
	const char *dflt;  /* "" = none */
	config_parse_fn *parse;
	config_print_fn *print;
	size_t offset;
	const char *help;
	struct alias aliases[3];
};

extern const struct setting config_table[];
extern const size_t config_n_rows;

struct subcommand {
	const char *word;
	enum config_action action;
	const char *synopsis, *help;
	const char *const *words; /* as in struct config_subcommand */
};

extern const struct subcommand config_subcommands[];
extern const size_t config_n_subcommands;

/* What follows the word are options of ours, or a command. */
bool subcommand_takes_options(const struct subcommand *s);

/* Ways to write a setting's name: SIOINIT_STOP_TIMEOUT, --stop-timeout, stop-timeout. */
typedef void spell_fn(const struct setting *s, char dst[static NAME_MAX_BYTES]);
spell_fn setting_env_name;
spell_fn setting_flag_name;
spell_fn setting_bare_name;

/* The name of the setting that @name was perhaps meant to be, as @spell writes it. */
void setting_suggest(const char *name, spell_fn *spell, char ret[static NAME_MAX_BYTES]);

/* The one called so on the command line (without the dashes; @n bytes), or NULL. */
const struct setting *setting_find_flag(const char *name, size_t n);
/* By its name in the environment or on the command line; NULL: *ret_meant is the nearest. */
const struct setting *setting_find(const char *name, char ret_meant[static NAME_MAX_BYTES]);

/* The one whose names are many: SIOINIT_SIDECAR_NAME. Its parser is for one of them, its printer
 * for all. */
static inline bool setting_is_sidecar(const struct setting *s)
{
	return s->offset == offsetof(struct config, sidecars);
}

/* One whose value nobody is shown. */
static inline bool setting_is_secret(const struct setting *s)
{
	return s->print == config_print_secret;
}

/* @value as an error may have it. */
static inline const char *setting_shown(const struct setting *s, const char *value)
{
	return setting_is_secret(s) ? "..." : value;
}

/* The command of one. */
void config_print_sidecar(const struct config_sidecar *one, FILE *out);

#define SIDECAR_PREFIX "SIOINIT_SIDECAR_"

/* NAME of SIOINIT_SIDECAR_NAME, with what follows it; or NULL. */
static inline const char *sidecar_named(const char *entry)
{
	size_t n = sizeof(SIDECAR_PREFIX) - 1;

	return strncmp(entry, SIDECAR_PREFIX, n) == 0 ? entry + n : NULL;
}

static inline bool setting_is_called(const char *candidate, const char *name, size_t n)
{
	return strlen(candidate) == n && memcmp(candidate, name, n) == 0;
}
