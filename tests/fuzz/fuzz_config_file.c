/* The settings file: what a line gives lies within the text, without blanks around. */
#include <stdint.h>
#include <stdlib.h>

#include "settings/config_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check(struct str part, const char *begin, const char *end)
{
	if (part.n && (part.p < begin || part.p + part.n > end))
		abort();
	if (part.n && (strchr(" \t\r\n", part.p[0]) || strchr(" \t\r\n", part.p[part.n - 1])))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	char *text = malloc(n ? n : 1); /* exactly as long, for AddressSanitizer */
	struct config_file f = { .rest = { text, n } };
	struct config_line line;
	int r;

	if (!text)
		return 0;
	if (n)
		memcpy(text, bytes, n);
	while ((r = config_file_next(&f, &line)) == 1) {
		check(line.name, text, text + n);
		check(line.value, text, text + n);
	}
	if (r < 0 && (!f.wrong || f.line == 0))
		abort();
	free(text);
	return 0;
}
