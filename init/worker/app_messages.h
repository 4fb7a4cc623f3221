/* What workers send to a primary that is not there: libraries for Node's cluster wait for ever, or
 * lose what they send, without a word. Each kind of message is said once, with what to do about it
 * where the library is known. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "ipc/value.h"

enum { APP_MESSAGES_UNKNOWN_MAX = 16, APP_MESSAGES_SHAPE_SIZE = 80 };

struct app_messages {
	uint32_t said; /* a bit for each row of the table */
	char unknown[APP_MESSAGES_UNKNOWN_MAX][APP_MESSAGES_SHAPE_SIZE];
	unsigned n_unknown;
};

/* A message (NODE_OTHER) of the worker in @slot. @relays: the other workers get such messages.
 * True: this one is for them. */
bool app_messages_judge(struct app_messages *a, enum serialization mode, uint32_t slot,
			struct str payload, bool relays);
