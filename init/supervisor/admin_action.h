/* What a router passes on of a request at the admin address (CONTROL_ADMIN_ASK). Pure; any bytes
 * are safe. */
#pragma once

#include "base/str.h"
#include "init/supervisor/admin_request.h"
#include "ipc/control.h"

/* The text of the message: the bearer's token and the words of an action, both borrowed. 0, or
 * -EBADMSG: it is not as ADMIN_ASK has it. */
int admin_ask_read(struct str text, struct str *ret_token, struct str *ret_words);

struct admin_action {
	char words[ADMIN_WORDS_BYTES_MAX + 1]; /* what .request borrows */
	struct admin_request request;
};

/* An action by its words: reload, restart/SLOT, scale/N (or +N, -N), drain, drain/off, rebalance.
 * 0, or -EINVAL: there is no such one, or it is misused; ret->request.usage says how it is used, or
 * is NULL. */
int admin_action_read(struct str words, struct admin_action *ret);
