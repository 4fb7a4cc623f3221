/* pm2's ecosystem file (ecosystem.config.js and the like) in sioinit's words. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/str.h"
#include "settings/config.h"

struct ecosystem_item {
	char *name;
	char *value;
	char *key; /* pm2's, where it was found */
};

struct ecosystem_list {
	struct ecosystem_item *items;
	size_t n;
};

/* One app. All owned. */
struct ecosystem {
	char *app;      /* its name */
	char *cwd;      /* NULL: where sioinit is */
	char **command; /* ends with NULL */
	size_t command_len;
	bool bare;            /* command[0] is a file or program that no interpreter was said for */
	bool has_interpreter; /* the file says which */
	size_t script_at;     /* its word in command; command_len: a line of several words */
	bool source_maps;     /* Node maps the app's stack traces, as under pm2 */
	const char *exec_mode;          /* static: pm2's word; NULL: by instances and interpreter */
	bool has_instances;             /* such a number of them that pm2 makes it a cluster */
	struct ecosystem_list settings; /* sioinit's name and value */
	struct ecosystem_list env;      /* for the workers */
	struct ecosystem_list identity; /* ditto: what pm2 tells an app of itself */
	struct ecosystem_filter {
		char **names;          /* ends with NULL; or NULL */
		bool parts;            /* of names */
	} filter;                      /* variables that are not passed on to it */
	struct ecosystem_list changed; /* keys that mean something else here: value says what */
	struct ecosystem_list ignored; /* keys without effect: value says why */
	struct ecosystem *others;      /* of the one that clients are routed to: the other apps */
	size_t n_others;
	struct config_pm_ids pm_ids; /* ditto */
	unsigned pm_id;        /* one of the others: its number, to which those of the workers */
	bool behind_workers;   /* are to be added */
	char **inherited;      /* ditto, once in force: its environment without its own variables */
	bool once;             /* one of the others: not restarted, whatever it ends with */
	struct config *policy; /* ditto: the settings in force for it */
	char **variables;      /* ditto, once in force: env as NAME=value, ends with NULL */
};

/* What the caller knows. */
struct ecosystem_request {
	const char *file;
	const char *app;             /* these, separated by commas; NULL: all */
	const char *env_name;        /* chooses env_NAME; or NULL */
	const struct pm2_call *call; /* what the command line says of the app; or NULL */
};

enum { ECOSYSTEM_TIMEOUT_MS = 10000 }; /* for what blocks the start */

enum ecosystem_format { ECOSYSTEM_JSON, ECOSYSTEM_YAML };

/* Reads the file, .js by running node once, for @timeout_ms at most: blocks. 0: *ret set, free with
 * ecosystem_free(). -EINVAL: one line for the user is in @err. */
int ecosystem_load(const struct ecosystem_request *rq, unsigned timeout_ms, struct ecosystem *ret,
		   char *err, size_t err_size);

/* The same of what the command line says alone: rq->call, whose script is set. Looks for the
 * script, as above. */
int ecosystem_of_call(const struct ecosystem_request *rq, struct ecosystem *ret, char *err,
		      size_t err_size);

/* The same from text, without looking at any file. */
int ecosystem_parse(const struct ecosystem_request *rq, enum ecosystem_format format,
		    struct str text, struct ecosystem *ret, char *err, size_t err_size);

void ecosystem_free(struct ecosystem *e);

/* What becomes of every key of pm2's, as a table in Markdown. */
void ecosystem_print_keys(FILE *out);

/* What @e's other app @i is called as a sidecar: its name in small letters, digits and _. */
void ecosystem_other_name(const struct ecosystem *e, size_t i, char dst[static SIDECAR_NAME_SIZE]);

/* Into force: settings and command (borrowed by @c) where no other source has one, the variables
 * into our environment, its directory, the other apps as sidecars. Logs what has no effect. 0, or
 * -EINVAL with a line in @err.
 */
int ecosystem_apply(struct ecosystem *e, const struct ecosystem_request *rq, struct config *c,
		    char *err, size_t err_size);
