/* One file, one write. */
#include "init/supervisor/termination_log.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/utf8.h"
#include "init/pool/exit_history.h"

#include "base/ban.h"

enum { SUMMARY_MAX = 512 };

static const char usual_path[] = "/dev/termination-log";

static struct {
	const char *path; /* NULL: nothing is written */
	struct timespec changed;
} file;

static bool find_file(const char *path, struct stat *ret)
{
	return stat(path, ret) == 0 && S_ISREG(ret->st_mode);
}

static void on_die(int code)
{
	termination_log_write(code, NULL);
}

void termination_log_open(const char *where)
{
	const char *path = strcmp(where, "auto") == 0 ? usual_path : where;
	struct stat st;

	file.path = NULL;
	if (strcmp(where, "off") == 0 || !find_file(path, &st))
		return;
	file.path = path;
	file.changed = st.st_mtim;
	log_on_die(on_die);
}

/* Without what is no UTF-8. */
static size_t put(struct str s, char *dst, size_t size)
{
	size_t n = 0, at = 0, before = 0;

	for (int32_t c; (c = utf8_next(s, &at)) >= 0; before = at) {
		if (c == 0xfffd)
			continue;
		if (n + (at - before) > size)
			break;
		memcpy(dst + n, s.p + before, at - before);
		n += at - before;
	}
	return n;
}

/* As many of the last lines as fit into @size bytes. */
static struct str last_lines(struct str s, size_t size)
{
	const char *end;

	while (s.n > size) {
		end = memchr(s.p, '\n', s.n - 1);
		if (!end)
			return (struct str){ s.p + s.n - size, size };
		s.n -= (size_t)(end + 1 - s.p);
		s.p = end + 1;
	}
	return s;
}

size_t termination_log_text(int code, const struct exit_record *last, const char *error,
			    char dst[static TERMINATION_LOG_MAX])
{
	char summary[SUMMARY_MAX];
	size_t n;

	(void)snprintf(summary, sizeof(summary), "exit code %d\n%s\n", code,
		       last ? last->line : error);
	n = put(str_of(summary), dst, TERMINATION_LOG_MAX);
	if (!last)
		return n;
	return n + put(last_lines((struct str){ last->last_words, last->n_last_words },
				  TERMINATION_LOG_MAX - n),
		       dst + n, TERMINATION_LOG_MAX - n);
}

static bool has_changed(const struct stat *st)
{
	return st->st_size > 0 && (st->st_mtim.tv_sec != file.changed.tv_sec ||
				   st->st_mtim.tv_nsec != file.changed.tv_nsec);
}

void termination_log_write(int code, const struct exit_record *last)
{
	char text[TERMINATION_LOG_MAX];
	auto_fd int fd = -1;
	struct stat st;
	size_t n;

	if (!file.path || code == 0 || !find_file(file.path, &st) || has_changed(&st))
		return;
	fd = open(file.path, O_WRONLY | O_TRUNC | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	n = termination_log_text(code, last, log_last_error(), text);
	if (fd >= 0 && write(fd, text, n) < (ssize_t)n)
		log_debug("init: %s is not all written", file.path);
}
