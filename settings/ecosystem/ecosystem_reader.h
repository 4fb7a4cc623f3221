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
	int result;                                   /* 0 until the first failure */
	const char *key;                              /* as the file writes it */
	const char *script, *interpreter, *instances; /* borrowed from the tree */
	struct ecosystem_words args, node_args;
	double listen_timeout_ms; /* 0: not said */
	bool waits_ready, has_backoff;
	bool is_cluster, has_time, has_no_logs;
	enum { LOGS_BY_MODE, LOGS_MERGED, LOGS_APART } merge_logs;
	bool
	    beside; /* clients are not routed to it: PORT is a variable, settings are not its own */
};

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
/* A variable; of two with one name the later one counts. */
void ecosystem_add_variable(struct ecosystem_reader *r, const char *name, const char *value);

/* All keys of an app, and its command. */
typedef void ecosystem_take_fn(struct ecosystem_reader *r, const json_t *app);

/* Which of several clients are routed to: the first that has several instances, else the first of a
 * cluster, else the first. */
const json_t *ecosystem_routed(const json_t *apps);
/* All but @routed and those that are not to be started, into eco->others. */
void ecosystem_take_others(struct ecosystem_reader *r, const json_t *apps, const json_t *routed,
			   ecosystem_take_fn *take_app);

void ecosystem_item_free(struct ecosystem_item *i);
void ecosystem_list_free(struct ecosystem_list *l);
