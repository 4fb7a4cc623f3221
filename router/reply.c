/* Answers of our own. Retry-After goes with 503, as load balancers and clients expect. */
#include "router/reply.h"

#include <stdio.h>

#include "base/macros.h"

#include "base/ban.h"

static const struct reply {
	unsigned status;
	const char *reason, *message, *fields;
} replies[] = {
	{ 500, "Internal Server Error", "internal error", "" },
	{ 200, "OK", "ok", "" },
	{ 400, "Bad Request", "bad request", "" },
	{ 404, "Not Found", "not found", "" },
	{ 405, "Method Not Allowed", "method not allowed", "" },
	{ 408, "Request Timeout", "request timeout", "" },
	{ 414, "URI Too Long", "uri too long", "" },
	{ 431, "Request Header Fields Too Large", "request header fields too large", "" },
	{ 502, "Bad Gateway", "worker gone", "" },
	{ 503, "Service Unavailable", "no worker is ready", "Retry-After: 1\r\n" },
	{ 505, "HTTP Version Not Supported", "http version not supported", "" },
};

static const struct reply *find(unsigned status)
{
	for (size_t i = 0; i < ARRAY_LEN(replies); i++)
		if (replies[i].status == status)
			return &replies[i];
	return &replies[0];
}

static int write_response(const struct reply *rp, struct str type, struct str body, struct buf *out)
{
	char head[512];
	int n = snprintf(head, sizeof(head),
			 "HTTP/1.1 %u %s\r\n%sContent-Type: %.*s\r\nContent-Length: %zu\r\n"
			 "Cache-Control: no-store\r\nConnection: close\r\n\r\n",
			 rp->status, rp->reason, rp->fields, (int)type.n, type.p, body.n);
	int r = buf_append(out, head, (size_t)n);

	return r < 0 ? r : buf_append(out, body.p, body.n);
}

int reply_write(unsigned status, struct buf *out)
{
	const struct reply *rp = find(status);
	char body[96];
	int n = snprintf(body, sizeof(body), "{\"code\":%u,\"message\":\"%s\"}", rp->status,
			 rp->message);

	return write_response(rp, STR("application/json"), (struct str){ body, (size_t)n }, out);
}

int reply_write_text(unsigned status, struct str content_type, struct str body, struct buf *out)
{
	return write_response(find(status), content_type, body, out);
}
