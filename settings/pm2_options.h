/* pm2's and pm2-runtime's own options, as `sioinit start` and an ecosystem file on the command line
 * take them: what each is here is one row of a table (pm2_options.c). Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { PM2_SAID_MAX = 32 };

enum pm2_option_kind {
	PM2_OPTION_KEY,     /* a key of the app's, as in an ecosystem file */
	PM2_OPTION_SETTING, /* a setting of sioinit's */
	PM2_OPTION_NOTHING, /* without effect, and text says why */
	PM2_OPTION_SILENT,  /* is so anyway */
	PM2_OPTION_REFUSED, /* the app would not be what was asked for */
};

enum pm2_option_value {
	PM2_VALUE_NONE,
	PM2_VALUE_ONE,
	PM2_VALUE_PERHAPS, /* the next word, unless it is an option */
	PM2_VALUE_NUMBER,  /* the next word, if it is a number */
};

struct pm2_option {
	const char *name; /* without the dashes */
	char letter;      /* of the short form, or NUL */
	enum pm2_option_value value;
	enum pm2_option_kind kind;
	const char *what;  /* the key or setting */
	const char *fixed; /* its value: NULL is what was said, a %s in it stands for that */
	const char *text;  /* why it has no effect or is refused */
	bool list;         /* a key of several values, separated by commas or said several times */
	bool in_file;      /* a key that counts for the app of an ecosystem file, too */
};

struct pm2_said {
	const struct pm2_option *option;
	const char *value; /* borrowed from argv; NULL: none */
};

/* What pm2 is called with: `start`, or its options alone. Borrowed from argv. */
struct pm2_call {
	bool start;         /* the word was said: what pm2 has for a default holds */
	const char *script; /* a file, a program or a line of a shell's; NULL: it is no such call */
	char *const *args;  /* the app's own, ends with NULL */
	struct pm2_said said[PM2_SAID_MAX];
	size_t n;
};

/* The option that @word is, "--name", "--name=VALUE" or "-n"; or NULL. */
const struct pm2_option *pm2_option_find(const char *word);

/* "-i" and "--instances", which no app's own options are likely to be. */
bool pm2_option_is_instances(const char *word);

/* How many of @n words from argv[0] on are an option with its value; 0: it is none. */
size_t pm2_option_length(char *const *argv, size_t n);

/* Takes the option argv[*i] with its value and moves *i to its last word. False: @err says why. */
bool pm2_option_take(struct pm2_call *call, int argc, char *const *argv, int *i, char *err,
		     size_t err_size);

/* The value that it gives its key or setting; "" where there is none. */
void pm2_said_value(const struct pm2_said *said, char *dst, size_t size);

/* Whether the app's own keys were said. */
bool pm2_call_has_keys(const struct pm2_call *call);

/* A row; false: @i is behind the last. For the documents. */
bool pm2_option(size_t i, const struct pm2_option **ret);

/* What the row is here, one sentence without its full stop. */
void pm2_option_say(const struct pm2_option *o, FILE *out);
