/* Packets of the control channel: what decodes is encoded to the same message again. */
#include <stdint.h>
#include <stdlib.h>

#include "ipc/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static bool same(const struct control_msg *a, const struct control_msg *b)
{
	return a->type == b->type && a->worker == b->worker && a->slot == b->slot &&
	       a->pid == b->pid && a->port == b->port && a->state == b->state &&
	       a->style == b->style && a->kind == b->kind && a->listener == b->listener &&
	       a->token == b->token && str_eq(a->text, b->text) && a->router == b->router &&
	       a->waited_ms == b->waited_ms && a->visitor == b->visitor &&
	       a->address[0] == b->address[0] && a->address[1] == b->address[1] && a->tls == b->tls;
}

static bool lies_within(struct str part, const uint8_t *bytes, size_t n)
{
	const uint8_t *p = (const uint8_t *)part.p;

	return part.n == 0 || (p >= bytes && part.n <= n && p + part.n <= bytes + n);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	uint8_t packet[2 * CONTROL_PACKET_MAX];
	struct control_msg m, again;
	int len;

	if (n > CONTROL_PACKET_MAX ||
	    control_decode((struct str){ (const char *)bytes, n }, &m) < 0)
		return 0;
	if (!lies_within(m.text, bytes, n))
		abort();
	len = control_encode(&m, packet, sizeof(packet));
	if (len < 0 || control_decode((struct str){ (char *)packet, (size_t)len }, &again) < 0 ||
	    !same(&m, &again))
		abort();
	return 0;
}
