/* What requests are called. See naming.h. */
#include "router/client/naming.h"

#include "router/client/client.h"
#include "router/core.h"

#include "base/ban.h"

/* The client's own id, or one that no other request has. */
static struct str id_for(const struct router *r, const struct http_head *head, struct naming *made)
{
	struct str own = str_trim(http_field_get(head, str_of(r->conf->request_id)));

	if (request_id_is_sound(own))
		return own;
	request_id_make(r->id_prefix, r->last_id, made->id);
	return str_of(made->id);
}

static void add(struct http_forward *fw, struct http_field field)
{
	fw->added[fw->n_added++] = field;
}

void naming_apply(struct client *c, const struct http_head *head, struct naming *made,
		  struct http_forward *fw)
{
	struct router *r = c->router;
	struct http_field trace[TRACE_FIELDS_MAX];
	struct str id = { 0 }, trace_id;
	size_t n;

	r->last_id++;
	if (r->conf->request_id) {
		id = id_for(r, head, made);
		add(fw, (struct http_field){ str_of(r->conf->request_id), id });
		*(char *)mempcpy(c->exchange.id, id.p, id.n) = '\0';
	}
	n = trace_fields(head, r->conf->traceparent, r->id_prefix, r->last_id, made->traceparent,
			 trace, &trace_id);
	for (size_t i = 0; i < n; i++)
		add(fw, trace[i]);
	if (c->access)
		access_set_names(c->access, id, trace_id);
}

struct http_field naming_of(const struct client *c)
{
	if (c->exchange.id[0] == '\0')
		return (struct http_field){ 0 };
	return (struct http_field){ str_of(c->router->conf->request_id), str_of(c->exchange.id) };
}
