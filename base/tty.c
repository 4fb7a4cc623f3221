#include "base/tty.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/macros.h"

#include "base/ban.h"

enum { USUAL_COLUMNS = 80 };

static bool is_said(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

static bool is_said_but(const char *name, const char *other)
{
	const char *value = getenv(name);

	return value && *value && strcmp(value, other) != 0;
}

bool tty_rewrites(int fd)
{
	return isatty(fd) && is_said_but("TERM", "dumb");
}

bool tty_has_colours(int fd)
{
	if (is_said("NO_COLOR"))
		return false;
	return is_said_but("CLICOLOR_FORCE", "0") || is_said_but("FORCE_COLOR", "0") ||
	       tty_rewrites(fd);
}

unsigned tty_columns(int fd)
{
	struct winsize size = { 0 };

	return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : USUAL_COLUMNS;
}

const char *tty_slot_colour(unsigned slot)
{
	static const char *const codes[] = { "36", "35", "34", "32", "96", "95", "94", "92" };

	return codes[slot % ARRAY_LEN(codes)];
}
