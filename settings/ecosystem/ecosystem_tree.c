/* JSON is jansson's matter. */
#include "settings/ecosystem/ecosystem_tree.h"

#include "base/ban.h"

json_t *ecosystem_tree_of_json(struct str text, char *err, size_t err_size)
{
	json_error_t e;
	json_t *tree = json_loadb(text.n ? text.p : "", text.n, 0, &e);

	if (!tree)
		(void)snprintf(err, err_size, "line %d, column %d: %s", e.line, e.column, e.text);
	return tree;
}
