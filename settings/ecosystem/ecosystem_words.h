/* A command's words. init/ecosystem*.c only. */
#pragma once

#include "base/str.h"

struct ecosystem_words {
	char **list; /* owned; ends with NULL once there is a word */
	size_t n;
};

/* A copy of @word. 0, -ENOMEM. */
int ecosystem_words_add(struct ecosystem_words *w, struct str word);

/* Adds the words of a text as pm2 splits args: at blanks, not within "..." and '...'; a word that
 * is wholly quoted loses its quotes, NAME="..." keeps them. 0, -ENOMEM. */
int ecosystem_words_split(struct ecosystem_words *w, const char *text);

void ecosystem_words_free(struct ecosystem_words *w);
