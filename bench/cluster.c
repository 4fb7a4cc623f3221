#include "bench/cluster.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "ipc/wire.h"

enum { LENGTH = 4 };

static struct {
	int fd;
	int64_t seq;
} channel;

const char *cluster_required(const char *name)
{
	const char *value = getenv(name);

	if (value)
		return value;
	fprintf(stderr, "bench: %s is not set\n", name);
	exit(2);
}

void cluster_write(const void *bytes, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = send(channel.fd, (const char *)bytes + done, len - done, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			exit(1);
		done += n > 0 ? (size_t)n : 0;
	}
}

static void message_begin(struct wire_writer *w)
{
	wire_begin(w, SERIAL_ADVANCED);
	wire_object(w);
}

static void message_send(struct wire_writer *w)
{
	struct blob *frame;

	wire_object_end(w);
	frame = wire_end(w);
	assert(frame);
	cluster_write(frame->bytes, frame->len);
	blob_unref(frame);
}

static void put_string(struct wire_writer *w, const char *key, const char *text)
{
	wire_key(w, key);
	wire_string(w, str_of(text));
}

static void put_number(struct wire_writer *w, const char *key, int64_t number)
{
	wire_key(w, key);
	wire_number(w, number);
}

static void say_online(void)
{
	struct wire_writer w;

	message_begin(&w);
	put_string(&w, "cmd", "NODE_CLUSTER");
	put_string(&w, "act", "online");
	put_number(&w, "seq", channel.seq++);
	message_send(&w);
}

int cluster_open(void)
{
	if (strcmp(cluster_required("NODE_CHANNEL_SERIALIZATION_MODE"), "advanced") != 0) {
		fprintf(stderr, "bench: SIOINIT_SERIALIZATION has to be advanced\n");
		exit(2);
	}
	channel.fd = atoi(cluster_required("NODE_CHANNEL_FD"));
	(void)fcntl(channel.fd, F_SETFL, 0); /* this end only; what is sent may wait */
	say_online();
	return channel.fd;
}

static void say_about_server(const char *act, int port)
{
	struct wire_writer w;

	message_begin(&w);
	put_string(&w, "cmd", "NODE_CLUSTER");
	put_string(&w, "act", act);
	put_number(&w, "index", 0);
	wire_key(&w, "data");
	wire_null(&w);
	wire_key(&w, "address");
	wire_null(&w);
	put_number(&w, "port", port);
	put_number(&w, "addressType", 4);
	put_number(&w, "flags", 0);
	put_number(&w, "backlog", 0);
	put_number(&w, "seq", channel.seq++);
	message_send(&w);
}

void cluster_listen(int port)
{
	say_about_server("queryServer", port);
	say_about_server("listening", port);
}

void cluster_heartbeat(const char *uid)
{
	struct wire_writer w;

	message_begin(&w);
	put_number(&w, "type", 1);
	put_string(&w, "uid", uid);
	put_string(&w, "nsp", "/");
	put_string(&w, "source", "_sio_adapter");
	message_send(&w);
}

static void answer_handle(const char *cmd)
{
	struct wire_writer w;

	message_begin(&w);
	put_string(&w, "cmd", cmd);
	message_send(&w);
}

void cluster_answer_ping(void)
{
	answer_handle("NODE_HANDLE_NACK");
}

void cluster_acknowledge(void)
{
	answer_handle("NODE_HANDLE_ACK");
}

void cluster_accepted(int64_t ack)
{
	struct wire_writer w;

	message_begin(&w);
	put_string(&w, "cmd", "NODE_CLUSTER");
	put_number(&w, "ack", ack);
	wire_key(&w, "accepted");
	wire_bool(&w, true);
	put_number(&w, "seq", channel.seq++);
	message_send(&w);
}

size_t cluster_frame_len(const char *bytes, size_t len, size_t max)
{
	const uint8_t *p = (const uint8_t *)bytes;
	size_t n;

	if (len < LENGTH)
		return 0;
	n = LENGTH + ((size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3]);
	assert(n <= max);
	return n <= len ? n : 0;
}
