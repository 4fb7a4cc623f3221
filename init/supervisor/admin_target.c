#include "init/supervisor/admin_target.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "init/supervisor/core.h"
#include "settings/ecosystem/ecosystem_name.h"

#include "base/ban.h"

enum { NAME_SIZE = 128 };

/* As pm2 names it where nobody does: the script without folders and extension. */
static void app_name(const struct init *in, char dst[static NAME_SIZE])
{
	const struct config *c = in->config;
	const char *script = c->command ? c->command[0] : c->app;
	const char *slash = strrchr(script, '/'), *base = slash ? slash + 1 : script,
		   *dot = strrchr(base, '.');

	if (c->app_name)
		(void)snprintf(dst, NAME_SIZE, "%s", c->app_name);
	else
		(void)snprintf(dst, NAME_SIZE, "%.*s",
			       dot && dot > base ? (int)(dot - base) : (int)strlen(base), base);
}

/* An app of an ecosystem file is a sidecar in small letters, and with _ for what a variable's name
 * cannot have. */
static bool is_sidecar(const char *name, const char *word)
{
	for (; *name && *word; name++, word++)
		if (*name != (isalnum((unsigned char)*word) ? tolower((unsigned char)*word) : '_'))
			return false;
	return *name == *word;
}

static bool find_sidecar(const struct init *in, const char *word, struct admin_target *ret)
{
	for (unsigned i = 0; i < in->sidecars.n; i++)
		if (is_sidecar(in->sidecars.list[i].what->name, word)) {
			*ret = (struct admin_target){ .kind = TARGET_SIDECAR,
						      .sidecar = in->sidecars.list[i].what->name };
			return true;
		}
	return false;
}

static bool find_slot(const struct init *in, const char *word, struct admin_target *ret)
{
	uint64_t number;
	struct slot *slot;

	if (str_to_u64(str_of(word), POOL_MAX, &number) < 0)
		return false;
	slot = pool_slot(&in->pool, (uint32_t)number);
	*ret = (struct admin_target){ .kind = TARGET_SLOT, .slot = slot };
	return slot;
}

bool admin_target_find(struct init *in, const char *word, struct admin_target *ret)
{
	char name[NAME_SIZE];

	app_name(in, name);
	*ret = (struct admin_target){ .kind = TARGET_APP };
	if (strcmp(word, name) == 0)
		return true;
	if (find_sidecar(in, word, ret) || find_slot(in, word, ret))
		return true;
	*ret = (struct admin_target){ .kind = TARGET_ALL };
	return strcmp(word, "all") == 0 || ecosystem_is_file(word);
}

int admin_target_say_unknown(struct init *in, const char *word, struct buf *out)
{
	char name[NAME_SIZE];
	int r;

	app_name(in, name);
	r = buf_printf(out, "no app or slot \"%.*s\" here, but %s", NAME_SIZE, word, name);
	for (unsigned i = 0; i < in->sidecars.n && r == 0; i++)
		r = buf_printf(out, ", %s", in->sidecars.list[i].what->name);
	return r == 0 ? buf_printf(out, " (sioinit status has the slots)\n") : r;
}
