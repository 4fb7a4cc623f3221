/* The tables of docs/settings.md. A new setting is in the group of the row before it. */
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "settings/config_reload.h"
#include "settings/config_table.h"

#include "base/ban.h"

/* Each from the setting that begins it to the next one's. */
static const struct {
	const char *first, *title;
} groups[] = {
	{ "config", "Where settings and the app come from" },
	{ "workers", "Workers, and where they serve" },
	{ "admin", "Looking in from outside" },
	{ "serialization", "What workers say to each other" },
	{ "restart", "Starts and restarts" },
	{ "shutdown-delay", "The stop" },
	{ "ping-interval", "Workers that hang" },
	{ "relay-memory", "Memory and age" },
	{ "header-timeout", "Timeouts of requests" },
	{ "max-connections", "Limits for clients" },
	{ "trusted-proxies", "Behind a proxy, and what is noted of requests" },
	{ "dispatch", "How workers are reached" },
	{ "balance", "Which worker a client gets" },
	{ "instance-var", "Which of the instances a worker is" },
	{ "pre-start", "Commands before and beside the workers" },
	{ "user", "Rights and limits of the processes" },
	{ "watch", "While developing" },
	{ "log-level", "Logs" },
};

static const char *title_before(const struct setting *s)
{
	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		if (strcmp(groups[i].first, s->name) == 0)
			return groups[i].title;
	return NULL;
}

/* What Markdown would take for its own. */
static void put_text(const char *text, FILE *out)
{
	for (; *text; text++) {
		if (strchr("|*<>", *text))
			(void)fputc('\\', out);
		(void)fputc(*text, out);
	}
}

static void put_values(const struct setting *s, FILE *out)
{
	const char *const *words = config_words(s->parse);

	if (!words)
		put_text(s->value, out);
	for (size_t i = 0; words && words[i]; i++)
		(void)fprintf(out, "%s`%s`", i ? ", " : "", words[i]);
}

static void put_meaning(const struct setting *s, FILE *out)
{
	put_text(s->help, out);
	for (size_t a = 0; a < ARRAY_LEN(s->aliases) && s->aliases[a].env; a++)
		(void)fprintf(out, "%s`%s`%s%s", a ? ", " : "; also ", s->aliases[a].env,
			      s->aliases[a].unit ? " in " : "",
			      s->aliases[a].unit ? s->aliases[a].unit : "");
	if (config_reload_when(s->name) != CONFIG_AT_RESTART)
		(void)fputs("; **can change while sioinit runs**", out);
}

void config_print_markdown(FILE *out)
{
	for (size_t i = 0; i < config_n_rows; i++) {
		const struct setting *s = &config_table[i];
		const char *title = title_before(s);
		char name[NAME_MAX_BYTES];

		if (title)
			(void)fprintf(out,
				      "\n## %s\n\n| setting | default | values | meaning |\n"
				      "|---|---|---|---|\n",
				      title);
		setting_env_name(s, name);
		(void)fprintf(out, s->dflt[0] ? "| `%s` | `%s` | " : "| `%s` | %s | ", name,
			      s->dflt);
		put_values(s, out);
		(void)fputs(" | ", out);
		put_meaning(s, out);
		(void)fputs(" |\n", out);
	}
	(void)fputc('\n', out);
}
