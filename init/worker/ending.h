/* Why a worker ends: what is done to it is noted when that begins, the rest its status says. */
#pragma once

#include <stdbool.h>

#include "ipc/worker_end.h"

struct worker;

/* It is about to be drained or killed for that. The first reason stays. */
void worker_ends_for(struct worker *w, enum worker_end_reason why);

/* @status is wait(2)'s; @oom: the kernel has killed it for memory. */
enum worker_end_reason worker_end_reason(const struct worker *w, int status, bool oom);
