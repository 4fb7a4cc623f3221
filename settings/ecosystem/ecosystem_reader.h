/* An app that is being read. init/ecosystem*.c only. */
#pragma once

#include <jansson.h>

#include "settings/ecosystem/ecosystem.h"
#include "settings/ecosystem/ecosystem_words.h"

struct ecosystem_reader {
	const struct ecosystem_request *rq;
	struct ecosystem *eco;
	char *err;
	size_t err_size;
	int result;                                         /* 0 until the first failure */
	const char *key;                                    /* as the file writes it */
	const char *script, *interpreter, *instances;       /* borrowed from the tree */
	const json_t *watch, *ignore_watch, *watch_options; /* ditto */
	const char *increment_var;                          /* ditto */
	bool append_env_to_name, no_source_maps;
	struct ecosystem_words args, node_args;
	double listen_timeout_ms; /* 0: not said */
	bool waits_ready, has_backoff;
	bool is_cluster, has_time, has_no_logs;
	enum { LOGS_BY_MODE, LOGS_MERGED, LOGS_APART } merge_logs;
	const struct ecosystem *routed; /* beside: the app that clients are routed to */
	bool
	    beside; /* clients are not routed to it: PORT is a variable, settings are not its own */
};

/* A key of pm2's, and what takes its value; @text names the setting, or says why. */
struct key;
typedef void take_fn(struct ecosystem_reader *r, const struct key *k, const json_t *v);

struct key {
	const char *name;
	take_fn *take;
	const char *text;
};

/* The table's row @i, or NULL behind the last. What becomes of it is a class and a text, static, to
 * be followed by k->text; *ret_class NULL: @k is for a setting, which k->text names. */
const struct key *ecosystem_key(size_t i);
void ecosystem_key_class(const struct key *k, const char **ret_class, const char **ret_more);

/* As JavaScript writes it, memory to free; NULL: out of memory. */
char *ecosystem_text_of(const json_t *v);

/* Keys of ecosystem_instance.c and ecosystem_watch.c. */
take_fn ecosystem_take_exec_mode, ecosystem_take_instances, ecosystem_take_increment_var,
    ecosystem_take_filter, ecosystem_take_source_maps, ecosystem_take_append_env,
    ecosystem_take_watch, ecosystem_take_ignore_watch, ecosystem_take_watch_options;

/* What they mean together, when all are read. */
void ecosystem_settle_instances(struct ecosystem_reader *r);
void ecosystem_settle_watch(struct ecosystem_reader *r);

/* What only a look at the files says: where the script is, what runs it, what it is told of itself.
 * Blocks as access(2) does. */
void ecosystem_settle_program(struct ecosystem_reader *r);

/* A copy of @env, an array to free(), without what @e does not get; NULL: no memory. */
char **ecosystem_filtered(const struct ecosystem *e, char *const *env);

/* The first failure counts. */
void ecosystem_fail(struct ecosystem_reader *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Copies of all three. */
void ecosystem_add(struct ecosystem_reader *r, struct ecosystem_list *l, const char *name,
		   const char *value, const char *key);

/* A setting that r->key is for. */
void ecosystem_set(struct ecosystem_reader *r, const char *setting, const char *value);

/* One key of the app, whatever it is; r->key is its name from then on. */
void ecosystem_take_key(struct ecosystem_reader *r, const char *name, const json_t *value);
/* Which log files there are: one for each worker, for all, or none; after all keys. */
void ecosystem_take_logs(struct ecosystem_reader *r);
/* What wait_ready and listen_timeout mean together; after all keys. */
void ecosystem_take_readiness(struct ecosystem_reader *r);
/* Variables; r->key names where they are. */
void ecosystem_take_env(struct ecosystem_reader *r, const json_t *v);
/* @name=@value into @l unless the file's env has it; r->key is said to be where it is from. */
void ecosystem_add_own(struct ecosystem_reader *r, struct ecosystem_list *l, const char *name,
		       const char *value);
/* A variable; of two with one name the later one counts. */
void ecosystem_add_variable(struct ecosystem_reader *r, const char *name, const char *value);

/* All keys of an app, and its command. */
typedef void ecosystem_take_fn(struct ecosystem_reader *r, const json_t *app);

/* pm2 is not to start it. */
bool ecosystem_is_not_started(const json_t *app);

/* Which of several clients are routed to: of those that are to be started the first that has
 * several instances, else the first of a cluster, else the first; NULL: none is. */
const json_t *ecosystem_routed(const json_t *apps);
/* All but @routed and those that are not to be started, into eco->others. */
void ecosystem_take_others(struct ecosystem_reader *r, const json_t *apps, const json_t *routed,
			   ecosystem_take_fn *take_app);

/* A list that ends with NULL, and its texts; or NULL. */
void ecosystem_texts_free(char **list);
void ecosystem_item_free(struct ecosystem_item *i);
void ecosystem_list_free(struct ecosystem_list *l);
