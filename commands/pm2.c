#include "commands/pm2.h"

#include <stdio.h>

#include "commands/cli.h"
#include "settings/config.h"
#include "settings/pm2_words.h"

#include "base/ban.h"

enum { MISUSED = 2 };

int pm2_run(const struct config *c, char *const *words, size_t n)
{
	const struct pm2_word *w = pm2_word_find(words);
	char *ours[PM2_WORDS_MAX];

	if (w->kind == PM2_WORD_MEANS)
		return cli_run(c, ours, pm2_word_translate(w, words, n, ours));
	(void)fprintf(stderr, "sioinit %s: %s\n", words[0], w->text);
	return w->kind == PM2_WORD_NOTHING ? 0 : MISUSED;
}
