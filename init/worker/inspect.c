#include "init/worker/inspect.h"

#include <stdint.h>
#include <string.h>

#include "base/macros.h"
#include "base/str.h"

#include "base/ban.h"

enum { PORT_DEFAULT = 9229, PORT_MIN = 1024, PORT_MAX = 65535 };

struct asked {
	size_t at; /* the word behind the last one that asks, 0: none asks */
	bool asks;
	unsigned port;
};

static const struct str inspect = { "--inspect", 9 }, debug_port = { "--debug-port", 12 },
			publish = { "--inspect-publish-uid", 21 };

static bool asks(struct str word)
{
	return (str_has_prefix(word, inspect) && !str_has_prefix(word, publish)) ||
	       str_has_prefix(word, debug_port);
}

/* PORT, HOST:PORT or [HOST]:PORT; a host alone is at the default port. */
static void read_port(struct str place, unsigned *port)
{
	struct str digits = place;
	uint64_t n;

	*port = PORT_DEFAULT;
	for (size_t i = place.n; i > 0; i--)
		if (place.p[i - 1] == ':') {
			digits = (struct str){ place.p + i, place.n - i };
			break;
		}
	if (str_to_u64(digits, PORT_MAX, &n) == 0)
		*port = (unsigned)n;
}

/* @next is its value where it has none of its own. */
static void look_at(struct str word, struct str next, struct asked *a)
{
	const char *eq = memchr(word.p, '=', word.n);
	struct str name = eq ? (struct str){ word.p, (size_t)(eq - word.p) } : word;
	bool wants_next = str_eq(name, STR("--inspect-port")) || str_eq(name, debug_port);

	if (!asks(word))
		return;
	a->asks = true;
	if (eq)
		read_port((struct str){ eq + 1, word.n - name.n - 1 }, &a->port);
	else if (wants_next)
		read_port(next, &a->port);
}

static struct str next_word(const char **at)
{
	size_t n;

	*at += strspn(*at, " ");
	n = strcspn(*at, " ");
	*at += n;
	return (struct str){ *at - n, n };
}

static void look_at_options(const char *options, struct asked *a)
{
	struct str word = next_word(&options);

	while (word.n) {
		struct str next = next_word(&options);

		look_at(word, next, a);
		word = next;
	}
}

/* Options whose value may be the next word. */
static bool takes_next(const char *word)
{
	static const char *const names[] = {
		"-r",
		"--require",
		"--import",
		"--loader",
		"--experimental-loader",
		"-C",
		"--conditions",
		"--inspect-port",
		"--debug-port",
		"--title",
		"--env-file",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(word, names[i]) == 0)
			return true;
	return false;
}

/* Up to the script: what follows is the app's. */
static void look_at_words(char *const *argv, struct asked *a)
{
	for (size_t i = 1; argv[i] && argv[i][0] == '-'; i++) {
		bool has_next = takes_next(argv[i]) && argv[i + 1];

		look_at(str_of(argv[i]), has_next ? str_of(argv[i + 1]) : STR(""), a);
		if (asks(str_of(argv[i])))
			a->at = i + 1 + has_next;
		i += has_next;
	}
}

unsigned inspect_port(char *const *argv, const char *node_options, unsigned slot)
{
	struct asked a = { .port = PORT_DEFAULT };
	unsigned port;

	if (node_options)
		look_at_options(node_options, &a);
	if (argv)
		look_at_words(argv, &a);
	if (!a.asks || a.port == 0 || slot == 0)
		return 0;
	port = a.port + slot;
	return port > PORT_MAX ? port - PORT_MAX + PORT_MIN - 1 : port;
}

bool inspect_put(char **argv, char *word)
{
	struct asked a = { 0 };
	size_t n = 0;

	look_at_words(argv, &a);
	if (!a.at)
		return false;
	while (argv[n])
		n++;
	memmove(&argv[a.at + 1], &argv[a.at], (n - a.at + 1) * sizeof(*argv));
	argv[a.at] = word;
	return true;
}
