/* Settings that are being loaded. settings/config*.c only. */
#pragma once

#include "settings/config.h"
#include "settings/config_table.h"

struct loader {
	struct config *config;
	char *err;
	size_t err_size;
	const struct str *text; /* of the settings file; NULL: it is read */
};

/* -EINVAL, with the line in l->err. */
int config_loader_fail(const struct loader *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* A value where no later source has one. @from is the entry of environment or argv, "NAME=value" or
 * the name alone; both are borrowed. 0, or as config_loader_fail(). */
int config_loader_apply(const struct loader *l, const struct setting *s, config_parse_fn *parse,
			enum config_source source, const char *from, const char *value);

/* The same by itself: NULL, or what is wrong with @value, which is checked even where a later
 * source has one. An empty value is none. */
const char *config_apply(struct config *c, const struct setting *s, config_parse_fn *parse,
			 struct config_origin from, const char *value);
/* @value is NAME=COMMAND. */
const char *config_apply_sidecar(struct config *c, struct config_origin from, const char *value);

/* A copy that lives as long as @c, or NULL. */
const char *config_keep(struct config *c, struct str s);

/* What the command line says. 0, or as config_loader_fail(). */
int config_load_arguments(const struct loader *l, int argc, char *const *argv,
			  enum config_action *action);
