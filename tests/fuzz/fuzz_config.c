/* Settings: NUL-separated words, NAME=value for the environment and all else for argv. What is
 * accepted is printed so that it is accepted again, and means the same. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "settings/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { WORDS_MAX = 256, TEXT_MAX = 4096 };

struct words {
	char *list[WORDS_MAX + 1]; /* ends with NULL */
	int n;
};

static void add(struct words *w, char *word)
{
	if (w->n < WORDS_MAX)
		w->list[w->n++] = word;
	w->list[w->n] = NULL;
}

static bool is_variable(const char *word)
{
	return word[0] != '-' && strchr(word, '=');
}

/* Loads, and checks what is promised of a refusal. */
static bool load(struct words *env, struct words *args, struct config *ret)
{
	enum config_action action;
	char err[256] = "";
	int r = config_load(args->n, args->list, env->list, ret, &action, err, sizeof(err));

	if (r < 0 && err[0] == '\0')
		abort();
	if (r == 0 &&
	    (action == CONFIG_HELP || action == CONFIG_VERSION || action == CONFIG_COMPLETION))
		config_free(ret);
	return r == 0 && action != CONFIG_HELP && action != CONFIG_VERSION &&
	       action != CONFIG_COMPLETION;
}

/* The lines of `check` without their origins. */
static char *printed(const struct config *c)
{
	char *text = NULL, *kept, *at;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	config_print(c, f);
	(void)fclose(f);
	kept = at = text;
	while (*at) {
		char *end = strchr(at, '\n'), *origin = NULL;

		*end = '\0';
		for (char *p = at; (p = strstr(p, " (")); p++)
			origin = p;
		memmove(kept, at, (size_t)(origin - at));
		kept += origin - at;
		*kept++ = '\n';
		at = end + 1;
	}
	*kept = '\0';
	return text;
}

static void assert_reads_back(const struct config *c)
{
	static char program[] = "sioinit", run[] = "run";
	char *text = printed(c), *copy = strdup(text), *again, *save = NULL;
	struct words env = { 0 }, args = { .list = { program, run }, .n = 2 };
	struct config read;

	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		add(&env, line);
	if (!load(&env, &args, &read))
		abort();
	again = printed(&read);
	if (strcmp(text, again) != 0)
		abort();
	config_free(&read);
	free(again);
	free(copy);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static char text[TEXT_MAX + 1], program[] = "sioinit";
	struct words env = { 0 }, args = { .list = { program }, .n = 1 };
	struct config c;

	if (n > TEXT_MAX)
		return 0;
	if (n)
		memcpy(text, bytes, n);
	text[n] = '\0';
	for (char *word = text; word < text + n; word += strlen(word) + 1)
		add(is_variable(word) ? &env : &args, word);
	if (!load(&env, &args, &c))
		return 0;
	if (!memchr(text, '\n', n))
		assert_reads_back(&c);
	config_free(&c);
	return 0;
}
