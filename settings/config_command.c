/* The part of the shell's grammar (XCU 2.2, 2.3) that needs no shell. */
#include "settings/config_command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/ban.h"

static const char blanks[] = " \t";

/* Anywhere outside quotes; at the begin of a word; at the begin of the line. */
static const char marks[] = "|&;<>()$`\\*?[]\n", word_marks[] = "#~", line_marks[] = "!{";

static bool is_in(const char *set, char c)
{
	return c && strchr(set, c);
}

/* @p is outside quotes, in the line that begins at @begin. */
static bool is_for_shell(const char *begin, const char *p)
{
	bool in_first = p < begin + strcspn(begin, blanks);

	if (p == begin || is_in(blanks, p[-1]))
		return is_in(marks, *p) || is_in(word_marks, *p);
	return is_in(marks, *p) || (in_first && *p == '=');
}

bool config_command_wants_shell(const char *line)
{
	const char *begin = line + strspn(line, blanks);
	char quote = '\0';

	if (is_in(line_marks, *begin) || strncmp(begin, "exec ", 5) == 0)
		return true;
	for (const char *p = begin; *p; p++) {
		if (quote && *p == quote)
			quote = '\0';
		else if (!quote && (*p == '"' || *p == '\''))
			quote = *p;
		else if (quote == '"' ? is_in("$`\\", *p) : !quote && is_for_shell(begin, p))
			return true;
	}
	return false;
}

/* Copies the word at *@p to *@to and moves both behind it; false: a quote does not end. */
static bool take_word(const char **p, char **to)
{
	char quote = '\0';

	for (; **p && (quote || !is_in(blanks, **p)); (*p)++) {
		if (quote && **p == quote)
			quote = '\0';
		else if (!quote && (**p == '"' || **p == '\''))
			quote = **p;
		else
			*(*to)++ = **p;
	}
	*(*to)++ = '\0';
	return !quote;
}

int config_command_split(const char *line, char ***ret)
{
	size_t len = strlen(line), words_max = len / 2 + 2, n = 0;
	char **words = malloc(words_max * sizeof(*words) + len + 1), *to;
	bool ends = true;

	if (!words)
		return -ENOMEM;
	to = (char *)(words + words_max);
	while (*(line += strspn(line, blanks))) {
		words[n++] = to;
		ends = take_word(&line, &to);
	}
	words[n] = NULL;
	if (n == 0 || !ends) {
		free(words);
		return -EINVAL;
	}
	*ret = words;
	return 0;
}

static bool is_safe(const char *word)
{
	for (const char *p = word; *p; p++)
		if ((unsigned char)*p <= ' ' || is_in("|&;<>()$`\\*?[]#~=!{}%\"'", *p))
			return false;
	return *word;
}

void config_command_print_word(const char *word, FILE *out)
{
	if (is_safe(word)) {
		(void)fputs(word, out);
		return;
	}
	(void)fputc('\'', out);
	for (const char *p = word; *p; p++)
		(void)fputs(*p == '\'' ? "'\"'\"'" : (char[]){ *p, '\0' }, out);
	(void)fputc('\'', out);
}

void config_command_print(char *const *words, FILE *out)
{
	for (char *const *w = words; *w; w++) {
		if (w != words)
			(void)fputc(' ', out);
		config_command_print_word(*w, out);
	}
}
