/* Who takes part where: adapters, found by their uid, in groups, found by family and namespace.
 * Part of the hub; for its files only. */
#pragma once

#define HASH_NONFATAL_OOM 1 /* no memory is told by .hh.tbl */
#include <uthash.h>

#include "relay/hub.h"

enum family { FAMILY_0_2 = 'o', FAMILY_0_3 = 'n', FAMILY_ENGINE = 'e' };

/* Who speaks: an adapter of 0.3 (one for each namespace of a worker) or a cluster-engine, known by
 * its uid, or the adapters that a worker of 0.2 has in a namespace, which have none. A closed one
 * is remembered, so that it stays closed: cluster-adapter 0.3.0 goes on with its heartbeats. */
struct hub_adapter {
	UT_hash_handle hh; /* in hub.adapters, if it has a uid and its member is there */
	struct hub_adapter *prev, *next;         /* in the group */
	struct hub_adapter *prev_own, *next_own; /* of the member: open or closed ones */
	struct hub_member *member;
	struct hub_group *group; /* NULL: closed, or an engine */
	enum family family;
	bool is_closed;
	size_t uid_len;
	char uid[]; /* as it stood in the frame: encoded */
};

/* The adapters of one family in one namespace. */
struct hub_group {
	UT_hash_handle hh;
	struct hub_adapter *adapters;
	/* Of members that have left, while nobody knows the name of the namespace to say so: the
	 * next frame in it has it. */
	struct hub_adapter *unannounced;
	bool is_hashed;
	size_t key_len;
	char key[]; /* the family, then the encoded name or its hash */
};

struct key {
	size_t len;
	bool is_hashed;
	char bytes[1 + HUB_NAME_MAX];
};

void group_key(const struct hub *h, enum family family, struct str name, struct key *ret);

/* NULL: there is none. */
struct hub_group *group_find(const struct hub *h, const struct key *key);
bool group_has(const struct hub_group *g, const struct hub_member *m);
void group_free_if_empty(struct hub *h, struct hub_group *g);

/* NULL: there is none. */
struct hub_adapter *adapter_find(const struct hub *h, struct str uid);
/* NULL: @m has too many, or there is no memory; it is told everything then. @key_len: of the group
 * that it will be in. */
struct hub_adapter *adapter_new(struct hub_member *m, enum family family, struct str uid,
				size_t key_len);
/* A new adapter of @m in the namespace of @key, as adapter_new(). @uid may be empty. */
void adapter_enter(struct hub_member *m, enum family family, struct str uid, const struct key *key);
/* It hears nothing any more, and is not heard. */
void adapter_close(struct hub_adapter *a);
/* A closed one has been heard again: those that are silent are forgotten first. */
void adapter_still_speaks(struct hub_adapter *a);
