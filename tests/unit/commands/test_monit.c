/* sioinit monit: answers to data, data to frames, keys to the view. A frame is looked at as a
 * terminal would show it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/monit_data.h"
#include "commands/monit_keys.h"
#include "commands/monit_screen.h"

enum { ROWS_MAX = 60, COLS_MAX = 200, ANSWER_MAX = 1 << 20 };

static struct monit_data data;
static struct monit_view view;
static char screen[ROWS_MAX][COLS_MAX + 1];

static int set_up(void **state)
{
	(void)state;
	view = (struct monit_view){ .rows = 30, .cols = 100, .colour = true };
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	monit_data_free(&data);
	return 0;
}

static void answer(const char *json, int64_t ms)
{
	assert_int_equal(monit_data_read(&data, str_of(json), ms), 0);
}

/* What is known of terminals here: CSI n;1 H, CSI K, CSI ... m, and characters, which stay inside.
 * A character of UTF-8 is shown as *. */
static void interpret(const char *p, size_t n)
{
	unsigned row = 0, col = 0;

	memset(screen, 0, sizeof(screen));
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c == '\033') {
			char *end;
			unsigned long first = strtoul(p + i + 2, &end, 10);

			assert_int_equal(p[i + 1], '[');
			end += strcspn(end, "HKm");
			if (*end == 'H') {
				row = (unsigned)first - 1;
				col = 0;
				assert_true(row < view.rows);
			}
			i = (size_t)(end - p);
			continue;
		}
		assert_true(c >= ' ' && c != 0x7f);
		if ((c & 0xc0) == 0x80)
			continue;
		assert_true(col < view.cols);
		screen[row][col++] = c < 0x80 ? (char)c : '*';
	}
}

static void draw(void)
{
	struct buf out = BUF_INIT(MONIT_FRAME_MAX);

	assert_int_equal(monit_screen_draw(&data, &view, &out), 0);
	assert_int_equal(buf_append(&out, "", 1), 0);
	interpret(out.p, out.len - 1);
	buf_free(&out);
}

/* The line that @text is in, or -1. */
static int line_of(const char *text)
{
	for (int i = 0; i < ROWS_MAX; i++)
		if (strstr(screen[i], text))
			return i;
	return -1;
}

static void press(const char *keys)
{
	struct monit_keys k = { 0 };

	for (; *keys; keys++)
		assert_true(monit_keys_press(&k, *keys, &view));
}

static const char whole[] =
    "{\"version\":\"1.2.3\",\"host\":\"pod-7\",\"phase\":\"serving\",\"uptime_s\":7300,"
    "\"conditions\":[{\"severity\":\"error\",\"id\":\"x\",\"text\":\"worker 2 hangs\"},"
    "{\"severity\":\"warn\",\"id\":\"y\",\"text\":\"second\"}],\"workers_wanted\":3,"
    "\"workers_ready\":2,\"memory\":{\"used_b\":104857600,\"limit_b\":209715200,"
    "\"near_misses\":1},\"clients\":5,\"sessions\":4,\"requests\":100,\"handshakes\":10,"
    "\"responses\":{\"5xx\":0},\"relay_messages\":0,"
    "\"reload\":{\"state\":\"booting\",\"slot\":1,\"done\":1,\"of\":3},"
    "\"drain\":{\"stage\":\"none\",\"since_s\":0},"
    "\"workers\":[{\"slot\":0,\"pid\":510,\"state\":\"ready\",\"uptime_s\":9,\"lag_s\":0.002,"
    "\"rss_b\":31457280,\"cpu_s\":1,\"sessions\":1,\"requests\":40,\"starts\":1},"
    "{\"slot\":1,\"pid\":511,\"state\":\"ready\",\"uptime_s\":9,\"lag_s\":0.2,\"rss_b\":20971520,"
    "\"cpu_s\":2,\"sessions\":3,\"requests\":60,\"starts\":3},"
    "{\"slot\":2,\"pid\":512,\"state\":\"dead\",\"lag_s\":0.01,\"rss_b\":41943040,\"starts\":1}],"
    "\"deaths\":[{\"ago_s\":3,\"slot\":2,\"pid\":9,\"reason\":\"exit\",\"code\":1,"
    "\"text\":\"exit code 1 after 3s\"}],"
    "\"history\":{\"step_s\":5,\"requests\":[0,1,2,3]},"
    "\"sidecars\":[{\"name\":\"shipper\",\"pid\":77,\"state\":\"running\",\"starts\":2}]}";

static void everything_is_shown(void **state)
{
	(void)state;
	answer(whole, 1000);
	draw();
	assert_non_null(strstr(screen[0], "sioinit 1.2.3 on pod-7  serving  up 2h"));
	assert_non_null(strstr(screen[1], "error: worker 2 hangs"));
	assert_non_null(strstr(screen[2], "warn: second"));
	assert_true(line_of("workers 2 of 3 ready  clients 5  sessions 4") > 0);
	assert_true(line_of("memory 100M of 200M [##########----------] 50%  1 near misses") > 0);
	assert_true(line_of("reload: booting slot 1, 1 of 3 done") > 0);
	assert_true(line_of("RESTARTS") > 0);
	assert_true(line_of("shipper") > line_of("SIDECAR"));
	assert_true(line_of("3s ago  slot 2  pid 9  exit code 1 after 3s") > line_of("shipper"));
	assert_non_null(strstr(screen[29], "q quit"));
}

static void rates_are_of_two_answers(void **state)
{
	(void)state;
	answer("{\"requests\":100,\"responses\":{\"5xx\":1},\"workers\":[{\"slot\":0,\"pid\":5,"
	       "\"cpu_s\":1,\"requests\":100}]}",
	       1000);
	answer("{\"requests\":150,\"responses\":{\"5xx\":0},\"workers\":[{\"slot\":0,\"pid\":5,"
	       "\"cpu_s\":1.5,\"requests\":120}]}",
	       3000);
	assert_true(data.rates[MONIT_REQUESTS] == 25);
	assert_true(data.rates[MONIT_ERRORS] == 0); /* counted anew */
	assert_true(data.workers[0].request_rate == 10);
	assert_true(data.workers[0].cpu_percent == 25);
	assert_int_equal(data.history[MONIT_REQUESTS].n, 1);
	for (int i = 0; i < MONIT_STEPS + 5; i++)
		answer("{}", 4000 + i * 1000);
	assert_int_equal(data.history[MONIT_REQUESTS].n, MONIT_STEPS);
}

static void what_is_no_answer_changes_nothing(void **state)
{
	static const char *const wrong[] = { "", "[]", "{", "null", "\"x\"", "{}x" };

	(void)state;
	answer(whole, 1000);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(monit_data_read(&data, str_of(wrong[i]), 2000), -EBADMSG);
	assert_int_equal(data.n_workers, 3);
}

static void values_of_wrong_types_are_none(void **state)
{
	(void)state;
	answer("{\"version\":7,\"host\":[],\"conditions\":{\"a\":1},\"workers\":[1,null,{\"slot\":"
	       "\"x\",\"state\":5}],\"deaths\":[[]],\"sidecars\":\"no\",\"history\":[],\"memory\":"
	       "1,\"requests\":1e308}",
	       1000);
	draw();
	assert_int_equal(data.n_workers, 3);
}

static void keys_sort_and_turn_round(void **state)
{
	(void)state;
	answer(whole, 1000);
	press("l");
	draw();
	assert_true(line_of(" 511 ") < line_of(" 512 ") && line_of(" 512 ") < line_of(" 510 "));
	press("m");
	draw();
	assert_true(line_of(" 512 ") < line_of(" 510 ") && line_of(" 510 ") < line_of(" 511 "));
	press("r");
	draw();
	assert_true(line_of(" 511 ") < line_of(" 510 "));
	press("s");
	draw();
	assert_true(line_of(" 511 ") < line_of(" 510 ") && line_of(" 510 ") < line_of(" 512 "));
	press("n");
	draw();
	assert_true(line_of(" 510 ") < line_of(" 511 ") && line_of(" 511 ") < line_of(" 512 "));
}

static void a_long_list_scrolls(void **state)
{
	struct buf json = BUF_INIT(ANSWER_MAX);

	(void)state;
	assert_int_equal(buf_printf(&json, "{\"workers\":[{\"slot\":0}"), 0);
	for (int i = 1; i < 200; i++)
		assert_int_equal(buf_printf(&json, ",{\"slot\":%d,\"pid\":%d}", i, 1000 + i), 0);
	assert_int_equal(buf_printf(&json, "]}%c", 0), 0);
	answer(json.p, 1000);
	buf_free(&json);
	draw();
	assert_true(line_of(" 1001 ") > 0 && line_of(" 1199 ") < 0);
	assert_true(line_of("1-20 of 200") == 29);
	press("\033[6~\033[B");
	draw();
	assert_true(line_of("22-41 of 200") == 29);
	press("\033[5~\033OA\033[A");
	draw();
	assert_true(line_of("1-20 of 200") == 29);
	for (int i = 0; i < 30; i++)
		press("\033[6~");
	draw();
	assert_true(line_of(" 1199 ") > 0 && line_of("181-200 of 200") == 29);
}

/* Also with every byte of a name that is no letter. */
static void nothing_leaves_its_place_in_any_window(void **state)
{
	(void)state;
	answer(whole, 1000);
	memset(data.host, '\033', 20);
	memset(data.conditions[0].text, 0x9b, MONIT_TEXT - 1);
	memset(data.deaths[0].text, '\n', MONIT_TEXT - 1);
	for (unsigned i = 1; i < MONIT_NAME; i++)
		data.sidecars[0].name[i - 1] = (char)(i * 7);
	for (view.rows = 1; view.rows <= 40; view.rows++)
		for (view.cols = 1; view.cols <= 120; view.cols += view.cols < 30 ? 1 : 9) {
			view.utf8 = view.cols % 2;
			draw();
			view.help = !view.help;
			draw();
		}
	view.rows = view.cols = 0;
	draw();
}

static void a_tiny_window_has_the_verdict_and_workers(void **state)
{
	(void)state;
	answer(whole, 1000);
	view.rows = 5;
	view.cols = 20;
	draw();
	assert_string_equal(screen[0], "sioinit 1.2.3 on pod");
	assert_string_equal(screen[1], "error: worker 2 hang");
	assert_string_equal(screen[2], "SLOT STATE       LAG");
	assert_string_equal(screen[3], "   0 ready       2ms");
	assert_string_equal(screen[4], "1-1 of 5  q quit  ? ");
}

static void without_colours_there_are_none(void **state)
{
	struct buf out = BUF_INIT(MONIT_FRAME_MAX);

	(void)state;
	answer(whole, 1000);
	view.colour = false;
	assert_int_equal(monit_screen_draw(&data, &view, &out), 0);
	assert_int_equal(buf_append(&out, "", 1), 0);
	assert_null(strstr(out.p, ";3"));
	assert_non_null(strstr(out.p, "\033[0;7m"));
	buf_free(&out);
}

static void who_does_not_answer_is_said(void **state)
{
	(void)state;
	view.sad = "no sioinit is running here, trying again";
	draw();
	assert_string_equal(screen[1], view.sad);
	answer(whole, 1000);
	draw();
	assert_string_equal(screen[1], view.sad);
	assert_true(line_of("shipper") > 0);
}

static void q_and_interrupt_leave(void **state)
{
	struct monit_keys k = { 0 };

	(void)state;
	assert_false(monit_keys_press(&k, 'q', &view));
	assert_false(monit_keys_press(&k, '\003', &view));
	assert_true(monit_keys_press(&k, '\033', &view));
	assert_true(monit_keys_press(&k, '[', &view));
	for (int i = 0; i < 50; i++)
		assert_true(monit_keys_press(&k, '1', &view));
	assert_false(monit_keys_press(&k, '\003', &view));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(everything_is_shown),
		TEST(rates_are_of_two_answers),
		TEST(what_is_no_answer_changes_nothing),
		TEST(values_of_wrong_types_are_none),
		TEST(keys_sort_and_turn_round),
		TEST(a_long_list_scrolls),
		TEST(nothing_leaves_its_place_in_any_window),
		TEST(a_tiny_window_has_the_verdict_and_workers),
		TEST(without_colours_there_are_none),
		TEST(who_does_not_answer_is_said),
		TEST(q_and_interrupt_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
