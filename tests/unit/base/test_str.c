/* Slices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "base/macros.h"
#include "base/str.h"

static void compares_bytes(void **state)
{
	(void)state;
	assert_true(str_eq(STR("abc"), str_of("abc")));
	assert_false(str_eq(STR("abc"), STR("abd")));
	assert_false(str_eq(STR("abc"), STR("ab")));
	assert_true(str_eq(str_of(NULL), STR("")));
	assert_true(str_has_prefix(STR("abc"), STR("ab")));
	assert_true(str_has_prefix(str_of(NULL), STR("")));
	assert_false(str_has_prefix(STR("ab"), STR("abc")));
}

static void ignores_case_of_ascii_letters_only(void **state)
{
	(void)state;
	assert_true(str_eq_nocase(STR("Content-LENGTH"), STR("content-length")));
	assert_true(str_eq_nocase(str_of(NULL), STR("")));
	assert_false(str_eq_nocase(STR("a"), STR("ab")));
	assert_false(str_eq_nocase(STR("@["), STR("`{")));
	assert_false(str_eq_nocase(STR("\xc4"), STR("\xe4")));
	assert_false(str_eq_nocase(STR("a\0b"), STR("a\0c")));
}

static void reads_whole_decimal_numbers(void **state)
{
	static const char *const wrong[] = { "", "-1", "+1", " 1", "1 ", "0x1", "1.0", "a" };
	uint64_t n = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_int_equal(str_to_u64(str_of(wrong[i]), UINT64_MAX, &n), -EINVAL);
	assert_int_equal(str_to_u64(STR("11"), 10, &n), -ERANGE);
	assert_int_equal(str_to_u64(STR("18446744073709551616"), UINT64_MAX, &n), -ERANGE);
	assert_int_equal(n, 7);
	assert_int_equal(str_to_u64(STR("18446744073709551615"), UINT64_MAX, &n), 0);
	assert_true(n == UINT64_MAX);
	assert_int_equal(str_to_u64(STR("007"), 10, &n), 0);
	assert_int_equal(n, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compares_bytes),
		cmocka_unit_test(ignores_case_of_ascii_letters_only),
		cmocka_unit_test(reads_whole_decimal_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
