/* The build says what it is (CMakeLists.txt, cmake/version.cmake), the libraries which they are:
 * those that are linked in, or that were found at the start. */
#include "commands/version.h"

#include <gnu/libc-version.h>
#include <jansson.h>
#include <llhttp.h>
#include <msgpack.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>
#include <uv.h>
#include <yaml.h>

#include "base/macros.h"

#include "base/ban.h"

enum { FAILED = 1, MISUSED = 2 };

#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

#ifdef SIOINIT_HAVE_SYSTEMD
#define HAS_SYSTEMD true
#else
#define HAS_SYSTEMD false
#endif
#ifdef SIOINIT_HAVE_NSS
#define HAS_NSS true
#else
#define HAS_NSS false
#endif

static const struct {
	const char *name;
	bool on;
} features[] = {
	{ "static", !HAS_NSS }, /* libc, too */
	{ "libsystemd", HAS_SYSTEMD },
	{ "nss", HAS_NSS },
	{ "seccomp", true },
};

static const char *seccomp_text(void)
{
	static char text[32];
	const struct scmp_version *v = seccomp_version();

	(void)snprintf(text, sizeof(text), "%u.%u.%u", v->major, v->minor, v->micro);
	return text;
}

static const char *llhttp_text(void)
{
	return TEXT(LLHTTP_VERSION_MAJOR) "." TEXT(LLHTTP_VERSION_MINOR) "." TEXT(
	    LLHTTP_VERSION_PATCH);
}

static const char *utlist_text(void)
{
	return TEXT(UTLIST_VERSION);
}

static const struct {
	const char *name;
	const char *(*version)(void);
} libraries[] = {
	{ "glibc", gnu_get_libc_version },
	{ "libuv", uv_version_string },
	{ "msgpack-c", msgpack_version },
	{ "jansson", jansson_version_str },
	{ "libyaml", yaml_get_version_string },
	{ "libseccomp", seccomp_text },
	{ "llhttp", llhttp_text },
	{ "uthash", utlist_text },
};

static void print_lines(void)
{
	if (SIOINIT_COMMIT[0])
		(void)printf("commit: %s\n", SIOINIT_COMMIT);
	(void)printf("target: %s\n", SIOINIT_TARGET);
	for (size_t i = 0; i < ARRAY_LEN(features); i++)
		(void)printf("%s: %s\n", features[i].name, features[i].on ? "yes" : "no");
	for (size_t i = 0; i < ARRAY_LEN(libraries); i++)
		(void)printf("%s: %s\n", libraries[i].name, libraries[i].version());
}

/* Nothing of this needs escaping. */
static void print_json(void)
{
	(void)printf("{\"name\":\"sioinit\",\"version\":\"%s\"", SIOINIT_VERSION);
	if (SIOINIT_COMMIT[0])
		(void)printf(",\"commit\":\"%s\"", SIOINIT_COMMIT);
	(void)printf(",\"target\":\"%s\",\"features\":{", SIOINIT_TARGET);
	for (size_t i = 0; i < ARRAY_LEN(features); i++)
		(void)printf("%s\"%s\":%s", i ? "," : "", features[i].name,
			     features[i].on ? "true" : "false");
	(void)printf("},\"libraries\":{");
	for (size_t i = 0; i < ARRAY_LEN(libraries); i++)
		(void)printf("%s\"%s\":\"%s\"", i ? "," : "", libraries[i].name,
			     libraries[i].version());
	(void)printf("}}\n");
}

int version_run(char *const *words, size_t n)
{
	bool json = n == 2 && strcmp(words[1], "--json") == 0;

	if (n > 1 && !json) {
		(void)fputs("usage: sioinit version [--json]\n", stderr);
		return MISUSED;
	}
	if (json) {
		print_json();
	} else {
		(void)printf("sioinit %s\n", SIOINIT_VERSION);
		if (n > 0)
			print_lines();
	}
	return fflush(stdout) == EOF ? FAILED : 0;
}
