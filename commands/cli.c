/* Asks, prints. */
#include "commands/cli.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "commands/admin_client.h"
#include "commands/follow.h"
#include "commands/monit.h"

#include "base/ban.h"

enum { FAILED = 1, MISUSED = 2, WATCH_S = 1, WORDS_MAX = 64 };

/* It closes at once the connection of whom it does not answer. */
static int refused(void)
{
	log_error(SIO_021,
		  "no answer: only root and the user that sioinit runs as have one, and only in "
		  "its own PID namespace (container)");
	return FAILED;
}

/* The exit code. */
static int print_answer(int fd)
{
	char bytes[4096], code = '\0';
	ssize_t k;

	while ((k = read(fd, bytes, sizeof(bytes))) > 0) {
		size_t skip = code ? 0 : 1;

		if (!code)
			code = bytes[0];
		(void)fwrite(bytes + skip, 1, (size_t)k - skip, code == '0' ? stdout : stderr);
	}
	if (code)
		return code - '0';
	return refused();
}

static int ask(const struct config *c, const char *const *words, size_t n)
{
	auto_fd int fd = admin_client_dial(c);

	if (fd < 0) {
		admin_client_say(c, fd);
		return FAILED;
	}
	return admin_client_ask(fd, words, n) ? print_answer(fd) : refused();
}

static int watch(const struct config *c, const char *const *words, size_t n)
{
	int code;

	do {
		(void)fputs("\033[H\033[2J", stdout);
		code = ask(c, words, n);
		(void)fflush(stdout);
	} while (code == 0 && sleep(WATCH_S) == 0);
	return code;
}

bool cli_admin_is_taken(const struct config *c)
{
	const char *words[] = { "admin-address" };
	char code = '0';
	struct timeval limit = { .tv_sec = ADMIN_CLIENT_TIMEOUT_S };
	auto_fd int fd = admin_client_dial(c);

	return fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0 &&
	       admin_client_ask(fd, words, 1) && read(fd, &code, 1) == 1 && code != '0';
}

static bool has(const char *const *words, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

static int status(const struct config *c, const char *const *words, size_t n)
{
	const char *left[WORDS_MAX];
	size_t n_left = 0;

	if (!has(words, n, "--watch"))
		return ask(c, words, n);
	for (size_t i = 0; i < n && n_left < WORDS_MAX; i++)
		if (strcmp(words[i], "--watch") != 0)
			left[n_left++] = words[i];
	return watch(c, left, n_left);
}

static int logs(const struct config *c, const char *const *words, size_t n)
{
	return has(words, n, "--death") ? ask(c, words, n) : follow_run(c, words, n);
}

/* Commands that do more than print one answer. */
static const struct {
	const char *word;
	int (*run)(const struct config *c, const char *const *words, size_t n);
} commands[] = {
	{ "status", status },
	{ "logs", logs },
	{ "monit", monit_run },
	{ "top", monit_run },
};

int cli_run(const struct config *c, char *const *words, size_t n)
{
	const char *const *w = (const char *const *)words;

	for (size_t i = 0; i < ARRAY_LEN(commands) && n > 0; i++)
		if (strcmp(words[0], commands[i].word) == 0)
			return commands[i].run(c, w, n);
	return ask(c, w, n);
}
