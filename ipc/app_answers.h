/* What the workers answer to prom-client's question, as init collects it in a memfd and the router
 * reads it: for each answer a head and the payload as it was received. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	APP_ANSWERS_MAX = 1024,
	APP_ANSWER_BYTES_MAX = 4 << 20,   /* of one worker */
	APP_ANSWERS_BYTES_MAX = 32 << 20, /* of all */
};

struct app_answer_head {
	uint32_t slot, n; /* whose, and the payload's bytes */
};

struct app_answer {
	uint32_t slot;
	size_t at, n; /* the payload's place and size */
};

/* Finds the answers in @size bytes and puts them in the order of their slots. The number; it ends
 * at a head that promises more than there is. */
size_t app_answers_find(const char *bytes, size_t size,
			struct app_answer list[static APP_ANSWERS_MAX]);
