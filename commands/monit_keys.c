/* Keys by table. A sequence of ECMA-48 ends with a letter or ~; a lone ESC is forgotten with the
 * next key. */
#include "commands/monit_keys.h"

#include <string.h>

#include "base/macros.h"

#include "base/ban.h"

enum { LINE = 1, PAGE = 0 };

static void scroll(struct monit_view *v, int direction, size_t by)
{
	size_t n = by ? by : v->page;

	if (direction > 0)
		v->scroll += n; /* monit_screen_draw() brings it back */
	else
		v->scroll -= n < v->scroll ? n : v->scroll;
}

static void up(struct monit_view *v, int arg)
{
	scroll(v, -1, (size_t)arg);
}

static void down(struct monit_view *v, int arg)
{
	scroll(v, 1, (size_t)arg);
}

static void sort(struct monit_view *v, int arg)
{
	v->sort = (enum monit_sort)arg;
	v->reversed = false;
	v->scroll = 0;
}

static void reverse(struct monit_view *v, int arg)
{
	(void)arg;
	v->reversed = !v->reversed;
}

static void help(struct monit_view *v, int arg)
{
	(void)arg;
	v->help = !v->help;
}

static const struct {
	const char *typed;
	void (*act)(struct monit_view *v, int arg); /* NULL: leaves */
	int arg;
} keys[] = {
	{ "q", NULL, 0 },
	{ "\003", NULL, 0 },
	{ "k", up, LINE },
	{ "\033[A", up, LINE },
	{ "\033OA", up, LINE },
	{ "j", down, LINE },
	{ "\033[B", down, LINE },
	{ "\033OB", down, LINE },
	{ "\033[5~", up, PAGE },
	{ "\033[6~", down, PAGE },
	{ "n", sort, MONIT_BY_SLOT },
	{ "l", sort, MONIT_BY_LAG },
	{ "m", sort, MONIT_BY_MEMORY },
	{ "c", sort, MONIT_BY_CPU },
	{ "s", sort, MONIT_BY_SESSIONS },
	{ "r", reverse, 0 },
	{ "?", help, 0 },
	{ "h", help, 0 },
};

static bool press(const char *typed, struct monit_view *v)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (strcmp(keys[i].typed, typed) != 0)
			continue;
		if (!keys[i].act)
			return false;
		keys[i].act(v, keys[i].arg);
	}
	return true;
}

/* ESC, then [ or O, then digits and semicolons. */
static bool is_whole(const char *sequence, size_t n)
{
	char last = sequence[n - 1];

	if (n == 1)
		return last != '\033';
	return n == 2 ? last != '[' && last != 'O' : last >= '@' && last <= '~';
}

bool monit_keys_press(struct monit_keys *k, char byte, struct monit_view *v)
{
	if (byte == '\033' || byte == '\003' || k->n == sizeof(k->sequence) - 1)
		k->n = 0;
	k->sequence[k->n++] = byte;
	k->sequence[k->n] = '\0';
	if (!is_whole(k->sequence, k->n))
		return true;
	k->n = 0;
	return press(k->sequence, v);
}
