/* Happy path: the reader ends with 0, what it has written is compared with what is in force, what
 * can change changes, the workers are replaced. */
#include "init/supervisor/settings_reload.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "init/supervisor/core.h"
#include "init/system/cpus.h"
#include "init/system/notify.h"
#include "settings/config_reload.h"

#include "base/ban.h"

/* Deciding */

static void say_broken(struct init *in, const char *why)
{
	log_error(SIO_416, "init: nothing is reloaded: %s", why);
	notify_reloading(); /* for which Type=notify-reload waits */
	status_line_reloaded(in, false);
	in->settings.on_refused(in);
}

static void say_unread(struct init *in, int err)
{
	char why[512];

	(void)snprintf(why, sizeof(why), "settings file %s (SIOINIT_CONFIG): %s",
		       in->config->config_file, file_reader_error(err));
	say_broken(in, why);
}

static void scale_anew(struct init *in)
{
	struct cpus cpus;

	cpus_detect("", &cpus);
	pool_scale(&in->pool, cpus_workers(in->config, &cpus));
}

static void on_change(const struct config_change *change, void *ctx)
{
	struct init *in = ctx;

	if (change->when == CONFIG_AT_RESTART)
		log_warn(SIO_417, "init: settings: %s has changed: needs a restart of sioinit",
			 change->name);
	else
		log_info("init: settings: %s=\"%s\", was \"%s\"%s", change->name, change->after,
			 change->before,
			 change->when == CONFIG_FOR_NEW_WORKERS ? ": for new workers" : "");
	if (strcmp(change->name, "SIOINIT_WORKERS") == 0)
		scale_anew(in);
	if (strcmp(change->name, "SIOINIT_LOG_LEVEL") == 0)
		log_set_level((enum log_level)in->config->log_level);
}

static void apply(struct init *in, struct str text)
{
	char err[512] = "out of memory";
	int n = config_reload(in->settings.config, text, on_change, in, err, sizeof(err));

	if (n < 0) {
		say_broken(in, err);
		return;
	}
	if (n == 0)
		log_info("init: settings: nothing has changed in %s", in->config->config_file);
	reload_all(&in->pool);
}

static void apply_read(struct init *in)
{
	size_t n = 0;
	char *text = file_reader_text(&in->settings.reader, &n);

	if (text)
		apply(in, (struct str){ text, n });
	else
		say_unread(in, ENOMEM);
	free(text);
}

bool settings_reload_ended(struct init *in, pid_t pid, int status)
{
	struct settings_reload *s = &in->settings;
	int err;

	if (!file_reader_ended(&s->reader, pid, status, &err))
		return false;
	if (shutdown_has_begun(in))
		in->settings.on_refused(in);
	else if (s->again)
		settings_reload(in);
	else if (err)
		say_unread(in, err);
	else
		apply_read(in);
	if (s->reader.pid == 0)
		file_reader_drop(&s->reader);
	return true;
}

void settings_reload(struct init *in)
{
	struct settings_reload *s = &in->settings;
	int err;

	admin_token_reload(&in->admin_token);
	if (!in->config->config_file) {
		reload_all(&in->pool);
		return;
	}
	s->again = s->reader.pid > 0;
	if (s->again)
		return;
	err = file_reader_start(&s->reader, in->config->config_file, CONFIG_FILE_MAX);
	if (err < 0)
		say_unread(in, -err);
}

void settings_reload_init(struct init *in, struct config *c, void (*on_refused)(struct init *in))
{
	in->settings = (struct settings_reload){ .config = c, .on_refused = on_refused };
	file_reader_init(&in->settings.reader, &in->loop);
}
