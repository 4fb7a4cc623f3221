/* The monotonic clock of this boot (CLOCK_MONOTONIC), which all processes share. */
#pragma once

#include <stdint.h>

/* Milliseconds. */
int64_t clock_ms(void);
