/* Deadlines of one duration each: a list in order of expiry and one timer. Setting and clearing are
 * O(1) and touch no timer in the usual case; an empty list never wakes the loop. */
#pragma once

#include <stdint.h>
#include <uv.h>

struct deadline_list;

struct deadline {
	struct deadline *prev, *next;
	struct deadline_list *list; /* NULL: not set */
	uint64_t at_ms;
};

struct deadline_list {
	uv_timer_t timer;
	struct deadline *head;
	uint32_t duration_ms; /* 0: never expires */
	/* Called from the loop, the deadline already cleared. May set and clear any deadline. */
	void (*on_expired)(struct deadline *d);
};

void deadline_list_init(struct deadline_list *l, uv_loop_t *loop, uint32_t duration_ms,
			void (*on_expired)(struct deadline *d));

/* (Re)starts @d on @l; it leaves the list it was on. */
void deadline_set(struct deadline *d, struct deadline_list *l);
/* The same for what is renewed all the time: nothing is done when @d was started on @l less than a
 * sixteenth of its duration ago, so it may expire that much too early. */
void deadline_renew(struct deadline *d, struct deadline_list *l);
void deadline_clear(struct deadline *d);
