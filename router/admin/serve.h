/* Requests on the admin address, from head to answer. */
#pragma once

#include "base/buf.h"
#include "router/admin/events.h"
#include "router/admin/questions.h"
#include "router/admin/scrape.h"
#include "router/client/context.h"

struct admin {
	struct frontend *frontend;
	struct scrape scrape;
	struct events events;
	struct questions questions;
	struct buf report;
	void (*publish)(struct frontend *f); /* brings the scoreboard up to date */
};

/* @f answers requests on the admin address by @a from now on; both live as long. */
void admin_init(struct admin *a, struct frontend *f, void (*publish)(struct frontend *f));
void admin_deinit(struct admin *a);
