/* The viewers and what they are sent. See events.h. */
#include "router/admin/events.h"

#include <errno.h>

#include "base/macros.h"
#include "router/client/client.h"

#include "base/ban.h"

static const char begin[] = "event: status\ndata: ", retry[] = "retry: 1000\n\n";

/* Ends with an empty line. */
static int end(struct buf *text)
{
	while (text->len > 0 && text->p[text->len - 1] == '\n')
		text->len--;
	return buf_append(text, "\n\n", 2);
}

static int make(struct events *e)
{
	int r;

	e->text.len = 0;
	r = buf_append(&e->text, begin, sizeof(begin) - 1);
	if (r == 0)
		r = e->make(e, &e->text);
	if (r == 0)
		r = end(&e->text);
	if (r < 0)
		buf_free(&e->text);
	return r;
}

/* Backwards, as one that is closed takes itself out. */
static void on_second(uv_timer_t *t)
{
	struct events *e = container_of(t, struct events, timer);

	if (make(e) < 0)
		return;
	for (unsigned i = e->n; i-- > 0;)
		client_event(e->viewers[i], buf_str(&e->text), (struct str){ 0 });
}

void events_init(struct events *e, uv_loop_t *loop, events_make_fn *make_text, size_t max)
{
	*e = (struct events){ .make = make_text, .text = BUF_INIT(max) };
	(void)uv_timer_init(loop, &e->timer);
}

void events_close(struct events *e)
{
	uv_close((uv_handle_t *)&e->timer, NULL);
	buf_free(&e->text);
}

/* The others' last event is at most a second old. */
int events_add(struct events *e, struct client *c, struct str head)
{
	struct buf first = BUF_INIT(head.n + sizeof(retry));
	int r = e->n == EVENTS_VIEWERS_MAX ? -EBUSY : 0;

	if (r == 0 && (e->n == 0 || e->text.len == 0))
		r = make(e);
	if (r == 0)
		r = buf_append(&first, head.p, head.n);
	if (r == 0)
		r = buf_append(&first, retry, sizeof(retry) - 1);
	if (r == 0) {
		e->viewers[e->n++] = c;
		if (e->n == 1)
			(void)uv_timer_start(&e->timer, on_second, EVENTS_INTERVAL_MS,
					     EVENTS_INTERVAL_MS);
		client_event(c, buf_str(&first), buf_str(&e->text));
	}
	buf_free(&first);
	return r;
}

void events_forget(struct events *e, const struct client *c)
{
	for (unsigned i = 0; i < e->n; i++)
		if (e->viewers[i] == c) {
			e->viewers[i] = e->viewers[--e->n];
			break;
		}
	if (e->n == 0) {
		(void)uv_timer_stop(&e->timer);
		buf_free(&e->text);
	}
}
