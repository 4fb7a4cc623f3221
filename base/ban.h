/* Included last: calls that have no place here. init/system/reap.c alone waits for children and
 * leaves it out. */
#pragma once

#pragma GCC poison strcpy strcat sprintf vsprintf waitpid uv_spawn
