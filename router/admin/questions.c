/* Questions by the token of their message. See questions.h. */
#include "router/admin/questions.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/log.h"
#include "router/backend/context.h"

#include "base/ban.h"

void questions_init(struct questions *q, struct backend *b, questions_finish_fn *finish)
{
	*q = (struct questions){ .backend = b, .finish = finish };
}

/* The token, NUL, the words. A token that is too long is none of ours, and stays so when it is cut.
 */
static int compose(struct str bearer, struct str words, char dst[static ADMIN_ASK_MAX])
{
	size_t n = bearer.n <= ADMIN_TOKEN_MAX ? bearer.n : ADMIN_TOKEN_MAX + 1;

	if (words.n > ADMIN_WORDS_BYTES_MAX)
		return -EMSGSIZE;
	if (n)
		memcpy(dst, bearer.p, n);
	dst[n++] = '\0';
	if (words.n)
		memcpy(dst + n, words.p, words.n);
	return (int)(n + words.n);
}

int questions_ask(struct questions *q, struct client *c, enum admin_ask what, struct str bearer,
		  struct str words)
{
	struct control_msg m = { .type = CONTROL_ADMIN_ASK, .kind = what };
	char text[ADMIN_ASK_MAX];
	int e = q->n == QUESTIONS_MAX ? -EBUSY : compose(bearer, words, text);

	if (e < 0)
		return e;
	m.text = (struct str){ text, (size_t)e };
	m.token = ++q->backend->last_token;
	e = control_send(q->backend->init, &m, -1);
	if (e < 0)
		return e;
	q->waiting[q->n].client = c;
	q->waiting[q->n++].token = m.token;
	return 0;
}

void questions_forget(struct questions *q, const struct client *c)
{
	for (unsigned i = 0; i < q->n; i++)
		if (q->waiting[i].client == c) {
			q->waiting[i] = q->waiting[--q->n];
			return;
		}
}

static void finish(struct questions *q, struct client *c, const struct control_msg *m, int fd)
{
	struct stat st = { 0 };
	void *text;

	questions_forget(q, c);
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size <= 0) {
		q->finish(q, c, m->state, m->text);
		return;
	}
	text = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (text == MAP_FAILED) {
		q->finish(q, c, 500, STR("{}"));
		return;
	}
	q->finish(q, c, m->state, (struct str){ text, (size_t)st.st_size });
	(void)munmap(text, (size_t)st.st_size);
}

void questions_answered(struct questions *q, const struct control_msg *m, int fd)
{
	for (unsigned i = 0; i < q->n; i++)
		if (q->waiting[i].token == m->token) {
			finish(q, q->waiting[i].client, m, fd);
			return;
		}
}
