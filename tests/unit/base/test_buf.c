/* Bounded buffers and blobs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "base/buf.h"

static void keeps_what_is_appended(void **state)
{
	struct buf b = BUF_INIT(100000);
	char bytes[700];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)i;
	for (int i = 0; i < 100; i++)
		assert_int_equal(buf_append(&b, bytes, sizeof(bytes)), 0);
	assert_int_equal(b.len, 70000);
	assert_true(b.cap <= b.max);
	assert_memory_equal(b.p + 69300, bytes, sizeof(bytes));
	buf_consume(&b, 700 * 99 + 1);
	assert_int_equal(b.len, 699);
	assert_memory_equal(buf_str(&b).p, bytes + 1, 699);
	buf_consume(&b, 699);
	assert_int_equal(buf_append(&b, NULL, 0), 0);
	assert_int_equal(b.len, 0);
	buf_free(&b);
	assert_int_equal(b.max, 100000);
	assert_null(b.p);
}

static void stops_at_its_limit(void **state)
{
	struct buf b = BUF_INIT(10);

	(void)state;
	assert_int_equal(buf_append(&b, "0123456789", 10), 0);
	assert_int_equal(b.cap, 10);
	assert_int_equal(buf_append(&b, "x", 1), -EMSGSIZE);
	assert_int_equal(buf_reserve(&b, SIZE_MAX), -EMSGSIZE);
	assert_int_equal(b.len, 10);
	assert_memory_equal(b.p, "0123456789", 10);
	buf_free(&b);
}

static void needs_no_memory_until_used(void **state)
{
	struct buf b = BUF_INIT(10);

	(void)state;
	buf_consume(&b, 0);
	assert_int_equal(buf_reserve(&b, 0), 0);
	assert_null(b.p);
	assert_true(str_eq(buf_str(&b), STR("")));
	buf_free(&b);
}

static void shares_a_blob(void **state)
{
	struct blob *b = blob_copy(STR("hello")), *other = blob_ref(b);

	(void)state;
	blob_unref(b);
	assert_int_equal(other->refs, 1);
	assert_int_equal(other->len, 5);
	assert_memory_equal(other->bytes, "hello", 5);
	blob_unref(other);
	blob_unref(NULL);
	b = blob_copy(str_of(NULL));
	assert_int_equal(b->len, 0);
	blob_unref(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_what_is_appended),
		cmocka_unit_test(stops_at_its_limit),
		cmocka_unit_test(needs_no_memory_until_used),
		cmocka_unit_test(shares_a_blob),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
