/* The token, and who guesses. See admin_token.h. */
#include "init/supervisor/admin_token.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "settings/config.h"
#include "settings/config_values.h"

#include "base/ban.h"

enum { WRONG_WINDOW_MS = 1000, SAID_EVERY_MS = 60000 };

/* The file */

/* One line, with or without its end; @text is cut there. NULL, or what is wrong. */
static const char *take_line(struct admin_token *t, char *text, size_t n)
{
	const char *line = text, *wrong;

	if (n > 0 && text[n - 1] == '\n')
		text[--n] = '\0';
	if (n > 0 && text[n - 1] == '\r')
		text[--n] = '\0';
	if (strlen(text) != n)
		return "has a NUL";
	wrong = config_parse_secret(text, &line);
	if (wrong)
		return wrong;
	memset(t->text, 0, sizeof(t->text));
	memcpy(t->text, text, n);
	return NULL;
}

static void read_file(struct admin_token *t)
{
	char *text;
	size_t n;
	int r = file_read(t->path, ADMIN_TOKEN_FILE_MAX, &text, &n);
	const char *wrong = r < 0 ? strerror(-r) : take_line(t, text, n);

	if (wrong)
		die(EXIT_BAD_CONFIG, SIO_542, "SIOINIT_ADMIN_TOKEN_FILE=\"%s\": %s", t->path,
		    wrong);
	explicit_bzero(text, n);
	free(text);
}

void admin_token_init(struct admin_token *t, uv_loop_t *loop, const struct config *c)
{
	*t = (struct admin_token){ .path = c->admin_token_file };
	file_reader_init(&t->reader, loop);
	if (c->admin_token)
		memcpy(t->text, c->admin_token, strlen(c->admin_token));
	else if (t->path)
		read_file(t);
}

static void say_unread(const struct admin_token *t, const char *wrong)
{
	log_warn(SIO_543,
		 "init: SIOINIT_ADMIN_TOKEN_FILE=\"%s\": %s; the token before it counts on",
		 t->path, wrong);
}

void admin_token_reload(struct admin_token *t)
{
	int r;

	if (!t->path)
		return;
	t->again = t->reader.pid > 0;
	if (t->again)
		return;
	r = file_reader_start(&t->reader, t->path, ADMIN_TOKEN_FILE_MAX);
	if (r < 0)
		say_unread(t, strerror(-r));
}

static void take_read(struct admin_token *t)
{
	char before[sizeof(t->text)];
	size_t n = 0;
	char *text = file_reader_text(&t->reader, &n);
	const char *wrong;

	memcpy(before, t->text, sizeof(before));
	wrong = text ? take_line(t, text, n) : "no memory";
	if (wrong)
		say_unread(t, wrong);
	else if (memcmp(before, t->text, sizeof(before)) != 0)
		log_info(
		    "init: another token is in SIOINIT_ADMIN_TOKEN_FILE and counts from now on");
	free(text);
}

bool admin_token_ended(struct admin_token *t, pid_t pid, int status)
{
	int err;

	if (!file_reader_ended(&t->reader, pid, status, &err))
		return false;
	if (err)
		say_unread(t, file_reader_error(err));
	else
		take_read(t);
	file_reader_drop(&t->reader);
	if (t->again)
		admin_token_reload(t);
	return true;
}

/* Who sends one */

/* All bytes are compared, whichever differ. What is too long differs in the last one. */
static bool is_same(const struct admin_token *t, struct str sent)
{
	char padded[sizeof(t->text)] = "";
	const volatile char *a = t->text, *b = padded;
	unsigned char differ = 0;

	memcpy(padded, sent.p, sent.n < sizeof(padded) ? sent.n : sizeof(padded));
	for (size_t i = 0; i < sizeof(padded); i++)
		differ |= (unsigned char)(a[i] ^ b[i]);
	return differ == 0;
}

static void say_wrong(struct admin_token *t, uint64_t now_ms)
{
	t->n_unsaid++;
	if (t->said_ms && now_ms < t->said_ms + SAID_EVERY_MS)
		return;
	log_warn(SIO_540, "init: a wrong token at the admin address (%u since this was said last)",
		 t->n_unsaid);
	t->said_ms = now_ms;
	t->n_unsaid = 0;
}

enum admin_verdict admin_token_judge(struct admin_token *t, struct str sent, uint64_t now_ms)
{
	if (t->text[0] == '\0')
		return ADMIN_NO_TOKEN;
	if (sent.n == 0)
		return ADMIN_UNKNOWN;
	if (now_ms >= t->since_ms + WRONG_WINDOW_MS) {
		t->since_ms = now_ms;
		t->n_wrong = 0;
	}
	if (t->n_wrong >= ADMIN_WRONG_MAX)
		return ADMIN_IMPATIENT;
	if (is_same(t, sent))
		return ADMIN_KNOWN;
	t->n_wrong++;
	say_wrong(t, now_ms);
	return ADMIN_WRONG;
}
