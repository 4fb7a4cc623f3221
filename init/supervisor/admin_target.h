/* What a client of the admin socket calls a part of what runs: a slot's number, the app's name, a
 * sidecar's, or all. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

struct init;
struct slot;

enum admin_target_kind { TARGET_ALL, TARGET_APP, TARGET_SLOT, TARGET_SIDECAR };

struct admin_target {
	enum admin_target_kind kind;
	struct slot *slot;   /* of TARGET_SLOT */
	const char *sidecar; /* of TARGET_SIDECAR; borrowed */
};

/* False: there is nothing of that name. An ecosystem file is all. */
bool admin_target_find(struct init *in, const char *word, struct admin_target *ret);

/* The line that says what there is instead. 0, or as buf_printf(). */
int admin_target_say_unknown(struct init *in, const char *word, struct buf *out);
