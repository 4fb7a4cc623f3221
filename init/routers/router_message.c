/* The rules of the control channel, one row for each message of a router. */
#include "init/routers/router_message.h"

#include <sys/socket.h>

#include "base/macros.h"

#include "base/ban.h"

enum { HTTP_STATUS_MAX = 999 };

static bool is_handoff(const struct control_msg *m)
{
	return m->kind <= HANDOFF_RAW && m->tls <= 1;
}

static bool is_probed(const struct control_msg *m)
{
	return m->style <= WORKER_STYLE_UNIX && m->state <= 1;
}

static bool is_health(const struct control_msg *m)
{
	return m->state <= HEALTH_BAD && m->kind <= HTTP_STATUS_MAX;
}

static bool is_idle(const struct control_msg *m)
{
	return m->state <= 1 && m->kind <= 1;
}

/* With HTTP/1.0 or 1.1, and whether the client's connection is kept. */
static bool is_park(const struct control_msg *m)
{
	return m->kind < PARK_N && m->state <= 1 && m->style <= 1 && m->tls <= 1;
}

static bool is_admin_ask(const struct control_msg *m)
{
	return m->kind < ADMIN_ASK_N && m->text.n > 0 && m->text.n <= ADMIN_ASK_MAX;
}

static const struct rule {
	enum control_type type;
	bool has_fd, of_worker, of_first;
	bool (*is_sound)(const struct control_msg *m);
} rules[] = {
	{ .type = CONTROL_UP },
	{ .type = CONTROL_HANDOFF, .has_fd = true, .of_worker = true, .is_sound = is_handoff },
	{ .type = CONTROL_PROBED, .of_worker = true, .of_first = true, .is_sound = is_probed },
	{ .type = CONTROL_HEALTH, .of_worker = true, .of_first = true, .is_sound = is_health },
	{ .type = CONTROL_IDLE, .of_worker = true, .is_sound = is_idle },
	{ .type = CONTROL_PARK, .has_fd = true, .of_worker = true, .is_sound = is_park },
	{ .type = CONTROL_UNPARK },
	{ .type = CONTROL_APP_METRICS },
	{ .type = CONTROL_ADMIN_ASK, .of_first = true, .is_sound = is_admin_ask },
};

static const struct rule *rule_for(enum control_type type)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (rules[i].type == type)
			return &rules[i];
	return NULL;
}

/* Asks nothing of what a file system would have to answer. */
static bool is_stream(int fd)
{
	int type = 0;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM;
}

static const char *fd_fault(const struct rule *rule, const struct control_msg *m, int fd)
{
	if (!rule->has_fd)
		return fd >= 0 || m->fd_lost ? "sent a descriptor that nobody wants" : NULL;
	if (m->fd_lost)
		return NULL;
	if (fd < 0)
		return "sent no descriptor";
	return is_stream(fd) ? NULL : "sent a descriptor that is no connection";
}

static const char *sense_fault(const struct rule *rule, const struct control_msg *m,
			       const struct router_standing *s)
{
	if (rule->of_first && !s->first)
		return "did what is another router's part";
	if (rule->of_worker && (m->worker == 0 || m->worker > s->last_worker))
		return "named a worker that there never was";
	if (rule->is_sound && !rule->is_sound(m))
		return "sent a value that means nothing";
	return NULL;
}

const char *router_message_fault(const struct control_msg *m, int fd,
				 const struct router_standing *s)
{
	const struct rule *rule = rule_for(m->type);
	const char *fault;

	if (!rule)
		return "sent a message that routers do not send";
	if (s->up != (m->type != CONTROL_UP))
		return s->up ? "asked for everything a second time" : "spoke before it was up";
	fault = fd_fault(rule, m, fd);
	return fault ? fault : sense_fault(rule, m, s);
}
