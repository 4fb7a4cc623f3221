/* Networks, and the fields that name a client: a network reads back as it is printed and holds its
 * own address; the client is found within the bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "router/http/forwarded.h"
#include "router/http/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void network(struct str in)
{
	char text[IP_TEXT_MAX + 4];
	struct cidr c, again;

	if (cidr_parse(in, &c) < 0)
		return;
	cidr_print(&c, text);
	if (cidr_parse(str_of(text), &again) < 0 || memcmp(&c, &again, sizeof(c)) != 0 ||
	    !cidr_has(&c, &c.ip))
		abort();
}

/* As the value of a field of either name, on memory of its own. */
static void client(struct str in)
{
	static struct http_head head;
	struct cidr_list trusted = { .n = 1, .row = { { .bits = 0 } } };
	char *copy = malloc(in.n ? in.n : 1);
	struct ip ip = { 0 };

	if (!copy)
		abort();
	memcpy(copy, in.p, in.n);
	head.n_fields = 1;
	head.fields[0].value = (struct str){ copy, in.n };
	head.fields[0].name = STR("x-forwarded-for");
	forwarded_client(&head, &trusted, &ip);
	head.fields[0].name = STR("forwarded");
	forwarded_client(&head, &trusted, &ip);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct str in = { (const char *)bytes, n };

	network(in);
	client(in);
	return 0;
}
