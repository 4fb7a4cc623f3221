/* Node's single executable applications: node with the script inside. */
#pragma once

#include <stdbool.h>

/* Whether the program @path is one. Reads its headers. */
bool single_executable_is_node(const char *path);
