/* See monit_painter.h. */
#include "commands/monit_painter.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/ban.h"

enum { VALUE_MAX = 512 };

/* Select graphic rendition, with colours and without. */
static const char *const styles[N_STYLES][2] = {
	[PLAIN] = { "0", "0" },          [TITLE] = { "0;7", "0;7" }, [HEAD] = { "0;1", "0;1" },
	[CHOSEN] = { "0;1;4", "0;1;4" }, [GOOD] = { "0;32", "0" },   [WARN] = { "0;33", "0;1" },
	[BAD] = { "0;1;31", "0;1" },     [FAINT] = { "0;2", "0" },
};

static void put_bytes(struct painter *p, const char *bytes, size_t n)
{
	if (p->r == 0)
		p->r = buf_append(p->out, bytes, n);
}

static void put_code(struct painter *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void put_code(struct painter *p, const char *format, ...)
{
	char code[32];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(code, sizeof(code), format, args);
	va_end(args);
	put_bytes(p, code, (size_t)n);
}

void painter_glyph(struct painter *p, const char *bytes)
{
	if (p->col >= p->view->cols)
		return;
	p->col++;
	put_bytes(p, bytes, strlen(bytes));
}

static void put_escaped(struct painter *p, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	const char code[] = { '\\', 'x', digits[c >> 4], digits[c & 15] };

	for (size_t i = 0; i < sizeof(code); i++)
		painter_glyph(p, (const char[]){ code[i], '\0' });
}

static void set_style(struct painter *p, enum style s)
{
	if (p->style != s)
		put_code(p, "\033[%sm", styles[s][p->view->colour ? 0 : 1]);
	p->style = s;
}

void paint(struct painter *p, enum style style, const char *format, ...)
{
	char text[VALUE_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	set_style(p, style);
	for (const char *at = text; *at; at++) {
		if (*at >= ' ' && *at <= '~')
			painter_glyph(p, (const char[]){ *at, '\0' });
		else
			put_escaped(p, (unsigned char)*at);
	}
}

void painter_begin_line(struct painter *p)
{
	p->col = 0;
	put_code(p, "\033[%u;1H", ++p->row);
}

/* A line that is full to the edge has nothing to erase, and would lose its last character. */
void painter_end_line(struct painter *p)
{
	set_style(p, PLAIN);
	if (p->col < p->view->cols)
		put_code(p, "\033[K");
}

void painter_fill_line(struct painter *p)
{
	while (p->col < p->view->cols)
		painter_glyph(p, " ");
	painter_end_line(p);
}
