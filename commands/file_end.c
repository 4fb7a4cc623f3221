#include "commands/file_end.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

#include "base/ban.h"

enum { END_MAX = 1 << 20 };

static void print_lines(struct str text, const char *prefix, FILE *out)
{
	while (text.n > 0) {
		const char *end = memchr(text.p, '\n', text.n);
		size_t n = end ? (size_t)(end - text.p) : text.n;

		(void)fputs(prefix, out);
		(void)fwrite(text.p, 1, n, out);
		(void)fputc('\n', out);
		n += end != NULL;
		text = (struct str){ text.p + n, text.n - n };
	}
}

/* Behind the line that is not all there. */
static struct str whole_lines(struct str text, bool is_cut)
{
	const char *end = is_cut && text.n ? memchr(text.p, '\n', text.n) : NULL;
	size_t n = end ? (size_t)(end - text.p) + 1 : 0;

	return (struct str){ text.p + n, text.n - n };
}

bool file_end_print(const char *path, size_t lines, const char *prefix, FILE *out)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	char *bytes;
	off_t from;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	bytes = malloc(END_MAX);
	from = st.st_size > END_MAX ? st.st_size - END_MAX : 0;
	n = bytes ? pread(fd, bytes, END_MAX, from) : -1;
	if (n > 0)
		print_lines(
		    str_last_lines(whole_lines((struct str){ bytes, (size_t)n }, from > 0), lines),
		    prefix, out);
	free(bytes);
	return n >= 0;
}
