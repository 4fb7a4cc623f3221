/* A worker in the relay. */
#pragma once

#include "init/worker/worker.h"

extern const struct hub_member_ops worker_member_ops;
