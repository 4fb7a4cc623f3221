/* What is kept of those that ended: the last lines, the last records, the last message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "init/pool/exit_history.h"
#include "init/supervisor/termination_log.h"

static struct log_tail tail;

static int new_tail(void **state)
{
	(void)state;
	tail = (struct log_tail){ .n = 0 };
	return 0;
}

static void assert_tail(const char *wanted)
{
	char text[LOG_TAIL_MAX + 1];

	text[log_tail_text(&tail, text)] = '\0';
	assert_string_equal(text, wanted);
}

static void add_line(char letter, size_t n)
{
	char line[4 * LOG_TAIL_MAX];

	memset(line, letter, n - 1);
	line[n - 1] = '\n';
	log_tail_add(&tail, (struct str){ line, n });
}

static void nothing_is_written(void **state)
{
	(void)state;
	assert_tail("");
}

static void pieces_are_put_together(void **state)
{
	(void)state;
	log_tail_add(&tail, STR("Error: "));
	log_tail_add(&tail, STR("boom\n\tat x\nlast"));
	assert_tail("Error: boom\n\tat x\nlast");
}

static void colours_and_control_characters_are_left_out(void **state)
{
	(void)state;
	log_tail_add(&tail, STR("\033[1;31mred\033[0m\a\r\n\033]x\033[3\nnext\177 \xc3\xbc"));
	assert_tail("red\nx\nnext \xc3\xbc");
}

static void only_whole_lines_of_much(void **state)
{
	(void)state;
	add_line('a', LOG_TAIL_MAX - 4);
	log_tail_add(&tail, STR("b\nccc\n"));
	assert_tail("b\nccc\n");
}

static void of_one_long_line_its_end(void **state)
{
	char wanted[LOG_TAIL_MAX + 1];

	(void)state;
	memset(wanted, 'a', LOG_TAIL_MAX);
	wanted[LOG_TAIL_MAX - 1] = '\n';
	wanted[LOG_TAIL_MAX] = '\0';
	add_line('a', 3 * LOG_TAIL_MAX + 5);
	assert_tail(wanted);
}

static void the_last_records_are_kept(void **state)
{
	struct buf out = BUF_INIT(1 << 20);
	struct exit_history h;
	char line[32];

	(void)state;
	assert_int_equal(exit_history_init(&h), 0);
	assert_null(exit_history_last(&h));
	for (int i = 0; i <= EXIT_HISTORY_MAX; i++) {
		(void)snprintf(line, sizeof(line), "end %d", i);
		exit_history_add(&h, 0, (pid_t)i + 1, line,
				 i == EXIT_HISTORY_MAX ? STR("x\n\ny") : STR(""));
	}
	assert_int_equal(exit_history_write(&h, &out), 0);
	assert_int_equal(buf_append(&out, "", 1), 0);
	assert_memory_equal(out.p, "1970-01-01T00:00:00Z end 1\n1970", 31);
	assert_non_null(strstr(out.p,
			       "Z end 31\n1970-01-01T00:00:00Z end 32\n    | x\n    | \n    | "
			       "y\n"));
	assert_string_equal(exit_history_last(&h)->line, "1970-01-01T00:00:00Z end 32");
	assert_string_equal(exit_history_of(&h, 2)->line, "1970-01-01T00:00:00Z end 1");
	assert_ptr_equal(exit_history_of(&h, EXIT_HISTORY_MAX + 1), exit_history_last(&h));
	assert_null(exit_history_of(&h, 1));
	assert_null(exit_history_of(&h, 0));
	buf_free(&out);
	exit_history_free(&h);
}

static void without_memory_nothing_is_kept(void **state)
{
	struct exit_history h = { NULL, 0 };

	(void)state;
	exit_history_add(&h, 0, 7, "end", STR("x"));
	assert_null(exit_history_last(&h));
	assert_null(exit_history_of(&h, 7));
}

static void assert_termination(const struct exit_record *last, const char *error,
			       const char *wanted)
{
	char text[TERMINATION_LOG_MAX + 1];

	text[termination_log_text(3, last, error, text)] = '\0';
	assert_string_equal(text, wanted);
}

static void the_message_has_code_reason_and_stderr(void **state)
{
	static struct exit_record r = { 7, "then worker[0]: ended", "Error: \xff boom\n", 14 };

	(void)state;
	assert_termination(&r, "nothing", "exit code 3\nthen worker[0]: ended\nError:  boom\n");
	assert_termination(NULL, "port 80 is in use", "exit code 3\nport 80 is in use\n");
}

static void the_message_is_bounded(void **state)
{
	static char text[TERMINATION_LOG_MAX];
	static struct exit_record r;
	size_t n;

	(void)state;
	memset(r.line, 'x', sizeof(r.line) - 1);
	for (size_t i = 0; i < LOG_TAIL_MAX; i++)
		r.last_words[i] = i % 100 == 99 ? '\n' : 'y';
	r.n_last_words = LOG_TAIL_MAX;
	n = termination_log_text(1, &r, "", text);
	assert_true(n <= TERMINATION_LOG_MAX && n > LOG_TAIL_MAX);
	assert_true(utf8_is_valid((struct str){ text, n }));
}

#define WITH_TAIL(test) cmocka_unit_test_setup(test, new_tail)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_TAIL(nothing_is_written),
		WITH_TAIL(pieces_are_put_together),
		WITH_TAIL(colours_and_control_characters_are_left_out),
		WITH_TAIL(only_whole_lines_of_much),
		WITH_TAIL(of_one_long_line_its_end),
		cmocka_unit_test(the_last_records_are_kept),
		cmocka_unit_test(without_memory_nothing_is_kept),
		cmocka_unit_test(the_message_has_code_reason_and_stderr),
		cmocka_unit_test(the_message_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
