/* See kept.h. */
#include "init/listen/kept.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "init/listen/sockets.h"

#include "base/ban.h"

/* "8080", "127.0.0.1 8080", "/run/x.sock 24 1234": which file it is tells whether a path still
 * leads to us. */
static int print(char *dst, size_t size, const char *host, uint16_t port, const char *note)
{
	struct stat st;

	if (host[0] != '/')
		return snprintf(dst, size, "%s%s%u%s", host, host[0] ? " " : "", port, note);
	if (lstat(host, &st) < 0)
		return -1;
	return snprintf(dst, size, "%s %llu %llu%s", host, (unsigned long long)st.st_dev,
			(unsigned long long)st.st_ino, note);
}

/* A colon ends a name in $LISTEN_FDNAMES. */
static bool make_printable(char *s)
{
	for (; *s; s++) {
		if (*s < ' ' || *s > '~')
			return false;
		if (*s == ':')
			*s = '.';
	}
	return true;
}

void kept_name(struct kept_name *ret, const char *host, uint16_t port, const char *note)
{
	int n = print(ret->text, sizeof(ret->text), host, port, note);

	if (n < 0 || (size_t)n >= sizeof(ret->text) || !make_printable(ret->text))
		ret->text[0] = '\0';
}

unsigned kept_take(const struct kept_name *name, int *fds, unsigned n)
{
	unsigned taken = 0;

	while (name->text[0] && taken < n && (fds[taken] = notify_take_kept(name->text)) >= 0)
		taken++;
	return taken;
}

bool kept_add(const struct kept_name *name, const int *fds, unsigned n)
{
	if (!name->text[0] || !notify_can_keep())
		return false;
	notify_keep(name->text, fds, n);
	return true;
}

void kept_remove(const struct kept_name *name)
{
	if (name->text[0])
		notify_keep_no_more(name->text);
}

struct obstacle {
	uint16_t port;
	bool is_found;
};

static bool is_at_port(int fd, void *ctx)
{
	struct obstacle *o = ctx;
	struct sockaddr_storage a = { 0 };
	socklen_t len = sizeof(a);
	bool is_it = o->port && getsockname(fd, (struct sockaddr *)&a, &len) == 0 &&
		     socket_port(&a) == o->port;

	o->is_found = o->is_found || is_it;
	return is_it;
}

bool kept_make_room(uint16_t port)
{
	struct obstacle o = { .port = port };

	notify_drop_kept(is_at_port, &o);
	return o.is_found;
}

void kept_settle(void)
{
	notify_drop_kept(NULL, NULL);
}
