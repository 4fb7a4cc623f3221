/* Reading and writing what Node's cluster, @socket.io/sticky, its adapter and prom-client say. One
 * pass over the message finds every key that matters; tables turn what was found into a kind.
 * Unknown messages are the app's own and nobody's business. */
#include "ipc/node.h"

#include <errno.h>
#include <stdio.h>

#include "base/macros.h"
#include "ipc/wire.h"

#include "base/ban.h"

enum key {
	K_CMD,
	K_ACT,
	K_TYPE,
	K_SEQ,
	K_ACK,
	K_ACCEPTED,
	K_KEY,
	K_SOURCE,
	K_UID,
	K_NSP,
	K_REQUESTER,
	K_DATA,
	K_ADDRESS,
	K_PORT,
	K_ADDRESS_TYPE,
	K_FD,
	K_FLAGS,
	K_BACKLOG,
	K_INDEX,
	K_READABLE_ALL,
	K_WRITABLE_ALL,
	K_ENGINE_SOURCE,
	K_SENDER,
	K_RECIPIENT,
	K_REQUEST_ID,
	N_KEYS,
};

static const char *const key_names[N_KEYS] = {
	[K_CMD] = "cmd",
	[K_ACT] = "act",
	[K_TYPE] = "type",
	[K_SEQ] = "seq",
	[K_ACK] = "ack",
	[K_ACCEPTED] = "accepted",
	[K_KEY] = "key",
	[K_SOURCE] = "source",
	[K_UID] = "uid",
	[K_NSP] = "nsp",
	[K_REQUESTER] = "requesterUid",
	[K_DATA] = "data",
	[K_ADDRESS] = "address",
	[K_PORT] = "port",
	[K_ADDRESS_TYPE] = "addressType",
	[K_FD] = "fd",
	[K_FLAGS] = "flags",
	[K_BACKLOG] = "backlog",
	[K_INDEX] = "index",
	[K_READABLE_ALL] = "readableAll",
	[K_WRITABLE_ALL] = "writableAll",
	[K_ENGINE_SOURCE] = "_source",
	[K_SENDER] = "senderId",
	[K_RECIPIENT] = "recipientId",
	[K_REQUEST_ID] = "requestId",
};

static int64_t number_or(const struct value *v, int64_t otherwise)
{
	int64_t n;

	return wire_int(v, INT32_MIN, UINT32_MAX, &n) == 0 ? n : otherwise;
}

/* dgram's bind("1234") passes the app's string on. */
static int64_t read_port(const struct value *v)
{
	char text[8];
	uint64_t port;
	int n = wire_text(v, text, sizeof(text));

	if (n > 0 && str_to_u64((struct str){ text, (size_t)n }, UINT16_MAX, &port) == 0)
		return (int64_t)port;
	return number_or(v, -1);
}

static bool is_true(const struct value *v)
{
	return v->type == VALUE_BOOL && v->boolean;
}

/* Cluster */

static const struct {
	const char *act;
	enum node_kind kind;
} acts[] = {
	{ "online", NODE_ONLINE },
	{ "queryServer", NODE_QUERY_SERVER },
	{ "listening", NODE_LISTENING },
	{ "close", NODE_CLOSE },
	{ "exitedAfterDisconnect", NODE_EXITED_AFTER_DISCONNECT },
};

static const struct {
	const char *name;
	enum node_address_type type;
} address_names[] = { { "udp4", NODE_ADDR_UDP4 }, { "udp6", NODE_ADDR_UDP6 } };

static enum node_address_type address_type(const struct value *v)
{
	for (size_t i = 0; i < ARRAY_LEN(address_names); i++)
		if (wire_is(v, address_names[i].name))
			return address_names[i].type;
	switch (number_or(v, NODE_ADDR_FD)) {
	case 4:
		return NODE_ADDR_TCP4;
	case 6:
		return NODE_ADDR_TCP6;
	case -1:
		return NODE_ADDR_UNIX;
	default:
		return NODE_ADDR_FD;
	}
}

static void read_server(const struct value v[static N_KEYS], struct node_msg *m)
{
	m->address_type = address_type(&v[K_ADDRESS_TYPE]);
	m->any_address = wire_text(&v[K_ADDRESS], m->address, sizeof(m->address)) <= 0;
	if (m->any_address)
		m->address[0] = '\0';
	m->port = read_port(&v[K_PORT]);
	m->index = number_or(&v[K_INDEX], 0);
	m->fd = number_or(&v[K_FD], -1);
	m->flags = number_or(&v[K_FLAGS], 0);
	m->backlog = number_or(&v[K_BACKLOG], 0);
	m->readable_all = is_true(&v[K_READABLE_ALL]);
	m->writable_all = is_true(&v[K_WRITABLE_ALL]);
}

static void read_cluster(const struct value v[static N_KEYS], struct node_msg *m)
{
	m->kind = NODE_INTERNAL;
	if (v[K_ACCEPTED].type == VALUE_BOOL) {
		m->kind = NODE_ACCEPTED;
		m->accepted = v[K_ACCEPTED].boolean;
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(acts); i++)
		if (wire_is(&v[K_ACT], acts[i].act))
			m->kind = acts[i].kind;
	if (m->kind == NODE_QUERY_SERVER || m->kind == NODE_LISTENING)
		read_server(v, m);
	if (wire_text(&v[K_KEY], m->key, sizeof(m->key)) < 0)
		m->key[0] = '\0';
}

static const struct {
	const char *cmd;
	enum node_kind kind;
} commands[] = {
	{ "NODE_HANDLE", NODE_HANDLE },
	{ "NODE_HANDLE_ACK", NODE_HANDLE_ACK },
	{ "NODE_HANDLE_NACK", NODE_HANDLE_NACK },
};

/* lib/internal/child_process.js: isInternal(). */
static bool is_internal(const struct value *cmd)
{
	return wire_begins(cmd, "NODE_") && !wire_is(cmd, "NODE_");
}

static void read_internal(const struct value v[static N_KEYS], struct node_msg *m)
{
	if (wire_is(&v[K_CMD], "NODE_CLUSTER")) {
		read_cluster(v, m);
		return;
	}
	m->kind = is_internal(&v[K_CMD]) ? NODE_INTERNAL : NODE_OTHER;
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (wire_is(&v[K_CMD], commands[i].cmd))
			m->kind = commands[i].kind;
}

/* Socket.IO */

static void read_sticky(const struct value v[static N_KEYS], struct node_msg *m)
{
	bool opened = wire_is(&v[K_TYPE], "sticky:connection");

	if (!opened && !wire_is(&v[K_TYPE], "sticky:disconnection"))
		return;
	if (wire_text(&v[K_DATA], m->sid, sizeof(m->sid)) > 0)
		m->kind = opened ? NODE_STICKY_CONNECTION : NODE_STICKY_DISCONNECTION;
}

/* cluster-adapter 0.2 has no uid and names the addressee of an answer inside its data. */
static void read_adapter(enum serialization mode, const struct value v[static N_KEYS],
			 struct node_msg *m)
{
	static const char *const inner[] = { "workerId" };

	m->kind = NODE_ADAPTER;
	m->adapter_type = number_or(&v[K_TYPE], -1);
	m->uid = v[K_UID];
	m->nsp = v[K_NSP];
	m->requester_uid = v[K_REQUESTER];
	if (v[K_UID].type == VALUE_ABSENT && v[K_DATA].type == VALUE_OBJECT)
		(void)wire_skim_object(mode, &v[K_DATA], inner, 1, &m->worker_id);
	else if (v[K_UID].type == VALUE_ABSENT)
		m->worker_id = v[K_DATA]; /* WORKER_INIT and WORKER_PING: the id itself */
}

static void read_engine(const struct value v[static N_KEYS], struct node_msg *m)
{
	m->kind = NODE_ENGINE;
	m->uid = v[K_SENDER];
	m->requester_uid = v[K_RECIPIENT];
}

static void read_user(enum serialization mode, const struct value v[static N_KEYS],
		      struct node_msg *m)
{
	if (wire_is(&v[K_SOURCE], "_sio_adapter"))
		read_adapter(mode, v, m);
	else if (wire_is(&v[K_ENGINE_SOURCE], "_eio"))
		read_engine(v, m);
	else if (wire_is(&v[K_TYPE], "prom-client:getMetricsRes"))
		m->kind = NODE_METRICS;
	else
		read_sticky(v, m);
}

/* Bun puts a byte 2 in front of its internal messages in json mode. */
static struct str without_mark(enum serialization mode, struct str payload)
{
	if (mode == SERIAL_JSON && payload.n > 1 && payload.p[0] == 2)
		return (struct str){ payload.p + 1, payload.n - 1 };
	return payload;
}

int node_read(enum serialization mode, struct str payload, struct node_msg *ret)
{
	struct value v[N_KEYS], root;
	int r = wire_skim(mode, without_mark(mode, payload), key_names, N_KEYS, v, &root);

	if (r < 0)
		return r;
	ret->kind = NODE_OTHER;
	ret->seq = number_or(&v[K_SEQ], -1);
	ret->ack = number_or(&v[K_ACK], -1);
	ret->request_id = number_or(&v[K_REQUEST_ID], -1);
	ret->accepted = false;
	ret->address[0] = ret->key[0] = ret->sid[0] = '\0';
	ret->data = v[K_DATA];
	ret->worker_id = (struct value){ .type = VALUE_ABSENT };
	if (root.type == VALUE_STRING)
		ret->kind = wire_is(&root, "ready") ? NODE_USER_READY : NODE_OTHER;
	else if (v[K_CMD].type == VALUE_STRING)
		read_internal(v, ret);
	else
		read_user(mode, v, ret);
	return 0;
}

/* Writing */

static void begin_command(struct wire_writer *w, enum serialization mode, const char *cmd)
{
	wire_begin(w, mode);
	wire_object(w);
	wire_key(w, "cmd");
	wire_string(w, str_of(cmd));
}

static struct blob *end_command(struct wire_writer *w)
{
	wire_object_end(w);
	return wire_end(w);
}

static void number_member(struct wire_writer *w, const char *key, int64_t n)
{
	wire_key(w, key);
	wire_number(w, n);
}

static void string_member(struct wire_writer *w, const char *key, const char *s)
{
	wire_key(w, key);
	wire_string(w, str_of(s));
}

/* The wrapper of everything that goes with a descriptor: { cmd: 'NODE_HANDLE', type, msg: { */
static void begin_handle(struct wire_writer *w, enum serialization mode, const char *type)
{
	begin_command(w, mode, "NODE_HANDLE");
	string_member(w, "type", type);
	wire_key(w, "msg");
	wire_object(w);
}

static struct blob *end_handle(struct wire_writer *w)
{
	wire_object_end(w);
	return end_command(w);
}

static void errno_member(struct wire_writer *w, int errno_neg)
{
	wire_key(w, "errno");
	if (errno_neg)
		wire_number(w, errno_neg);
	else
		wire_null(w);
}

static void sockname_member(struct wire_writer *w, const char *address, int64_t port)
{
	wire_key(w, "sockname");
	wire_object(w);
	string_member(w, "address", address);
	string_member(w, "family", strchr(address, ':') ? "IPv6" : "IPv4");
	number_member(w, "port", port);
	wire_object_end(w);
}

struct blob *node_listen_reply(enum serialization mode, const struct node_msg *q, const char *key,
			       int errno_neg, const char *sockname, int64_t port, uint32_t seq)
{
	struct wire_writer w;

	begin_command(&w, mode, "NODE_CLUSTER");
	errno_member(&w, errno_neg);
	string_member(&w, "key", key);
	number_member(&w, "ack", q->seq);
	wire_key(&w, "data");
	wire_value(&w, &q->data);
	if (sockname)
		sockname_member(&w, sockname, port);
	number_member(&w, "seq", seq);
	return end_command(&w);
}

static bool is_datagram(enum node_address_type type)
{
	return type == NODE_ADDR_UDP4 || type == NODE_ADDR_UDP6;
}

struct blob *node_shared_reply(enum serialization mode, const struct node_msg *q, const char *key,
			       uint32_t seq)
{
	struct wire_writer w;

	begin_handle(&w, mode, is_datagram(q->address_type) ? "dgram.Native" : "net.Native");
	string_member(&w, "cmd", "NODE_CLUSTER");
	errno_member(&w, 0);
	string_member(&w, "key", key);
	number_member(&w, "ack", q->seq);
	wire_key(&w, "data");
	wire_value(&w, &q->data);
	number_member(&w, "seq", seq);
	return end_handle(&w);
}

void node_newconn_begin(struct wire_writer *w, enum serialization mode, const char *key)
{
	begin_handle(w, mode, "net.Native");
	string_member(w, "cmd", "NODE_CLUSTER");
	string_member(w, "act", "newconn");
	string_member(w, "key", key);
	wire_key(w, "seq");
}

struct blob *node_newconn(const struct wire_writer *begin, uint32_t seq)
{
	struct wire_writer w;

	wire_begin_as(&w, begin);
	wire_number(&w, seq);
	return end_handle(&w);
}

struct blob *node_sticky_connection(enum serialization mode)
{
	struct wire_writer w;

	begin_handle(&w, mode, "net.Socket");
	string_member(&w, "type", "sticky:connection");
	string_member(&w, "data", "");
	return end_handle(&w);
}

struct blob *node_ping(enum serialization mode)
{
	struct wire_writer w;

	begin_handle(&w, mode, "net.Native");
	string_member(&w, "cmd", "NODE_SIOINIT");
	return end_handle(&w);
}

struct blob *node_ack(enum serialization mode, int64_t ack, uint32_t seq)
{
	struct wire_writer w;

	begin_command(&w, mode, "NODE_CLUSTER");
	number_member(&w, "ack", ack);
	number_member(&w, "seq", seq);
	return end_command(&w);
}

struct blob *node_handle_ack(enum serialization mode)
{
	struct wire_writer w;

	begin_command(&w, mode, "NODE_HANDLE_ACK");
	return end_command(&w);
}

struct blob *node_disconnect(enum serialization mode, uint32_t seq)
{
	struct wire_writer w;

	begin_command(&w, mode, "NODE_CLUSTER");
	string_member(&w, "act", "disconnect");
	number_member(&w, "seq", seq);
	return end_command(&w);
}

struct blob *node_text(enum serialization mode, const char *text)
{
	struct wire_writer w;

	wire_begin(&w, mode);
	wire_string(&w, str_of(text));
	return wire_end(&w);
}

struct blob *node_metrics_request(enum serialization mode, uint32_t request_id)
{
	struct wire_writer w;

	wire_begin(&w, mode);
	wire_object(&w);
	string_member(&w, "type", "prom-client:getMetricsReq");
	number_member(&w, "requestId", request_id);
	return end_command(&w);
}

enum { ADAPTER_CLOSE = 13, WORKER_EXIT = 3 };

static void begin_adapter(struct wire_writer *w, enum serialization mode, int type)
{
	wire_begin(w, mode);
	wire_object(w);
	number_member(w, "type", type);
}

static struct blob *end_adapter(struct wire_writer *w)
{
	string_member(w, "source", "_sio_adapter");
	return end_command(w);
}

struct blob *node_adapter_close(enum serialization mode, const struct value *uid,
				const struct value *nsp)
{
	struct wire_writer w;

	begin_adapter(&w, mode, ADAPTER_CLOSE);
	wire_key(&w, "uid");
	wire_value(&w, uid);
	wire_key(&w, "nsp");
	wire_value(&w, nsp);
	return end_adapter(&w);
}

struct blob *node_adapter_worker_exit(enum serialization mode, int64_t worker_id)
{
	struct wire_writer w;

	begin_adapter(&w, mode, WORKER_EXIT);
	number_member(&w, "data", worker_id);
	return end_adapter(&w);
}
