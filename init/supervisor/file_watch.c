/* One inotify watch per folder (uv_fs_event_t does not descend). After a change the tree is walked
 * again, since folders may have come and gone. */
#include "init/supervisor/file_watch.h"

#include <dirent.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/log.h"
#include "base/macros.h"
#include "init/supervisor/core.h"

#include "base/ban.h"

enum { FOLDERS_MAX = 4096, SETTLE_MS = 100, PATH_BUF = 4096 };

struct watched_folder {
	struct watched_folder *next;
	uv_fs_event_t event;
};

static void walk(struct init *in, const char *path);

/* False: too long. */
static bool join(const char *folder, const char *name, char ret[static PATH_BUF])
{
	if (strcmp(folder, ".") == 0)
		return snprintf(ret, PATH_BUF, "%s", name) < PATH_BUF;
	return snprintf(ret, PATH_BUF, "%s/%s", folder, name) < PATH_BUF;
}

static void on_closed(uv_handle_t *h)
{
	free(container_of((uv_fs_event_t *)h, struct watched_folder, event));
}

/* One of the patterns is for the name, or for the whole path. */
static bool is_ignored(const char *patterns, const char *path, const char *name)
{
	char pattern[PATH_BUF];

	while (patterns && *patterns) {
		size_t n = strcspn(patterns, ",");

		(void)snprintf(pattern, sizeof(pattern), "%.*s", (int)n, patterns);
		if (fnmatch(pattern, name, 0) == 0 || fnmatch(pattern, path, 0) == 0)
			return true;
		patterns += n + (patterns[n] == ',');
	}
	return false;
}

static bool is_left_out(const struct init *in, const char *folder, const char *name)
{
	char path[PATH_BUF];

	if (name[0] == '.' || strcmp(name, "node_modules") == 0)
		return true;
	join(folder, name, path);
	return is_ignored(in->config->watch_ignore, path, name);
}

static void on_change(uv_fs_event_t *e, const char *name, int events, int status)
{
	struct init *in = e->data;
	char folder[PATH_BUF];
	size_t size = sizeof(folder);

	(void)events;
	if (status < 0 ||
	    (name && uv_fs_event_getpath(e, folder, &size) == 0 && is_left_out(in, folder, name)))
		return;
	(void)uv_timer_again(&in->file_watch.settle);
}

static void watch_folder(struct init *in, const char *path)
{
	struct watched_folder *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return;
	(void)uv_fs_event_init(&in->loop, &f->event);
	f->event.data = in;
	r = uv_fs_event_start(&f->event, on_change, path, 0);
	if (r < 0) {
		log_warn(SIO_404, "init: SIOINIT_WATCH: %s: %s", path, uv_strerror(r));
		uv_close((uv_handle_t *)&f->event, on_closed);
		return;
	}
	LL_PREPEND(in->file_watch.folders, f);
	in->file_watch.n++;
}

static void walk_children(struct init *in, const char *path, DIR *dir)
{
	struct dirent *e;

	while ((e = readdir(dir))) {
		char child[PATH_BUF];

		if (e->d_type != DT_DIR || is_left_out(in, path, e->d_name))
			continue;
		if (join(path, e->d_name, child))
			walk(in, child);
	}
}

static void walk(struct init *in, const char *path)
{
	DIR *dir;

	if (in->file_watch.n == FOLDERS_MAX)
		return;
	watch_folder(in, path);
	dir = opendir(path);
	if (!dir)
		return;
	walk_children(in, path, dir);
	(void)closedir(dir);
}

static void walk_all(struct init *in)
{
	char path[PATH_BUF];

	for (const char *s = in->config->watch; *s;) {
		size_t n = strcspn(s, ",");

		(void)snprintf(path, sizeof(path), "%.*s", (int)n, s);
		walk(in, path);
		s += n + (s[n] == ',');
	}
}

static void forget_all(struct init *in)
{
	struct watched_folder *f;

	while ((f = in->file_watch.folders)) {
		LL_DELETE(in->file_watch.folders, f);
		uv_close((uv_handle_t *)&f->event, on_closed);
	}
	in->file_watch.n = 0;
}

static void on_settled(uv_timer_t *t)
{
	struct init *in = t->data;

	(void)uv_timer_stop(t);
	forget_all(in);
	walk_all(in);
	log_info("init: files have changed");
	reload_all(&in->pool);
}

void file_watch_start(struct init *in)
{
	uv_timer_t *t = &in->file_watch.settle;

	if (!in->config->watch)
		return;
	(void)uv_timer_init(&in->loop, t);
	t->data = in;
	(void)uv_timer_start(t, on_settled, SETTLE_MS, SETTLE_MS);
	(void)uv_timer_stop(t);
	walk_all(in);
}

void file_watch_stop(struct init *in)
{
	if (!in->config->watch || !in->file_watch.settle.loop)
		return;
	(void)uv_timer_stop(&in->file_watch.settle);
	forget_all(in);
}
