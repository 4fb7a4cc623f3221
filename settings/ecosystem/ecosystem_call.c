#include "settings/ecosystem/ecosystem_call.h"

#include <errno.h>
#include <string.h>

#include "settings/ecosystem/ecosystem.h"
#include "settings/ecosystem/ecosystem_tree.h"

#include "base/ban.h"

enum { VALUE_MAX_BYTES = 4096 };

static int add_to_list(json_t *app, const char *key, const char *values)
{
	json_t *list = json_object_get(app, key);
	int r = 0;

	if (!list) {
		list = json_array();
		r = json_object_set_new(app, key, list);
	}
	while (*values && r == 0) {
		size_t n = strcspn(values, ",");

		r = json_array_append_new(list, json_stringn(values, n));
		values += n + (values[n] == ',');
	}
	return r;
}

static int add_key(json_t *app, const struct pm2_said *said)
{
	const struct pm2_option *o = said->option;
	char value[VALUE_MAX_BYTES];

	pm2_said_value(said, value, sizeof(value));
	if (o->list)
		return add_to_list(app, o->what, value);
	if (o->value == PM2_VALUE_NONE)
		return json_object_set_new(app, o->what, json_boolean(value[0] == 't'));
	return json_object_set_new(app, o->what, json_string(value));
}

static int add_keys(json_t *app, const struct pm2_call *call, bool from_file)
{
	int r = 0;

	for (size_t i = 0; i < call->n && r == 0; i++)
		if (call->said[i].option->kind == PM2_OPTION_KEY &&
		    (!from_file || call->said[i].option->in_file))
			r = add_key(app, &call->said[i]);
	return r == 0 ? 0 : -ENOMEM;
}

int ecosystem_add_call(json_t *app, const struct pm2_call *call)
{
	return add_keys(app, call, true);
}

json_t *ecosystem_tree_of_call(const struct pm2_call *call)
{
	json_t *app = json_object(), *args = json_array();
	int r = json_object_set_new(app, "script", json_string(call->script));

	for (char *const *arg = call->args; *arg && r == 0; arg++)
		r = json_array_append_new(args, json_string(*arg));
	if (json_object_set_new(app, "args", args) < 0 || r < 0 || add_keys(app, call, false) < 0) {
		json_decref(app);
		return NULL;
	}
	return app;
}
