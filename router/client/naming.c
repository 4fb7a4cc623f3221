/* What requests are called. See naming.h. */
#include "router/client/naming.h"

#include "router/client/context.h"
#include "router/client/exchange_state.h"

#include "base/ban.h"

/* The client's own id, or one that no other request has. */
static struct str id_for(const struct frontend *f, const struct http_head *head,
			 struct naming *made)
{
	struct str own = str_trim(http_field_get(head, str_of(frontend_conf(f)->request_id)));

	if (request_id_is_sound(own))
		return own;
	request_id_make(f->id_prefix, f->last_id, made->id);
	return str_of(made->id);
}

static void add(struct http_forward *fw, struct http_field field)
{
	fw->added[fw->n_added++] = field;
}

/* Who asks the worker is our span, where there is one, and of a trace that begins here none but
 * it. */
static void add_trace(struct exchange *x, const struct http_head *head, struct naming *made,
		      struct trace *ret, struct http_forward *fw)
{
	const struct frontend *f = x->side.frontend;
	const struct span *s = *x->side.span;
	struct http_field fields[TRACE_FIELDS_MAX];
	uint64_t asks = s ? s->id : 0;
	size_t n;

	if (s)
		*ret = s->trace;
	else
		trace_of(head, &frontend_conf(f)->trace, f->id_prefix, f->last_id, ret);
	if (!s && ret->origin == TRACE_MADE)
		asks = trace_span_id(f->id_prefix, f->last_id);
	n = trace_fields(ret, asks, made->traceparent, fields);
	for (size_t i = 0; i < n; i++)
		add(fw, fields[i]);
}

void naming_apply(struct exchange *x, const struct http_head *head, struct naming *made,
		  struct http_forward *fw)
{
	struct frontend *f = x->side.frontend;
	const struct router_conf *conf = frontend_conf(f);
	struct str id = { 0 };
	struct trace trace;

	f->last_id++;
	if (conf->request_id) {
		id = id_for(f, head, made);
		add(fw, (struct http_field){ str_of(frontend_conf(f)->request_id), id });
		*(char *)mempcpy(x->id, id.p, id.n) = '\0';
	}
	add_trace(x, head, made, &trace, fw);
	if (*x->side.access)
		access_set_names(*x->side.access, id, str_of(trace.id));
}

struct http_field naming_of(const struct exchange *x)
{
	if (x->id[0] == '\0')
		return (struct http_field){ 0 };
	return (struct http_field){ str_of(frontend_conf(x->side.frontend)->request_id),
				    str_of(x->id) };
}
