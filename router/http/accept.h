/* What an Accept or Accept-Encoding field asks for (RFC 9110, 12.4.2 and 12.5). Pure functions over
 * bytes. */
#pragma once

#include "base/str.h"

enum { ACCEPT_QUALITY_ONE = 1000 };

struct accept_range {
	struct str value;   /* text/html, gzip, ... */
	struct str version; /* of the type; empty: none is named */
	unsigned quality;   /* in thousandths; 0: not wanted */
};

/* Takes the first member off @list, which is not empty. All borrows it. */
void accept_take(struct str *list, struct accept_range *ret);
