/* A whole message of a worker as a jansson tree, in either serialization; for what skimming is too
 * little, and never in init. Any bytes are safe: nesting and the number of values are limited.
 *
 * What JSON has no word for: NaN, Infinity and -Infinity become strings of that spelling where the
 * serialization knows them (JSON.stringify has made null of them already), undefined is left out of
 * objects and null in arrays, a date is its number, bytes are null. Strings are valid UTF-8, U+FFFD
 * in the place of lone surrogates and of NUL in keys. Objects that a message mentions twice are one
 * and the same in the tree. */
#pragma once

#include <jansson.h>

#include "ipc/value.h"

enum { TREE_DEPTH_MAX = 32, TREE_VALUES_MAX = 400000 };

/* Reads a payload out of wire_split(); @payload may be written to, its content is lost. 0: *ret is
 * the caller's reference. -EBADMSG: does not decode, -EMSGSIZE: too deep or too many values,
 * -ENOMEM. */
int tree_read(enum serialization mode, char *payload, size_t n, json_t **ret);
