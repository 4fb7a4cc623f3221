/* The reader of tree_read() for V8's format; see there. */
#pragma once

#include <jansson.h>

#include "base/str.h"

/* @payload starts with its header (FF and a version). As tree_read(). */
int v8_tree_read(struct str payload, json_t **ret);
