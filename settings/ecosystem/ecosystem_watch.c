/* pm2's watch: folders and patterns are settings; what node would match by itself is refused, since
 * an app that writes where it is watched would never come to rest. */
#include <string.h>

#include "base/buf.h"
#include "settings/ecosystem/ecosystem_reader.h"

#include "base/ban.h"

enum { LIST_MAX = 8192 };

void ecosystem_take_watch(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	(void)k;
	r->watch = json_is_false(v) ? NULL : v;
}

void ecosystem_take_ignore_watch(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	(void)k;
	r->ignore_watch = v;
}

void ecosystem_take_watch_options(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	r->watch_options = v;
	if (r->watch_options && !json_object_get(v, "ignored"))
		ecosystem_add(r, &r->eco->ignored, r->key, k->text, r->key);
}

/* As sioinit names it: ./logs/ is logs. False: @v is no text that can stand in a list. */
static bool add_path(struct buf *list, const json_t *v)
{
	const char *path = json_string_value(v);
	size_t n;

	if (!path || !*path || strchr(path, ','))
		return false;
	while (strncmp(path, "./", 2) == 0 && path[2])
		path += 2;
	n = strlen(path);
	while (n > 1 && path[n - 1] == '/')
		n--;
	return buf_printf(list, "%s%.*s", list->len ? "," : "", (int)n, path) == 0;
}

/* A text or a list of texts as a setting. */
static void set_list(struct ecosystem_reader *r, const char *setting, const json_t *v)
{
	struct buf list = BUF_INIT(LIST_MAX);
	bool good = json_is_array(v) || add_path(&list, v);

	for (size_t i = 0; i < json_array_size(v) && good; i++)
		good = add_path(&list, json_array_get(v, i));
	if (!good || buf_append(&list, "", 1) < 0)
		ecosystem_fail(r, "%s: not a path or a list of paths (no regular expressions)",
			       r->key);
	else if (list.len > 1)
		ecosystem_set(r, setting, list.p);
	buf_free(&list);
}

void ecosystem_settle_watch(struct ecosystem_reader *r)
{
	if (!r->watch)
		return;
	r->key = "watch";
	if (json_is_true(r->watch) || (json_is_array(r->watch) && json_array_size(r->watch) == 0))
		ecosystem_set(r, "watch", ".");
	else
		set_list(r, "watch", r->watch);
	if (!r->beside)
		ecosystem_add(r, &r->eco->changed, r->key,
			      "workers are replaced one by one, without a gap", r->key);
	r->key = "ignore_watch";
	if (r->ignore_watch)
		set_list(r, "watch-ignore", r->ignore_watch);
	if (json_object_get(r->watch_options, "ignored"))
		ecosystem_fail(r,
			       "watch_options.ignored: write it as ignore_watch, a list of paths "
			       "and patterns");
}
