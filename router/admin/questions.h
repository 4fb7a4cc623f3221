/* What is asked at the admin address and init alone knows or may do: who has the token, settings,
 * last words, actions. The token goes with each question; init compares it. */
#pragma once

#include <stdint.h>

#include "base/str.h"
#include "ipc/control.h"

struct backend;
struct client;
struct questions;

enum { QUESTIONS_MAX = 32 };

/* @c has waited: @text is JSON. */
typedef void questions_finish_fn(struct questions *q, struct client *c, unsigned status,
				 struct str text);

struct questions {
	struct backend *backend;
	questions_finish_fn *finish;
	struct {
		struct client *client;
		uint64_t token; /* of the message */
	} waiting[QUESTIONS_MAX];
	unsigned n;
};

void questions_init(struct questions *q, struct backend *b, questions_finish_fn *finish);

/* @bearer: what Authorization has behind "Bearer", or empty. 0: .finish is called for @c. -EBUSY:
 * too many wait; -EMSGSIZE: the words are too long; or the -errno for which init cannot be asked.
 */
int questions_ask(struct questions *q, struct client *c, enum admin_ask what, struct str bearer,
		  struct str words);

/* @c waits no more. */
void questions_forget(struct questions *q, const struct client *c);

/* What init says (CONTROL_ADMIN_ANSWER); @fd is borrowed, -1: none. */
void questions_answered(struct questions *q, const struct control_msg *m, int fd);
