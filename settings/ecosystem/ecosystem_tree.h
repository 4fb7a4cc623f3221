/* From bytes to a JSON tree, whatever the file is written in. init/ecosystem*.c only. */
#pragma once

#include <jansson.h>

#include "base/str.h"

/* The tree, or NULL: @err says why, with the place in the text. */
json_t *ecosystem_tree_of_json(struct str text, char *err, size_t err_size);
/* YAML 1.2's core schema and merge keys (<<), as pm2's reader has them; the first document. */
json_t *ecosystem_tree_of_yaml(struct str text, char *err, size_t err_size);

/* What node makes of the file at @path: a module's exports, or the value of a .json with comments.
 * NULL: @err says why; node itself may have said more on stderr. */
json_t *ecosystem_tree_of_script(const char *path, unsigned timeout_ms, char *err, size_t err_size);

struct ecosystem;
struct ecosystem_request;

/* As ecosystem_parse(). Consumes @tree, which may be NULL: @why says why then. */
int ecosystem_read(const struct ecosystem_request *rq, json_t *tree, const char *why,
		   struct ecosystem *ret, char *err, size_t err_size);
