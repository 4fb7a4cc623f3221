/* Host, Origin and Sec-Fetch-Site of a request to the admin address: whatever they are, a name that
 * is let in is one that the rule has. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "router/admin/guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* The next line of @in. */
static struct str take_line(struct str *in)
{
	const char *end = in->n ? memchr(in->p, '\n', in->n) : NULL;
	struct str line = { in->p, end ? (size_t)(end - in->p) : in->n };

	in->p += line.n + (end != NULL);
	in->n -= line.n + (end != NULL);
	return line;
}

/* It holds no byte that could begin another name or address. */
static bool is_harmless(struct str host)
{
	for (size_t i = 0; i < host.n; i++)
		if ((unsigned char)host.p[i] <= ' ' || (unsigned char)host.p[i] >= 0x7f ||
		    strchr("/@?#\\,%*", host.p[i]))
			return false;
	return host.n > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const struct str names[] = { { "Host", 4 },
					    { "Origin", 6 },
					    { "Sec-Fetch-Site", 14 } };
	struct guard g = { .hosts = "admin.example.com,*.ops.example" };
	char *text = malloc(n + !n); /* so that reading further is seen */
	struct str in = { text, n };
	struct http_head head = { .method = STR("GET"), .minor = 1 };

	if (!text)
		return 0;
	if (n)
		memcpy(text, bytes, n);
	while (in.n > 0 && head.n_fields < 6) {
		struct http_field *f = &head.fields[head.n_fields];

		f->name = names[head.n_fields++ % 3];
		f->value = take_line(&in);
	}
	if (!guard_judge(&g, &head) && (head.n_fields > 3 || !is_harmless(head.fields[0].value)))
		abort();
	free(text);
	return 0;
}
