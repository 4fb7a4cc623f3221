/* Questions by HTTP. See admin_http.h. */
#include "init/supervisor/admin_http.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "init/supervisor/admin_action.h"
#include "init/supervisor/admin_command.h"
#include "init/supervisor/core.h"
#include "ipc/report.h"
#include "ipc/sealed.h"

#include "base/ban.h"

enum { WINDOW_MS = 1000, ANSWER_MAX = 1 << 20, SAID_MAX = 4096 };

struct question {
	struct init *init;
	enum admin_verdict verdict;
	struct str words;
	struct buf *answer; /* JSON */
};

/* {"code":N,"text":"..."}; @status as it is, or 500. */
static unsigned say(struct question *q, unsigned status, int code, struct str text)
{
	char escaped[SAID_MAX];
	size_t n;

	while (text.n > 0 && text.p[text.n - 1] == '\n')
		text.n--;
	n = escape_json(text, escaped, sizeof(escaped));
	if (buf_printf(q->answer, "{\"code\":%d,\"text\":\"%.*s\"}\n", code, (int)n, escaped) < 0)
		return 500;
	return status;
}

static bool is_known(const struct question *q)
{
	return q->verdict == ADMIN_KNOWN;
}

static unsigned access_of(struct question *q)
{
	int r = buf_printf(q->answer, "{\"token_set\":%s,\"authorised\":%s}\n",
			   q->verdict == ADMIN_NO_TOKEN ? "false" : "true",
			   is_known(q) ? "true" : "false");

	return r < 0 ? 500 : 200;
}

static unsigned settings(struct question *q)
{
	return config_json(q->init->config, is_known(q), q->answer) < 0 ? 500 : 200;
}

/* ["line",...], each line without its end. */
static int put_lines(struct str text, struct buf *out)
{
	int r = buf_append(out, "[", 1);

	while (text.n > 0 && r == 0) {
		const char *end = memchr(text.p, '\n', text.n);
		size_t n = end ? (size_t)(end - text.p) : text.n;
		char escaped[ESCAPE_GROWTH * LOG_TAIL_MAX];
		size_t len = escape_json((struct str){ text.p, n }, escaped, sizeof(escaped));

		r = buf_printf(out, "%s\"%.*s\"", out->p[out->len - 1] == '[' ? "" : ",", (int)len,
			       escaped);
		n += end != NULL;
		text = (struct str){ text.p + n, text.n - n };
	}
	return r < 0 ? r : buf_append(out, "]", 1);
}

static int put_words(const struct question *q, const struct death *d)
{
	const struct exit_record *r = exit_history_of(&q->init->pool.exit_history, (pid_t)d->pid);

	if (!is_known(q) || !r)
		return buf_printf(q->answer, "null");
	return put_lines((struct str){ r->last_words, r->n_last_words }, q->answer);
}

static int put_death(const struct question *q, const struct death *d)
{
	int r = report_death_members(d, uv_hrtime() / 1000000, q->answer);

	r = r < 0 ? r : buf_printf(q->answer, ",\"words\":");
	r = r < 0 ? r : put_words(q, d);
	return r < 0 ? r : buf_printf(q->answer, "}");
}

static unsigned deaths(struct question *q)
{
	struct death list[DEATHS_MAX];
	unsigned n = deaths_read(&q->init->board->deaths, list);
	int r = buf_printf(q->answer, "{\"deaths\":[");

	for (unsigned i = 0; i < n && r == 0; i++) {
		r = buf_printf(q->answer, i ? ",{" : "{");
		r = r < 0 ? r : put_death(q, &list[i]);
	}
	r = r < 0 ? r : buf_printf(q->answer, "]}\n");
	return r < 0 ? 500 : 200;
}

/* Actions */

static unsigned obey(struct question *q, const struct admin_action *action)
{
	static const unsigned statuses[] = {
		[ADMIN_DONE] = 200, [ADMIN_FAILED] = 409, [ADMIN_MISUSED] = 400
	};
	struct buf said = BUF_INIT(SAID_MAX / ESCAPE_GROWTH);
	bool waits = false;
	struct admin_errand errand = { .init = q->init, .answer = &said, .waits = &waits };
	int code;
	unsigned status;

	log_info("init: %.*s by HTTP", (int)q->words.n, q->words.p);
	code = admin_command_obey(&errand, &action->request);
	if (code == ADMIN_LATER)
		(void)buf_printf(&said, "begun: /status tells how it goes on");
	code = code == ADMIN_LATER ? ADMIN_DONE : code;
	status = say(q, statuses[code], code, said.len ? buf_str(&said) : STR("done"));
	buf_free(&said);
	return status;
}

static unsigned act(struct question *q)
{
	struct admin_action action;
	const char *usage;

	if (q->verdict == ADMIN_NO_TOKEN)
		return say(q, 403, ADMIN_FAILED,
			   STR("there are no actions without SIOINIT_ADMIN_TOKEN"));
	if (!is_known(q))
		return say(q, 401, ADMIN_FAILED,
			   q->verdict == ADMIN_WRONG
			       ? STR("the token is not SIOINIT_ADMIN_TOKEN")
			       : STR("Authorization: Bearer SIOINIT_ADMIN_TOKEN is wanted"));
	if (admin_action_read(q->words, &action) == 0)
		return obey(q, &action);
	usage = action.request.usage ? action.request.usage : "there is no such action";
	return say(q, 400, ADMIN_MISUSED, str_of(usage));
}

/* All */

static unsigned (*const acts[ADMIN_ASK_N])(struct question *q) = {
	[ADMIN_ASK_ACCESS] = access_of,
	[ADMIN_ASK_DEATHS] = deaths,
	[ADMIN_ASK_SETTINGS] = settings,
	[ADMIN_ASK_ACTION] = act,
};

static bool is_too_much(struct admin_http *h, uint64_t now_ms)
{
	if (now_ms >= h->since_ms + WINDOW_MS)
		*h = (struct admin_http){ .since_ms = now_ms };
	return ++h->n_asked > ADMIN_ASKED_MAX;
}

static unsigned answer(struct init *in, const struct control_msg *m, struct buf *out)
{
	struct question q = { .init = in, .answer = out };
	uint64_t now_ms = uv_now(&in->loop);
	struct str token;

	if (is_too_much(&in->admin_http, now_ms) || admin_ask_read(m->text, &token, &q.words) < 0)
		return say(&q, 429, ADMIN_FAILED, STR("too many ask at once"));
	q.verdict = admin_token_judge(&in->admin_token, token, now_ms);
	if (q.verdict == ADMIN_IMPATIENT)
		return say(&q, 429, ADMIN_FAILED, STR("too many wrong tokens"));
	return acts[m->kind](&q);
}

/* What is too long for a message, in memory of a final size; -errno. */
static int put_aside(const struct buf *text)
{
	auto_fd int fd = sealed_create("sioinit-answer", text->len);

	if (fd < 0)
		return fd;
	if (pwrite(fd, text->p, text->len, 0) != (ssize_t)text->len)
		return -errno;
	return fd_take(&fd);
}

void admin_http_ask(struct init *in, struct router_process *r, const struct control_msg *m)
{
	struct buf text = BUF_INIT(ANSWER_MAX);
	struct control_msg reply = { .type = CONTROL_ADMIN_ANSWER, .token = m->token };
	int fd = -1;

	reply.state = answer(in, m, &text);
	if (text.len > ADMIN_ANSWER_INLINE_MAX)
		fd = put_aside(&text);
	else
		reply.text = buf_str(&text);
	if (fd < -1 || reply.state == 500) {
		reply.state = 500;
		reply.text = STR("{\"code\":1,\"text\":\"no memory\"}\n");
		fd_close(&fd);
	}
	router_send(r, &reply, fd < 0 ? -1 : fd);
	buf_free(&text);
}
