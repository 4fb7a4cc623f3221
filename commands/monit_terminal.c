/* termios(3) and a few sequences of xterm's that all terminals of today know. */
#include "commands/monit_terminal.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/ban.h"

static const char enter[] = "\033[?1049h\033[?25l\033[0m\033[2J",
		  leave[] = "\033[0m\033[?25h\033[?1049l";

bool monit_terminal_write(const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t k = write(STDOUT_FILENO, bytes, n);

		if (k < 0 && errno != EINTR)
			return false;
		bytes += k > 0 ? k : 0;
		n -= k > 0 ? (size_t)k : 0;
	}
	return true;
}

int monit_terminal_take(struct monit_terminal *t)
{
	struct termios raw;

	if (!t->taken && tcgetattr(STDIN_FILENO, &t->before) < 0)
		return -errno;
	raw = t->before;
	cfmakeraw(&raw);
	raw.c_oflag = t->before.c_oflag; /* what is logged by others keeps its line ends */
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) < 0)
		return -errno;
	t->taken = true;
	return monit_terminal_write(enter, strlen(enter)) ? 0 : -EIO;
}

void monit_terminal_give_back(struct monit_terminal *t)
{
	if (!t->taken)
		return;
	t->taken = false;
	(void)monit_terminal_write(leave, strlen(leave));
	(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &t->before);
}

void monit_terminal_size(unsigned *ret_rows, unsigned *ret_cols)
{
	struct winsize size = { 0 };

	(void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	*ret_rows = size.ws_row ? size.ws_row : 24;
	*ret_cols = size.ws_col ? size.ws_col : 80;
}
