/* The process that writes the files. It may wait for them as long as it likes. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "init/logs/log_files.h"

#include "base/ban.h"

enum { PIECE = 64 << 10, N_PATTERNS = 3 };

struct file {
	bool is_open, has_failed;
	int fd;
	time_t tried; /* when it could not be opened */
};

struct pattern {
	const char *text; /* NULL: not wanted */
	unsigned kinds;   /* of which it gets the bytes */
	struct file files[LOG_FILE_SLOTS];
};

static struct pattern patterns[N_PATTERNS];

/* It ends when sioinit has said all. */
static const int not_ours[] = { SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGPIPE };

/* Once, until it works again. */
static void say(const struct pattern *p, struct file *f, unsigned slot, int err)
{
	char path[LOG_FILE_PATH_MAX] = "";

	if (f->has_failed == (err != 0))
		return;
	f->has_failed = err != 0;
	(void)log_file_path(p->text, slot, path);
	if (err)
		log_error(SIO_422, "logs: %s: %s; lines are left out there", path, strerror(err));
	else
		log_info("logs: %s: is written again", path);
}

static void open_file(const struct pattern *p, struct file *f, unsigned slot)
{
	time_t now = time(NULL);

	if (f->tried == now)
		return;
	f->fd = log_file_open(p->text, slot, 0);
	f->is_open = f->fd >= 0;
	f->tried = f->is_open ? 0 : now;
	if (!f->is_open)
		say(p, f, slot, -f->fd);
}

static void put(struct pattern *p, unsigned slot, const char *bytes, size_t n)
{
	struct file *f = &p->files[log_file_is_by_slot(p->text) ? slot : 0];

	if (!f->is_open)
		open_file(p, f, slot);
	while (f->is_open && n > 0) {
		ssize_t k = write(f->fd, bytes, n);

		if (k < 0 && errno == EINTR)
			continue;
		say(p, f, slot, k < 0 ? errno : 0);
		if (k < 0)
			return;
		bytes += k;
		n -= (size_t)k;
	}
}

/* logrotate has moved them away: the new ones are there at once. */
static void reopen(struct pattern *p)
{
	for (unsigned slot = 0; slot < LOG_FILE_SLOTS && p->text; slot++) {
		struct file *f = &p->files[slot];

		if (!f->is_open)
			continue;
		fd_close(&f->fd);
		f->is_open = false;
		open_file(p, f, slot);
	}
}

/* False: the end. */
static bool read_all(int fd, void *dst, size_t n)
{
	for (char *at = dst; n > 0;) {
		ssize_t k = read(fd, at, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return false;
		at += k;
		n -= (size_t)k;
	}
	return true;
}

static bool take(int fd, const struct log_file_head *head)
{
	static char piece[PIECE];
	uint32_t left = head->n;

	while (left > 0) {
		size_t n = left < PIECE ? left : PIECE;

		if (!read_all(fd, piece, n))
			return false;
		for (size_t i = 0; i < N_PATTERNS; i++)
			if (patterns[i].text && patterns[i].kinds & BIT(head->kind))
				put(&patterns[i], head->slot % LOG_FILE_SLOTS, piece, n);
		left -= (uint32_t)n;
	}
	return true;
}

int log_writer_main(const struct config *c, int fd)
{
	struct log_file_head head;
	bool more = true;

	log_set_component("logs");
	for (size_t i = 0; i < ARRAY_LEN(not_ours); i++)
		(void)signal(not_ours[i], SIG_IGN);
	patterns[0] = (struct pattern){ .text = c->log_out, .kinds = BIT(LOG_FILE_OUT) };
	patterns[1] = (struct pattern){ .text = c->log_err, .kinds = BIT(LOG_FILE_ERR) };
	patterns[2] =
	    (struct pattern){ .text = c->log_all, .kinds = BIT(LOG_FILE_OUT) | BIT(LOG_FILE_ERR) };
	while (more && read_all(fd, &head, sizeof(head))) {
		if (head.kind == LOG_FILE_REOPEN)
			for (size_t i = 0; i < N_PATTERNS; i++)
				reopen(&patterns[i]);
		else
			more = take(fd, &head);
	}
	return 0;
}
