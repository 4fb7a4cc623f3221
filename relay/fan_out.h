/* Handing frames out: held back with their neighbours of the same read, then queued for each
 * receiver as one blob. Part of the hub; for its files only. */
#pragma once

#include "relay/membership.h"

/* @m leaves for @why (static text) when nothing is handed out any more. */
void member_mark(struct hub_member *m, const char *why);

/* @f of @from goes to @to: now, or with those that follow it. NULL: nothing happens. */
void hand_out(struct hub_member *from, const struct hub_target *to, const struct channel_frame *f);
/* What was held back is queued. */
void run_flush(struct hub *h);

/* One frame of ours, to a group without @except, or to whoever speaks 0.2. @frame is consumed;
 * NULL: there was no memory for it, which is said. */
void announce_to_group(struct hub *h, const struct hub_group *g, const struct hub_member *except,
		       struct blob *frame);
void announce_to_0_2(struct hub *h, struct blob *frame);
