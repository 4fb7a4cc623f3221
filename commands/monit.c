/* One loop: keys, signals, an answer, the next question. A question is one connection; while it has
 * no answer keys go on working, and one that takes too long is given up. */
#include "commands/monit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/tty.h"
#include "commands/admin_client.h"
#include "commands/monit_data.h"
#include "commands/monit_keys.h"
#include "commands/monit_screen.h"
#include "commands/monit_terminal.h"

#include "base/ban.h"

enum {
	MISUSED = 2,
	EVERY_MS = 1000,
	PATIENCE_MS = 3000,
	ANSWER_MAX = 4 << 20,
	SAD_SIZE = 200,
	ON = 1,
	BY_SIGNAL = 128,
};

struct monit {
	const struct config *config;
	struct monit_terminal terminal;
	struct monit_view view;
	struct monit_data data;
	struct monit_keys keys;
	char sad[SAD_SIZE];
	int signals;       /* signalfd(2) */
	int answer_fd;     /* of the question that is open, or -1 */
	struct buf answer; /* so far, with the code in front */
	int64_t next_ms, deadline_ms;
	struct buf shown; /* the last frame */
	int over;         /* ON and the exit code; 0: it goes on */
};

static void leave(struct monit *m, int code)
{
	m->over = ON + code;
}

/* Questions */

static void question_end(struct monit *m, const char *sad)
{
	fd_close(&m->answer_fd);
	m->answer.len = 0;
	m->view.sad = NULL;
	if (!sad)
		return;
	(void)snprintf(m->sad, sizeof(m->sad), "%s, trying again", sad);
	m->view.sad = m->sad;
}

static void question_begin(struct monit *m, int64_t now)
{
	static const char *const words[] = { "status", "--json" };
	char why[SAD_SIZE];
	int fd = admin_client_dial(m->config);

	m->next_ms = now + EVERY_MS;
	m->deadline_ms = now + PATIENCE_MS;
	m->answer_fd = fd < 0 ? -1 : fd;
	if (fd == -EEXIST)
		question_end(m, "several sioinit run here (SIOINIT_ADMIN_SOCKET)");
	else if (fd == -ENOTSUP)
		question_end(m, "SIOINIT_ADMIN_SOCKET is off");
	else if (fd < 0) {
		(void)snprintf(why, sizeof(why), "no sioinit is running here: %s", strerror(-fd));
		question_end(m, why);
	} else if (!admin_client_ask(fd, words, ARRAY_LEN(words)) || fd_set_nonblock(fd) < 0) {
		question_end(m, "sioinit does not answer");
	}
}

/* The code is 0, then JSON comes. */
static void question_answered(struct monit *m)
{
	struct str json = { m->answer.p + 1, m->answer.len - 1 };
	int r = m->answer.len < 2 || m->answer.p[0] != '0' ? -EBADMSG : 0;

	if (r == 0)
		r = monit_data_read(&m->data, json, clock_ms());
	question_end(m, r < 0 ? "no answer: only root and sioinit's own user have one" : NULL);
}

static void on_answer(struct monit *m)
{
	char bytes[16 << 10];
	ssize_t n = read(m->answer_fd, bytes, sizeof(bytes));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == 0)
		question_answered(m);
	else if (n < 0 || buf_append(&m->answer, bytes, (size_t)n) < 0)
		question_end(m, "sioinit does not answer");
}

static void on_time(struct monit *m)
{
	int64_t now = clock_ms();

	if (m->answer_fd >= 0 && now >= m->deadline_ms)
		question_end(m, "sioinit does not answer");
	if (m->answer_fd < 0 && now >= m->next_ms)
		question_begin(m, now);
}

/* The terminal */

static void on_keys(struct monit *m)
{
	char bytes[64];
	ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));

	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
		leave(m, 0);
	for (ssize_t i = 0; i < n; i++)
		if (!monit_keys_press(&m->keys, bytes[i], &m->view))
			leave(m, 0);
}

/* The window has another size, or we were stopped and somebody else had it. */
static void start_anew(struct monit *m)
{
	m->shown.len = 0;
	monit_terminal_size(&m->view.rows, &m->view.cols);
	if (monit_terminal_take(&m->terminal) < 0)
		leave(m, 0);
}

static void on_signal(struct monit *m)
{
	struct signalfd_siginfo info;

	if (read(m->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGWINCH || info.ssi_signo == SIGCONT)
		start_anew(m);
	else
		leave(m, BY_SIGNAL + (int)info.ssi_signo);
}

/* Only what is new is written, at once. */
static void show(struct monit *m)
{
	struct buf frame = BUF_INIT(MONIT_FRAME_MAX);

	if (monit_screen_draw(&m->data, &m->view, &frame) < 0 ||
	    str_eq(buf_str(&frame), buf_str(&m->shown))) {
		buf_free(&frame);
		return;
	}
	if (!monit_terminal_write(frame.p, frame.len))
		leave(m, 0);
	buf_free(&m->shown);
	m->shown = frame;
}

static int patience(const struct monit *m)
{
	int64_t left = (m->answer_fd >= 0 ? m->deadline_ms : m->next_ms) - clock_ms();

	return left < 0 ? 0 : (int)left;
}

static void turn(struct monit *m)
{
	struct pollfd fds[] = { { .fd = STDIN_FILENO, .events = POLLIN },
				{ .fd = m->signals, .events = POLLIN },
				{ .fd = m->answer_fd, .events = POLLIN } };
	void (*const acts[])(struct monit * m) = { on_keys, on_signal, on_answer };

	if (poll(fds, ARRAY_LEN(fds), patience(m)) < 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		if (fds[i].revents)
			acts[i](m);
	on_time(m);
}

/* The beginning */

static int watch_signals(void)
{
	static const int ours[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGWINCH, SIGCONT };
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		(void)sigaddset(&set, ours[i]);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* What locale(7) looks at, in its order; the locale itself may not be there in an image. */
static bool is_utf8(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
	const char *value = NULL;

	for (size_t i = 0; i < ARRAY_LEN(names) && !(value && *value); i++)
		value = getenv(names[i]);
	return value && (strcasestr(value, "utf-8") || strcasestr(value, "utf8"));
}

/* Whether there is what is needed; else it is said. */
static bool can_draw(void)
{
	const char *term = getenv("TERM");

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		log_error(SIO_560,
			  "monit: this is no terminal (docker exec -it, kubectl exec -it): "
			  "sioinit status --watch prints the same as lines");
		return false;
	}
	if (term && strcmp(term, "dumb") == 0) {
		log_error(SIO_561, "monit: TERM=dumb can only print lines: sioinit status --watch "
				   "does that");
		return false;
	}
	return true;
}

static int monit(struct monit *m)
{
	m->signals = watch_signals();
	start_anew(m);
	while (!m->over) {
		on_time(m);
		show(m);
		turn(m);
	}
	monit_terminal_give_back(&m->terminal);
	return m->over - ON;
}

int monit_run(const struct config *c, const char *const *words, size_t n)
{
	struct monit m = { .config = c,
			   .answer_fd = -1,
			   .answer = BUF_INIT(ANSWER_MAX),
			   .shown = BUF_INIT(MONIT_FRAME_MAX),
			   .view = { .utf8 = is_utf8(),
				     .colour = tty_has_colours(STDOUT_FILENO) } };
	int code;

	if (n > 1) {
		(void)fprintf(stderr, "usage: sioinit %s\n", words[0]);
		return MISUSED;
	}
	if (!can_draw())
		return MISUSED;
	code = monit(&m);
	fd_close(&m.answer_fd);
	fd_close(&m.signals);
	buf_free(&m.answer);
	buf_free(&m.shown);
	monit_data_free(&m.data);
	return code;
}
