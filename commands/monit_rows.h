/* The rows of a frame that scroll, and numbers as people read them. */
#pragma once

#include "commands/monit_data.h"
#include "commands/monit_painter.h"

enum { CELL = 16 };

/* In five columns, with their unit. */
void monit_print_age(double s, char dst[static CELL]);
void monit_print_bytes(double b, char dst[static CELL]);
void monit_print_number(double x, char dst[static CELL]);

/* A line each. */
void monit_put_head(struct painter *p);
void monit_put_worker(struct painter *p, const struct monit_worker *w);
void monit_put_sidecar_head(struct painter *p);
void monit_put_sidecar(struct painter *p, const struct monit_sidecar *s);
