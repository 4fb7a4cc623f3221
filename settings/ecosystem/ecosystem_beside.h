/* settings/ecosystem/ only. */
#pragma once

#include "settings/ecosystem/ecosystem.h"

/* @e's other apps become sidecars of @c, which borrow from @e. Before anything of the app that is
 * routed to is in force. 0, -ENOMEM, or -EINVAL with a line in @err. */
int ecosystem_apply_others(struct ecosystem *e, const struct ecosystem_request *rq,
			   struct config *c, char *err, size_t err_size);
