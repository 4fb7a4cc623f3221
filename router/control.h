/* What init says, applied by table. */
#pragma once

#include "ipc/control.h"

/* For control_init() of a struct router's .link: its end stops the loop. */
extern const struct control_ops router_control_ops;
