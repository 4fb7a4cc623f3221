/* First bytes. See first_byte.h. A method is a token (RFC 9110, 9.1). White space is none, but
 * there are servers that skip it (Python's http.server: all that str.split() takes for it, in ISO
 * 8859-1), so what begins with it is for the parser to refuse. */
#include "router/http/first_byte.h"

#include <stdbool.h>
#include <string.h>

#include "base/ban.h"

enum { TLS_HANDSHAKE = 0x16 };

static bool is_alphanumeric(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

enum first_byte first_byte_of(char byte)
{
	static const char others_of_http[] = "!#$%&'*+-.^_`|~"
					     "\t\n\v\f\r \x1c\x1d\x1e\x1f\x85\xa0";

	if (byte == TLS_HANDSHAKE)
		return FIRST_BYTE_TLS;
	if (is_alphanumeric(byte) || memchr(others_of_http, byte, sizeof(others_of_http) - 1))
		return FIRST_BYTE_HTTP;
	return FIRST_BYTE_OTHER;
}
