/* YAML as a JSON tree. libyaml composes the document; aliases are expanded here, and a document
 * that becomes too large or too deep by that is refused. */
#include <errno.h>
#include <stdlib.h>
#include <yaml.h>

#include "base/macros.h"
#include "settings/ecosystem/ecosystem_tree.h"

#include "base/ban.h"

enum { DEPTH_MAX = 64, NODES_MAX = 100000 };

struct converter {
	yaml_document_t *document;
	unsigned nodes, depth;
	const char *wrong; /* a static text */
	yaml_mark_t where;
};

static json_t *fail(struct converter *c, const yaml_node_t *node, const char *wrong)
{
	if (!c->wrong) {
		c->wrong = wrong;
		if (node)
			c->where = node->start_mark;
	}
	return NULL;
}

static const struct {
	const char *word;
	json_type type;
} constants[] = {
	{ "", JSON_NULL },       { "~", JSON_NULL },      { "null", JSON_NULL },
	{ "Null", JSON_NULL },   { "NULL", JSON_NULL },   { "true", JSON_TRUE },
	{ "True", JSON_TRUE },   { "TRUE", JSON_TRUE },   { "false", JSON_FALSE },
	{ "False", JSON_FALSE }, { "FALSE", JSON_FALSE },
};

static json_t *constant(json_type type)
{
	if (type == JSON_NULL)
		return json_null();
	return json_boolean(type == JSON_TRUE);
}

/* @text is NUL-terminated. NULL: it is no integer of YAML 1.2, or too large for one. */
static json_t *integer(const char *text)
{
	static const struct {
		const char *prefix, *digits;
		int base;
	} forms[] = { { "0x", "0123456789abcdefABCDEF", 16 },
		      { "0o", "01234567", 8 },
		      { "", "0123456789", 10 } };
	const char *digits = text + (text[0] == '-' || text[0] == '+');

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		size_t n = strlen(forms[i].prefix);
		const char *p = digits + n;
		long long value;

		if (strncmp(digits, forms[i].prefix, n) != 0 || !*p ||
		    strspn(p, forms[i].digits) != strlen(p))
			continue;
		errno = 0;
		value = strtoll(p, NULL, forms[i].base);
		return errno ? NULL : json_integer(text[0] == '-' ? -value : value);
	}
	return NULL;
}

static json_t *real(const char *text)
{
	const char *digits = text + (text[0] == '-' || text[0] == '+');
	char *end;
	double value;

	if (strspn(digits, "0123456789.eE+-") != strlen(digits) || !strpbrk(digits, "0123456789") ||
	    strchr("eE+-", *digits))
		return NULL;
	value = strtod(text, &end);
	return *end ? NULL : json_real(value); /* NULL for infinity, too */
}

static json_t *plain(const char *text)
{
	json_t *number;

	for (size_t i = 0; i < ARRAY_LEN(constants); i++)
		if (strcmp(text, constants[i].word) == 0)
			return constant(constants[i].type);
	number = integer(text);
	if (!number)
		number = real(text);
	return number ? number : json_string(text);
}

static json_t *scalar(struct converter *c, const yaml_node_t *node)
{
	const char *text = (const char *)node->data.scalar.value;
	size_t n = node->data.scalar.length;

	if (strlen(text) != n)
		return fail(c, node, "a NUL in a text");
	if (node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
		return plain(text);
	return json_stringn(text, n);
}

static json_t *convert(struct converter *c, int index);

static json_t *sequence(struct converter *c, const yaml_node_t *node)
{
	json_t *array = json_array();

	for (yaml_node_item_t *i = node->data.sequence.items.start;
	     i < node->data.sequence.items.top; i++)
		if (json_array_append_new(array, convert(c, *i)) < 0) {
			json_decref(array);
			return fail(c, node, "out of memory");
		}
	return array;
}

/* The value of << : a mapping, or a list of them, of which the first to have a key wins. */
static int merge(json_t *object, const json_t *from)
{
	size_t i;
	json_t *one;

	if (json_is_object(from))
		return json_object_update_missing(object, (json_t *)from);
	if (!json_is_array(from))
		return -1;
	json_array_foreach(from, i, one) if (json_object_update_missing(object, one) < 0) return -1;
	return 0;
}

static int add_pair(struct converter *c, json_t *object, json_t *merged,
		    const yaml_node_pair_t *pair)
{
	const yaml_node_t *key = yaml_document_get_node(c->document, pair->key);
	const char *name;
	json_t *value;
	int r;

	if (!key || key->type != YAML_SCALAR_NODE ||
	    strlen((const char *)key->data.scalar.value) != key->data.scalar.length)
		return -1;
	name = (const char *)key->data.scalar.value;
	value = convert(c, pair->value);
	if (strcmp(name, "<<") != 0)
		return json_object_set_new(object, name, value);
	r = value ? merge(merged, value) : -1;
	json_decref(value);
	return r;
}

static json_t *mapping(struct converter *c, const yaml_node_t *node)
{
	json_t *object = json_object(), *merged = json_object();
	int r = object && merged ? 0 : -1;

	for (yaml_node_pair_t *p = node->data.mapping.pairs.start;
	     p < node->data.mapping.pairs.top && r == 0; p++)
		r = add_pair(c, object, merged, p);
	if (r == 0)
		r = json_object_update_missing(object, merged);
	json_decref(merged);
	if (r == 0)
		return object;
	json_decref(object);
	return fail(c, node, "not a mapping of names to values");
}

static json_t *convert(struct converter *c, int index)
{
	const yaml_node_t *node = yaml_document_get_node(c->document, index);
	json_t *value = NULL;

	if (!node)
		return fail(c, NULL, "nothing in it");
	if (++c->nodes > NODES_MAX || c->depth >= DEPTH_MAX)
		return fail(c, node, "too large or nested too deep");
	c->depth++;
	if (node->type == YAML_SCALAR_NODE)
		value = scalar(c, node);
	else if (node->type == YAML_SEQUENCE_NODE)
		value = sequence(c, node);
	else if (node->type == YAML_MAPPING_NODE)
		value = mapping(c, node);
	c->depth--;
	return value;
}

static json_t *convert_document(yaml_document_t *d, char *err, size_t err_size)
{
	struct converter c = { .document = d };
	json_t *tree = convert(&c, 1);

	if (!tree)
		(void)snprintf(err, err_size, "line %zu: %s", c.where.line + 1,
			       c.wrong ? c.wrong : "not UTF-8");
	return tree;
}

json_t *ecosystem_tree_of_yaml(struct str text, char *err, size_t err_size)
{
	yaml_parser_t parser;
	yaml_document_t document;
	json_t *tree = NULL;

	if (!yaml_parser_initialize(&parser)) {
		(void)snprintf(err, err_size, "out of memory");
		return NULL;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)(text.n ? text.p : ""),
				     text.n);
	if (yaml_parser_load(&parser, &document)) {
		tree = convert_document(&document, err, err_size);
		yaml_document_delete(&document);
	} else {
		(void)snprintf(err, err_size, "line %zu: %s", parser.problem_mark.line + 1,
			       parser.problem ? parser.problem : "out of memory");
	}
	yaml_parser_delete(&parser);
	return tree;
}
