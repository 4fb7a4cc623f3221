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

void naming_apply(struct exchange *x, const struct http_head *head, struct naming *made,
		  struct http_forward *fw)
{
	struct frontend *f = x->side.frontend;
	const struct router_conf *conf = frontend_conf(f);
	struct http_field trace[TRACE_FIELDS_MAX];
	struct str id = { 0 }, trace_id;
	size_t n;

	f->last_id++;
	if (conf->request_id) {
		id = id_for(f, head, made);
		add(fw, (struct http_field){ str_of(frontend_conf(f)->request_id), id });
		*(char *)mempcpy(x->id, id.p, id.n) = '\0';
	}
	n = trace_fields(head, conf->traceparent, f->id_prefix, f->last_id, made->traceparent,
			 trace, &trace_id);
	for (size_t i = 0; i < n; i++)
		add(fw, trace[i]);
	if (*x->side.access)
		access_set_names(*x->side.access, id, trace_id);
}

struct http_field naming_of(const struct exchange *x)
{
	if (x->id[0] == '\0')
		return (struct http_field){ 0 };
	return (struct http_field){ str_of(frontend_conf(x->side.frontend)->request_id),
				    str_of(x->id) };
}
