/* Asks, then sorts lines by their first character: init/logs/log_followers.h has what they mean. */
#include "commands/follow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/str.h"
#include "commands/admin_client.h"
#include "commands/file_end.h"
#include "settings/log_path.h"

#include "base/ban.h"

enum { FAILED = 1, MISUSED = 2, LINES = 15, LINES_MAX = 100000 };

struct call {
	const char *who;
	uint64_t lines;
	bool once;
};

static bool read_number(const char *text, struct call *ret)
{
	return text && str_to_u64(str_of(text), LINES_MAX, &ret->lines) == 0;
}

/* The word at words[*i]; moves *i to its value. False: misused. */
static bool read_word(const char *const *words, size_t n, size_t *i, struct call *ret, bool *named)
{
	const char *word = words[*i];

	if (strcmp(word, "--no-follow") == 0 || strcmp(word, "--nostream") == 0)
		return ret->once = true;
	if (strcmp(word, "--lines") == 0)
		return read_number(*i + 1 < n ? words[++*i] : NULL, ret);
	if (strncmp(word, "--lines=", strlen("--lines=")) == 0)
		return read_number(word + strlen("--lines="), ret);
	if (word[0] == '-' || *named)
		return false;
	ret->who = word;
	return *named = true;
}

/* Behind "logs". */
static bool read_words(const char *const *words, size_t n, struct call *ret)
{
	bool named = false;

	*ret = (struct call){ .who = "all", .lines = LINES };
	for (size_t i = 1; i < n; i++)
		if (!read_word(words, n, &i, ret, &named))
			return false;
	return true;
}

/* Files */

/* The last lines of the files of @pattern, as far as they are ours to read. False: none is. */
static bool put_files(const struct config *c, const char *pattern, const struct call *call,
		      FILE *out)
{
	bool prefixed = c->worker_logs == WORKER_LOGS_PREFIX, any = false;
	uint64_t only;
	unsigned first = 0, last = LOG_FILE_SLOTS - 1;

	if (!pattern || !log_file_is_by_slot(pattern))
		return pattern && strcmp(call->who, "all") == 0 &&
		       file_end_print(pattern, (size_t)call->lines, "", out);
	if (str_to_u64(str_of(call->who), last, &only) == 0)
		first = last = (unsigned)only;
	else if (strcmp(call->who, "all") != 0)
		return false;
	for (unsigned slot = first; slot <= last; slot++) {
		char path[LOG_FILE_PATH_MAX], prefix[16];

		(void)snprintf(prefix, sizeof(prefix), "[%u] ", slot);
		if (log_file_path(pattern, slot, path))
			any |=
			    file_end_print(path, (size_t)call->lines, prefixed ? "" : prefix, out);
	}
	return any;
}

/* False: there is nothing to read, so what init has is wanted. */
static bool put_kept(const struct config *c, const struct call *call)
{
	bool any;

	if (call->lines == 0 || put_files(c, c->log_all, call, stdout))
		return true;
	any = put_files(c, c->log_out, call, stdout);
	return put_files(c, c->log_err, call, stderr) || any;
}

/* The answer */

static void lost_answer(bool begun)
{
	if (begun)
		log_error(SIO_562, "logs: sioinit is gone");
	else
		log_error(SIO_021,
			  "no answer: only root and the user that sioinit runs as have one, and "
			  "only in its own PID namespace (container)");
}

/* Text of an answer that is no success. */
static int put_rest(FILE *from, int code)
{
	int c;

	while ((c = fgetc(from)) != EOF)
		(void)fputc(c, stderr);
	return code;
}

static int put_lines(FILE *from, bool once)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	bool over = once;

	while ((n = getline(&line, &size, from)) > 0) {
		if (line[0] == '0') {
			(void)fputs("sioinit has ended\n", stderr);
			over = true;
			break;
		}
		(void)fwrite(line + 1, 1, (size_t)n - 1, line[0] == '1' ? stdout : stderr);
		(void)fflush(stdout);
	}
	free(line);
	if (over)
		return 0;
	lost_answer(true);
	return FAILED;
}

static int put_answer(FILE *from, bool once)
{
	int code = fgetc(from);

	if (code == EOF) {
		lost_answer(false);
		return FAILED;
	}
	return code == '0' ? put_lines(from, once) : put_rest(from, code - '0');
}

static int follow(const struct config *c, const struct call *call, int fd)
{
	char lines[24];
	const char *words[] = { "follow", call->who, lines, call->once ? "once" : "on" };
	FILE *from;
	int code;

	(void)snprintf(lines, sizeof(lines), "%llu",
		       put_kept(c, call) ? 0ull : (unsigned long long)call->lines);
	(void)fflush(stdout);
	from = admin_client_ask(fd, words, ARRAY_LEN(words)) ? fdopen(fd, "re") : NULL;
	if (!from) {
		lost_answer(false);
		return FAILED;
	}
	code = put_answer(from, call->once);
	(void)fclose(from);
	return code;
}

int follow_run(const struct config *c, const char *const *words, size_t n)
{
	struct call call;
	int fd;

	if (!read_words(words, n, &call)) {
		(void)fputs("usage: sioinit logs [SLOT|NAME|all] [--lines N] [--no-follow], or "
			    "sioinit logs --death\n",
			    stderr);
		return MISUSED;
	}
	fd = admin_client_dial(c);
	if (fd < 0) {
		admin_client_say(c, fd);
		return FAILED;
	}
	return follow(c, &call, fd);
}
