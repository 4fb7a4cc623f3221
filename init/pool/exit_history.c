/* A ring of records. */
#include "init/pool/exit_history.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#include "base/ban.h"

int exit_history_init(struct exit_history *h)
{
	*h = (struct exit_history){ calloc(EXIT_HISTORY_MAX, sizeof(*h->records)), 0 };
	return h->records ? 0 : -ENOMEM;
}

void exit_history_free(struct exit_history *h)
{
	free(h->records);
	*h = (struct exit_history){ 0 };
}

void exit_history_add(struct exit_history *h, time_t now, pid_t pid, const char *line,
		      struct str last_words)
{
	struct exit_record *r;
	struct tm utc;
	size_t n;

	if (!h->records)
		return;
	r = &h->records[h->n++ % EXIT_HISTORY_MAX];
	r->pid = pid;
	(void)gmtime_r(&now, &utc);
	n = strftime(r->line, sizeof(r->line), "%Y-%m-%dT%H:%M:%SZ ", &utc);
	(void)snprintf(r->line + n, sizeof(r->line) - n, "%s", line);
	r->n_last_words = last_words.n < LOG_TAIL_MAX ? last_words.n : LOG_TAIL_MAX;
	if (r->n_last_words)
		memcpy(r->last_words, last_words.p, r->n_last_words);
}

const struct exit_record *exit_history_last(const struct exit_history *h)
{
	return h->n ? &h->records[(h->n - 1) % EXIT_HISTORY_MAX] : NULL;
}

const struct exit_record *exit_history_of(const struct exit_history *h, pid_t pid)
{
	for (unsigned i = h->n; pid && i > 0 && i + EXIT_HISTORY_MAX > h->n; i--)
		if (h->records[(i - 1) % EXIT_HISTORY_MAX].pid == pid)
			return &h->records[(i - 1) % EXIT_HISTORY_MAX];
	return NULL;
}

static int write_record(const struct exit_record *r, struct buf *out)
{
	struct str rest = { r->last_words, r->n_last_words };
	int err = buf_printf(out, "%s\n", r->line);

	while (rest.n > 0 && err == 0) {
		const char *end = memchr(rest.p, '\n', rest.n);
		size_t n = end ? (size_t)(end - rest.p) : rest.n;

		err = buf_printf(out, "    | %.*s\n", (int)n, rest.p);
		n += end != NULL;
		rest = (struct str){ rest.p + n, rest.n - n };
	}
	return err;
}

int exit_history_write(const struct exit_history *h, struct buf *out)
{
	unsigned first = h->n > EXIT_HISTORY_MAX ? h->n - EXIT_HISTORY_MAX : 0;
	int r = 0;

	for (unsigned i = first; i < h->n && r == 0; i++)
		r = write_record(&h->records[i % EXIT_HISTORY_MAX], out);
	return r;
}
