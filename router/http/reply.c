/* Answers of our own. Retry-After goes with 429 and 503, as load balancers and clients expect, and
 * Allow with 405, as RFC 9110, 15.5.6, demands: for CONNECT it is empty, since what is asked for is
 * a tunnel to elsewhere, for which there is no method. */
#include "router/http/reply.h"

#include <stdio.h>

#include "base/macros.h"

#include "base/ban.h"

enum { BODY_MAX = 96 };

static const struct reply {
	unsigned status;
	const char *reason, *message, *fields;
} replies[] = {
	{ 500, "Internal Server Error", "internal error", "" },
	{ 200, "OK", "ok", "" },
	{ 400, "Bad Request", "bad request", "" },
	{ 401, "Unauthorized", "unauthorized", "WWW-Authenticate: Bearer realm=\"sioinit\"\r\n" },
	{ 403, "Forbidden", "forbidden", "" },
	{ 404, "Not Found", "not found", "" },
	{ 405, "Method Not Allowed", "method not allowed", "Allow:\r\n" },
	{ 406, "Not Acceptable", "not acceptable", "" },
	{ 408, "Request Timeout", "request timeout", "" },
	{ 409, "Conflict", "not now", "" },
	{ 414, "URI Too Long", "uri too long", "" },
	{ 429, "Too Many Requests", "too many from this address", "Retry-After: 1\r\n" },
	{ 431, "Request Header Fields Too Large", "request header fields too large", "" },
	{ 502, "Bad Gateway", "worker gone", "" },
	{ 503, "Service Unavailable", "not ready or overloaded", "Retry-After: 1\r\n" },
	{ 504, "Gateway Timeout", "the worker does not answer", "" },
	{ 505, "HTTP Version Not Supported", "http version not supported", "" },
};

static const struct reply *find(unsigned status)
{
	for (size_t i = 0; i < ARRAY_LEN(replies); i++)
		if (replies[i].status == status)
			return &replies[i];
	return &replies[0];
}

static int write_head(const struct reply *rp, struct str fields, struct str more, struct str type,
		      size_t length, struct buf *out)
{
	return buf_printf(out,
			  "HTTP/1.1 %u %s\r\n%.*s%.*sContent-Type: %.*s\r\nContent-Length: %zu\r\n"
			  "Cache-Control: no-store\r\nConnection: close\r\n\r\n",
			  rp->status, rp->reason, (int)fields.n, fields.p, (int)more.n, more.p,
			  (int)type.n, type.p, length);
}

/* Its length. */
static int write_body(const struct reply *rp, bool is_plain, char dst[static BODY_MAX])
{
	if (is_plain)
		return snprintf(dst, BODY_MAX, "%u %s\n", rp->status, rp->message);
	return snprintf(dst, BODY_MAX, "{\"code\":%u,\"message\":\"%s\"}", rp->status, rp->message);
}

int reply_write(unsigned status, struct reply_to to, struct http_field added, struct buf *out)
{
	const struct reply *rp = find(status);
	struct str type = to.is_plain ? STR("text/plain") : STR("application/json");
	char body[BODY_MAX], fields[512];
	int n = write_body(rp, to.is_plain, body);
	int r;

	(void)snprintf(fields, sizeof(fields), "%s%.*s%s%.*s%s", rp->fields, (int)added.name.n,
		       added.name.p, added.name.n ? ": " : "", (int)added.value.n, added.value.p,
		       added.name.n ? "\r\n" : "");
	r = write_head(rp, str_of(fields), STR(""), type, (size_t)n, out);
	if (r < 0 || to.head_only)
		return r;
	r = buf_append(out, body, (size_t)n);
	return r < 0 ? r : n;
}

int reply_write_text(unsigned status, const struct reply_text *text, struct buf *out)
{
	const struct reply *rp = find(status);
	struct str fields = text->fields.n ? text->fields : str_of(rp->fields);
	int r = write_head(rp, fields, text->more, text->type, text->body.n + text->rest.n, out);

	return r < 0 || text->head_only ? r : buf_append(out, text->body.p, text->body.n);
}
