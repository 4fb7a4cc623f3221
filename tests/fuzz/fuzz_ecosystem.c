/* pm2's ecosystem file. The first byte chooses JSON or YAML. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "settings/ecosystem/ecosystem.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check(const struct ecosystem_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (!l->items[i].name || !l->items[i].value || !l->items[i].key)
			abort();
}

static void check_all(const struct ecosystem *e)
{
	if (!e->app || e->command_len == 0 || e->command[e->command_len])
		abort();
	check(&e->settings);
	check(&e->env);
	check(&e->changed);
	check(&e->ignored);
	for (size_t i = 0; i < e->n_others; i++) {
		char name[SIDECAR_NAME_SIZE];

		ecosystem_other_name(e, i, name);
		if (strlen(name) < 1 || strlen(name) >= sizeof(name))
			abort();
		check_all(&e->others[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct ecosystem_request rq = { "eco", NULL, "production", NULL };
	struct ecosystem e;
	char err[512] = "";
	int r;

	if (n < 1)
		return 0;
	r = ecosystem_parse(&rq, bytes[0] == 'y' ? ECOSYSTEM_YAML : ECOSYSTEM_JSON,
			    (struct str){ (const char *)bytes + 1, n - 1 }, &e, err, sizeof(err));
	if (r < 0) {
		if (!err[0])
			abort();
		return 0;
	}
	check_all(&e);
	ecosystem_free(&e);
	return 0;
}
