/* Ends with 0 if llhttp refuses what only a lenient parser takes; else says what it has accepted.
 */
#include <llhttp.h>
#include <stdio.h>
#include <string.h>

#define HEAD "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"

static const char *const malformed[] = {
	"GET / HTTP/1.1\r\nX: y\rZ: z\r\n\r\n",
	"GET / HTTP/1.1\r\nX : y\r\n\r\n",
	"GET / HTTP/1.1\r\nX: y\r\n\rZ",
	HEAD "1\rXa\r\n0\r\n\r\n",
	HEAD "1;a\rXa\r\n0\r\n\r\n",
	HEAD "1\r\na\rX0\r\n\r\n",
	HEAD "1\r\naXX0\r\n\r\n",
	HEAD "0\r\nX: y\rXZ: z\r\n\r\n",
	HEAD "0\r\n\rX",
};

static const char legal[] = HEAD "1;a=b\r\na\r\n0\r\nX: y\r\n\r\n";

static int accepts(const char *text)
{
	llhttp_settings_t settings;
	llhttp_t parser;

	llhttp_settings_init(&settings);
	llhttp_init(&parser, HTTP_REQUEST, &settings);
	return llhttp_execute(&parser, text, strlen(text)) == HPE_OK;
}

int main(void)
{
	int failed = !accepts(legal);

	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
		if (accepts(malformed[i])) {
			printf("%s\n----\n", malformed[i]);
			failed = 1;
		}
	return failed;
}
