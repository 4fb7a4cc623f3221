/* Finds the instance, asks, prints. */
#include "commands/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "ipc/admin_address.h"

#include "base/ban.h"

enum { FAILED = 1, MISUSED = 2, WATCH_S = 1, TIMEOUT_S = 2 };

/* proc_net(5): the last field of a line of /proc/net/unix is the path, an abstract one with @ for
 * its NUL. How many instances listen in this PID namespace; the pid of one. */
static unsigned find_instances(pid_t *ret_pid)
{
	char prefix[64], line[512];
	FILE *f = fopen("/proc/net/unix", "re");
	unsigned n = 0;

	admin_address_prefix(prefix, sizeof(prefix));
	while (f && fgets(line, sizeof(line), f)) {
		const char *name = strstr(line, prefix);

		if (!name || name == line || name[-1] != '@')
			continue;
		if (*ret_pid != atoi(name + strlen(prefix))) /* its connections have lines, too */
			n++;
		*ret_pid = atoi(name + strlen(prefix));
	}
	if (f)
		(void)fclose(f);
	return n;
}

static int dial(const struct sockaddr_un *a, socklen_t len)
{
	struct timeval limit = { .tv_sec = TIMEOUT_S };
	auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
	    connect(fd, (const struct sockaddr *)a, len) < 0)
		return -errno;
	return fd_take(&fd);
}

static int dial_path(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	return dial(&a, sizeof(a));
}

static int dial_found(void)
{
	struct sockaddr_un a;
	pid_t pid = 0;
	unsigned n = find_instances(&pid);

	if (n > 1)
		return -EEXIST;
	return n == 0 ? -ENOENT : dial(&a, admin_address(pid, &a));
}

static int connect_instance(const struct config *c)
{
	int fd;

	if (strcmp(c->admin_socket, "off") == 0) {
		log_error(SIO_018, "SIOINIT_ADMIN_SOCKET is off");
		return -1;
	}
	fd = c->admin_socket[0] == '/' ? dial_path(c->admin_socket) : dial_found();
	if (fd == -EEXIST)
		log_error(SIO_019,
			  "several sioinit run here: give each its own SIOINIT_ADMIN_SOCKET=/path");
	else if (fd < 0)
		log_error(SIO_020, "no sioinit is running here (SIOINIT_ADMIN_SOCKET=%s: %s)",
			  c->admin_socket, strerror(-fd));
	return fd;
}

static bool send_words(int fd, char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(words[i]) + 1;

		if (send(fd, words[i], len, MSG_NOSIGNAL) != (ssize_t)len)
			return false;
	}
	return shutdown(fd, SHUT_WR) == 0;
}

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

static int ask(const struct config *c, char *const *words, size_t n)
{
	auto_fd int fd = connect_instance(c);

	if (fd < 0)
		return FAILED;
	return send_words(fd, words, n) ? print_answer(fd) : refused();
}

static int watch(const struct config *c, char *const *words, size_t n)
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
	static char word[] = "admin-address";
	char *words[] = { word }, code = '0';
	struct timeval limit = { .tv_sec = TIMEOUT_S };
	auto_fd int fd = -1;

	if (strcmp(c->admin_socket, "off") == 0)
		return false;
	fd = c->admin_socket[0] == '/' ? dial_path(c->admin_socket) : dial_found();
	return fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0 &&
	       send_words(fd, words, 1) && read(fd, &code, 1) == 1 && code != '0';
}

int cli_run(const struct config *c, char *const *words, size_t n)
{
	if (n > 1 && strcmp(words[0], "status") == 0 && strcmp(words[n - 1], "--watch") == 0)
		return watch(c, words, n - 1);
	return ask(c, words, n);
}
