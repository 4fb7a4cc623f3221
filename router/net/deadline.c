/* Deadline lists. The timer may fire early, for a deadline that was moved since: then it is set
 * again for the head. */
#include "router/net/deadline.h"

#include <utlist.h>

#include "base/macros.h"

#include "base/ban.h"

static void on_timer(uv_timer_t *timer);

static void arm(struct deadline_list *l)
{
	uint64_t now = uv_now(l->timer.loop), at = l->head->at_ms;

	(void)uv_timer_start(&l->timer, on_timer, at > now ? at - now : 0, 0);
}

static void on_timer(uv_timer_t *timer)
{
	struct deadline_list *l = container_of(timer, struct deadline_list, timer);
	uint64_t now = uv_now(timer->loop);

	while (l->head && l->head->at_ms <= now) {
		struct deadline *d = l->head;

		deadline_clear(d);
		l->on_expired(d);
	}
	if (l->head)
		arm(l);
}

void deadline_list_init(struct deadline_list *l, uv_loop_t *loop, uint32_t duration_ms,
			void (*on_expired)(struct deadline *d))
{
	*l = (struct deadline_list){ .duration_ms = duration_ms, .on_expired = on_expired };
	(void)uv_timer_init(loop, &l->timer); /* cannot fail, uv_timer_init(3) */
}

void deadline_set(struct deadline *d, struct deadline_list *l)
{
	deadline_clear(d);
	if (l->duration_ms == 0)
		return;
	d->list = l;
	d->at_ms = uv_now(l->timer.loop) + l->duration_ms;
	DL_APPEND(l->head, d);
	if (!uv_is_active((uv_handle_t *)&l->timer))
		arm(l);
}

void deadline_renew(struct deadline *d, struct deadline_list *l)
{
	uint64_t at = uv_now(l->timer.loop) + l->duration_ms;

	if (d->list != l || at - d->at_ms > l->duration_ms / 16)
		deadline_set(d, l);
}

void deadline_clear(struct deadline *d)
{
	if (!d->list)
		return;
	DL_DELETE(d->list->head, d);
	d->list = NULL;
}
