/* A request to the admin address: whatever its target and fields are, the answer is one of ours,
 * and what init is asked for is a part of the target. The first line is the target, the others are
 * values of fields in turn. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "ipc/scoreboard.h"
#include "router/admin/admin.h"
#include "router/admin/guard.h"
#include "router/http/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { BODY_MAX = 1 << 20 };

/* The next line of @in. */
static struct str take_line(struct str *in)
{
	const char *end = in->n ? memchr(in->p, '\n', in->n) : NULL;
	struct str line = { in->p, end ? (size_t)(end - in->p) : in->n };

	in->p += line.n + (end != NULL);
	in->n -= line.n + (end != NULL);
	return line;
}

static void read_head(struct str in, struct http_head *ret)
{
	static const struct str names[] = {
		{ "Accept", 6 }, { "Accept-Encoding", 15 }, { "Accept", 6 }, { "Host", 4 }
	};

	*ret = (struct http_head){ .method = STR("GET"), .minor = 0, .body.done = true };
	ret->target = take_line(&in);
	if (str_has_prefix(ret->target, STR("/actions/")))
		ret->method = STR("POST");
	while (in.n > 0 && ret->n_fields < ARRAY_LEN(names)) {
		struct http_field *f = &ret->fields[ret->n_fields];

		f->name = names[ret->n_fields++];
		f->value = take_line(&in);
	}
}

static bool is_ours(unsigned status)
{
	static const unsigned statuses[] = { 200, 400, 403, 404, 405, 406, 503 };

	for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
		if (status == statuses[i])
			return true;
	return false;
}

static bool is_within(struct str part, struct str all)
{
	return part.n == 0 || (part.p >= all.p && part.p + part.n <= all.p + all.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static struct scoreboard *board;
	char *text = malloc(n + !n); /* so that reading further is seen */
	struct buf body = BUF_INIT(BODY_MAX);
	struct guard guard = { .hosts = NULL };
	struct admin_view v = { .phase = PHASE_SERVING, .n_ready = 1, .guard = &guard };
	struct admin_answer answer = { .body = &body };
	struct http_head head;

	if (!board)
		board = scoreboard_private();
	if (!text || !board)
		abort();
	if (n)
		memcpy(text, bytes, n);
	v.shared = board;
	read_head((struct str){ text, n }, &head);
	admin_answer(&v, &head, &answer);
	if (!is_ours(answer.status) || !answer.type || !is_within(answer.words, head.target))
		abort();
	buf_free(&body);
	free(text);
	return 0;
}
