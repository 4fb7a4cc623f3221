/* Node's messages: captures of real workers are read, and what we write is byte for byte what a
 * primary of Node's sends, but for the version byte and the order of keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "ipc/node.h"
#include "ipc/wire.h"

#define CMD_CLUSTER                                                                                \
	"o\"\x03"                                                                                  \
	"cmd\"\x0cNODE_CLUSTER"

static struct node_msg m;

static void read_as(enum serialization mode, struct str payload, enum node_kind kind)
{
	assert_int_equal(node_read(mode, payload, &m), 0);
	assert_int_equal(m.kind, kind);
}

static void reads_advanced_captures(void **state)
{
	(void)state;
	read_as(SERIAL_ADVANCED,
		STR("\xff\x0f" CMD_CLUSTER "\"\x03"
		    "act\"\x06online\"\x03seqI\0{\x03"),
		NODE_ONLINE);
	read_as(SERIAL_ADVANCED,
		STR("\xff\x0f" CMD_CLUSTER "\"\x03"
		    "act\"\x0bqueryServer\"\x05indexI\0\"\x04"
		    "data0\"\x07"
		    "address0\"\x04portI\xa0\x7e\"\x0b"
		    "addressTypeI\x08\"\x02"
		    "fd_\"\x05"
		    "flagsI\0\"\x07"
		    "backlogI\0\"\x03seqI\x02{\x0b"),
		NODE_QUERY_SERVER);
	assert_int_equal(m.port, 8080);
	assert_int_equal(m.seq, 1);
	assert_int_equal(m.address_type, NODE_ADDR_TCP4);
	assert_true(m.any_address);
	assert_int_equal(m.data.type, VALUE_NULL);
	read_as(SERIAL_ADVANCED,
		STR("\xff\x0f" CMD_CLUSTER "\"\x03"
		    "ackI\x02\"\x08"
		    "acceptedT\"\x03seqI\x06{\x04"),
		NODE_ACCEPTED);
	assert_true(m.accepted);
	assert_int_equal(m.ack, 1);
	read_as(SERIAL_ADVANCED,
		STR("\xff\x0fo\"\x03"
		    "cmd\"\x0fNODE_HANDLE_ACK{\x01"),
		NODE_HANDLE_ACK);
	read_as(SERIAL_ADVANCED,
		STR("\xff\x0fo\"\x03"
		    "cmd\"\x10NODE_HANDLE_NACK{\x01"),
		NODE_HANDLE_NACK);
	read_as(SERIAL_ADVANCED, STR("\xff\x0f\"\x05ready"), NODE_USER_READY);
}

static void reads_json(void **state)
{
	(void)state;
	read_as(SERIAL_JSON,
		STR("{\"cmd\":\"NODE_CLUSTER\",\"act\":\"queryServer\",\"index\":0,\"data\":null,"
		    "\"address\":\"/a/b.sock\","
		    "\"port\":-1,\"addressType\":-1,\"seq\":7}"),
		NODE_QUERY_SERVER);
	assert_int_equal(m.address_type, NODE_ADDR_UNIX);
	assert_string_equal(m.address, "/a/b.sock");
	read_as(SERIAL_JSON, STR("{\"type\":\"sticky:connection\",\"data\":\"a-sid\"}"),
		NODE_STICKY_CONNECTION);
	assert_string_equal(m.sid, "a-sid");
	read_as(SERIAL_JSON, STR("\x02{\"cmd\":\"NODE_CLUSTER\",\"act\":\"listening\"}"),
		NODE_LISTENING);
	read_as(SERIAL_JSON,
		STR("{\"source\":\"_sio_adapter\",\"type\":9,\"data\":{\"workerId\":3}}"),
		NODE_ADAPTER);
	assert_int_equal(m.adapter_type, 9);
	assert_true(m.worker_id.number == 3);
	read_as(SERIAL_JSON, STR("{\"cmd\":\"NODE_\"}"), NODE_OTHER);
	read_as(SERIAL_JSON, STR("5"), NODE_OTHER);
	assert_int_equal(node_read(SERIAL_JSON, STR("{garbage"), &m), -EBADMSG);
}

static void takes_a_port_that_is_a_string(void **state)
{
	(void)state; /* dgram's bind("1234") passes on what the app gave */
	read_as(SERIAL_JSON,
		STR("{\"cmd\":\"NODE_CLUSTER\",\"act\":\"queryServer\",\"address\":\"0.0.0.0\","
		    "\"port\":\"1234\","
		    "\"addressType\":\"udp4\",\"fd\":-1,\"seq\":2}"),
		NODE_QUERY_SERVER);
	assert_int_equal(m.port, 1234);
	assert_int_equal(m.address_type, NODE_ADDR_UDP4);
}

static void assert_frame(struct blob *frame, struct str expected)
{
	assert_non_null(frame);
	assert_int_equal(frame->len, expected.n);
	assert_memory_equal(frame->bytes, expected.p, expected.n);
	blob_unref(frame);
}

static void tells_messages_apart(void **state)
{
	(void)state;
	read_as(SERIAL_JSON, STR("{\"cmd\":\"NODE_NEW\"}"), NODE_INTERNAL);
	read_as(SERIAL_JSON, STR("{\"cmd\":\"NODE_CLUSTER\",\"act\":\"new\"}"), NODE_INTERNAL);
	read_as(SERIAL_JSON, STR("{\"cmd\":\"mine\"}"), NODE_OTHER);
	read_as(SERIAL_JSON,
		STR("{\"type\":\"prom-client:getMetricsRes\",\"requestId\":7,\"metrics\":[[]]}"),
		NODE_METRICS);
	assert_int_equal(m.request_id, 7);
	read_as(SERIAL_JSON, STR("{\"type\":\"prom-client:getMetricsRes\"}"), NODE_METRICS);
	assert_int_equal(m.request_id, -1);
}

static void asks_as_prom_client_does(void **state)
{
	(void)state;
	assert_frame(node_metrics_request(SERIAL_JSON, 3),
		     STR("{\"type\":\"prom-client:getMetricsReq\",\"requestId\":3}\n"));
	assert_frame(node_metrics_request(SERIAL_ADVANCED, 3),
		     STR("\0\0\0\x33\xff\x0do\"\x04type\"\x19prom-client:getMetricsReq\"\x09"
			 "requestIdI\x06{\x02"));
}

static void writes_handles(void **state)
{
	(void)state;
	assert_frame(node_sticky_connection(SERIAL_ADVANCED),
		     STR("\0\0\0\x52\xff\x0do\"\x03"
			 "cmd\"\x0bNODE_HANDLE\"\x04type\"\x0anet.Socket\"\x03msgo\"\x04type\"\x11"
			 "sticky:connection\"\x04"
			 "data\"\0{\x02{\x03"));
	assert_frame(node_handle_ack(SERIAL_ADVANCED), STR("\0\0\0\x1b\xff\x0do\"\x03"
							   "cmd\"\x0fNODE_HANDLE_ACK{\x01"));
}

static void writes_one_connection_after_the_other(void **state)
{
	struct wire_writer json, advanced;

	(void)state;
	node_newconn_begin(&json, SERIAL_JSON, "k1");
	node_newconn_begin(&advanced, SERIAL_ADVANCED, "k1");
	assert_frame(node_newconn(&json, 8),
		     STR("{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Native\",\"msg\":{\"cmd\":\"NODE_"
			 "CLUSTER\",\"act\":\"newconn\",\"key\":\"k1\",\"seq\":8}}\n"));
	assert_frame(node_newconn(&json, 4000000000),
		     STR("{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Native\",\"msg\":{\"cmd\":\"NODE_"
			 "CLUSTER\",\"act\":\"newconn\",\"key\":\"k1\",\"seq\":4000000000}}\n"));
	for (uint32_t seq = 8; seq < 10; seq++) {
		char frame[] = "\0\0\0\x62\xff\x0do\"\x03"
			       "cmd\"\x0bNODE_HANDLE\"\x04type\"\x0anet.Native\"\x03msgo\"\x03"
			       "cmd\"\x0cNODE_CLUSTER\"\x03"
			       "act\"\x07newconn\"\x03key\"\x02k1\"\x03seqI\x10{\x04{\x03";

		frame[sizeof(frame) - 6] = (char)(seq << 1);
		assert_frame(node_newconn(&advanced, seq),
			     (struct str){ frame, sizeof(frame) - 1 });
	}
	wire_drop(&json);
	wire_drop(&advanced);
}

static void echoes_the_data_of_a_query(void **state)
{
	(void)state;
	read_as(SERIAL_JSON,
		STR("{\"cmd\":\"NODE_CLUSTER\",\"act\":\"queryServer\",\"data\":{\"ticketKeys\":"
		    "\"ab\"},\"address\":null,"
		    "\"port\":443,\"addressType\":4,\"seq\":2}"),
		NODE_QUERY_SERVER);
	assert_frame(node_listen_reply(SERIAL_JSON, &m, "k2", -98, NULL, 443, 1),
		     STR("{\"cmd\":\"NODE_CLUSTER\",\"errno\":-98,\"key\":\"k2\",\"ack\":2,"
			 "\"data\":{\"ticketKeys\":\"ab\"},\"seq\":1}\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_advanced_captures),
		cmocka_unit_test(reads_json),
		cmocka_unit_test(takes_a_port_that_is_a_string),
		cmocka_unit_test(tells_messages_apart),
		cmocka_unit_test(asks_as_prom_client_does),
		cmocka_unit_test(writes_handles),
		cmocka_unit_test(writes_one_connection_after_the_other),
		cmocka_unit_test(echoes_the_data_of_a_query),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
