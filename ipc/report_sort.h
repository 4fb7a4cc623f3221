/* Rows in the order that somebody has asked for. ipc/report*.c only. */
#pragma once

#include "ipc/report.h"
#include "ipc/report_view.h"

/* A row and what it is sorted by, which is read once. */
struct report_sorted {
	struct report_view view;
	double key;
};

/* The first @rows of the board, sorted; the caller frees them. NULL: no memory. */
struct report_sorted *report_sorted_rows(const struct scoreboard *b, enum report_sort sort,
					 unsigned rows);
