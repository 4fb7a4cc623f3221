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
/* Variables; r->key names where they are. */
void ecosystem_take_env(struct ecosystem_reader *r, const json_t *v);
