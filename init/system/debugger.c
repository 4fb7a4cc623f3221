/* Reading /proc: the process, then its descendants, breadth first and a few only. */
#include "init/system/debugger.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macros.h"
#include "init/system/credentials.h"

#include "base/ban.h"

enum { FAMILY_MAX = 32, PORTS_MAX = 4, STATUS_MAX = 4096, PATH_MAX_BYTES = 256 };

/* Options */

/* The value of @option of Node, --inspect=[HOST:]PORT and its like: "" where there is none; NULL:
 * it is another option. It ends at a space or NUL. */
static const char *inspector_value(const char *option)
{
	static const char *const names[] = { "--inspect-brk", "--inspect-wait", "--inspect-port",
					     "--debug-port", "--inspect" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		size_t n = strlen(names[i]);

		if (strncmp(option, names[i], n) != 0)
			continue;
		if (option[n] == '\0' || option[n] == ' ')
			return "";
		if (option[n] == '=')
			return option + n + 1;
	}
	return NULL;
}

/* Digits behind the last colon, or nothing but digits: else @value is a host. */
static void take_port(const char *value, struct inspector *ret)
{
	size_t n = strcspn(value, " ");
	const char *digits = value + n;
	unsigned long port;

	while (digits > value && isdigit((unsigned char)digits[-1]))
		digits--;
	if (digits == value + n || (digits > value && digits[-1] != ':'))
		return;
	port = strtoul(digits, NULL, 10);
	ret->any = port == 0;
	if (port > 0 && port <= UINT16_MAX)
		ret->port = (uint16_t)port;
}

static void take_option(const char *option, struct inspector *ret)
{
	const char *value = inspector_value(option);

	if (value)
		take_port(value, ret);
}

struct inspector debugger_options(char *const *argv, const char *node_options)
{
	struct inspector where = { .port = INSPECTOR_PORT };

	for (const char *p = node_options; p && *p; p += strcspn(p, " ")) {
		p += strspn(p, " ");
		take_option(p, &where);
	}
	for (; argv && *argv; argv++)
		take_option(*argv, &where);
	return where;
}

/* Tracers */

/* proc(5), proc_pid_status(5): "State:\tt (tracing stop)", "TracerPid:\t17". */
static bool is_traced(const char *root, pid_t pid, char ret[static DEBUGGER_TEXT])
{
	char path[PATH_MAX_BYTES], text[STATUS_MAX];
	const char *state, *tracer;
	auto_fd int fd = -1;
	ssize_t n;
	long by;

	(void)snprintf(path, sizeof(path), "%s/proc/%d/status", root, (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = '\0';
	state = strstr(text, "\nState:\t");
	tracer = strstr(text, "\nTracerPid:\t");
	by = tracer ? strtol(tracer + strlen("\nTracerPid:\t"), NULL, 10) : 0;
	if (by)
		(void)snprintf(ret, DEBUGGER_TEXT, "it is traced by process %ld", by);
	else if (state && state[strlen("\nState:\t")] == 't')
		(void)snprintf(ret, DEBUGGER_TEXT, "it is stopped by a tracer");
	else
		return false;
	return true;
}

/* The inspector */

static bool links_to(int dir, const char *name, const char *target)
{
	char link[64];
	ssize_t n = readlinkat(dir, name, link, sizeof(link) - 1);

	if (n < 0)
		return false;
	link[n] = '\0';
	return strcmp(link, target) == 0;
}

/* Whether @pid has the socket @inode open. */
static bool has_socket(const char *root, pid_t pid, unsigned long inode)
{
	char path[PATH_MAX_BYTES], target[32];
	const struct dirent *e;
	bool found = false;
	DIR *d;

	(void)snprintf(path, sizeof(path), "%s/proc/%d/fd", root, (int)pid);
	(void)snprintf(target, sizeof(target), "socket:[%lu]", inode);
	credentials_borrow(pid);
	d = opendir(path);
	while (d && !found && (e = readdir(d)))
		found = links_to(dirfd(d), e->d_name, target);
	if (d)
		(void)closedir(d);
	credentials_resume();
	return found;
}

struct tcp_line {
	unsigned port, state; /* of our side; TCP_* of the kernel */
	unsigned long inode;
};

enum { TCP_ESTABLISHED = 1, TCP_LISTEN = 10 };

/* proc_pid_net(5): "sl: ADDRESS:PORT ADDRESS:PORT STATE QUEUES TIMER RETRANSMITS UID TIMEOUT INODE
 * ...", in which address, port and state are hexadecimal. */
static bool parse_tcp(const char *line, struct tcp_line *ret)
{
	return sscanf(line, " %*u: %*[0-9A-Fa-f]:%x %*s %x %*s %*s %*s %*u %*u %lu", &ret->port,
		      &ret->state, &ret->inode) == 3;
}

struct search {
	const char *root;
	pid_t pid;
	const struct inspector *where;
	unsigned ports[PORTS_MAX], n_ports; /* where it listens */
};

static bool may_be_inspector(const struct search *s, const struct tcp_line *t)
{
	if (s->where->own && t->port == s->where->own)
		return false;
	return s->where->any || t->port == s->where->port || t->port == INSPECTOR_PORT;
}

static bool is_found(const struct search *s, unsigned port)
{
	for (unsigned i = 0; i < s->n_ports; i++)
		if (s->ports[i] == port)
			return true;
	return false;
}

/* The kernel lists the sockets that listen before all others. The port of a client of the
 * inspector, or 0. */
static unsigned find_client(struct search *s, FILE *table)
{
	char line[512];
	struct tcp_line t;

	while (fgets(line, sizeof(line), table)) {
		if (!parse_tcp(line, &t))
			continue;
		if (t.state != TCP_LISTEN && s->n_ports == 0)
			return 0;
		if (t.state == TCP_ESTABLISHED && is_found(s, t.port))
			return t.port;
		if (t.state == TCP_LISTEN && s->n_ports < PORTS_MAX && may_be_inspector(s, &t) &&
		    has_socket(s->root, s->pid, t.inode))
			s->ports[s->n_ports++] = t.port;
	}
	return 0;
}

static bool is_inspected(const char *root, pid_t pid, const struct inspector *where,
			 char ret[static DEBUGGER_TEXT])
{
	static const char *const tables[] = { "tcp", "tcp6" };
	struct search s = { .root = root, .pid = pid, .where = where };
	unsigned port = 0;

	for (size_t i = 0; i < ARRAY_LEN(tables) && port == 0; i++) {
		char path[PATH_MAX_BYTES];
		FILE *f;

		(void)snprintf(path, sizeof(path), "%s/proc/%d/net/%s", root, (int)pid, tables[i]);
		f = fopen(path, "re");
		if (!f)
			continue;
		port = find_client(&s, f);
		(void)fclose(f);
	}
	if (port)
		(void)snprintf(ret, DEBUGGER_TEXT, "its inspector has a client at port %u", port);
	return port;
}

/* Families */

struct family {
	pid_t pid[FAMILY_MAX];
	size_t n;
};

/* proc_pid_task(5); empty where the kernel is built without. */
static void add_children(const char *root, pid_t parent, struct family *f)
{
	char path[PATH_MAX_BYTES];
	FILE *list;
	int pid;

	(void)snprintf(path, sizeof(path), "%s/proc/%d/task/%d/children", root, (int)parent,
		       (int)parent);
	list = fopen(path, "re");
	if (!list)
		return;
	while (f->n < FAMILY_MAX && fscanf(list, "%d", &pid) == 1)
		f->pid[f->n++] = pid;
	(void)fclose(list);
}

bool debugger_is_attached(const char *root, pid_t pid, const struct inspector *where,
			  char ret[static DEBUGGER_TEXT])
{
	struct family f = { .pid = { pid }, .n = 1 };

	for (size_t i = 0; i < f.n; i++) {
		if (is_traced(root, f.pid[i], ret) || is_inspected(root, f.pid[i], where, ret))
			return true;
		add_children(root, f.pid[i], &f);
	}
	return false;
}
