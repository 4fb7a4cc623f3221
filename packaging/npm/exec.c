/* exec(file, arguments, environment) for Node that has no process.execve(), which is before 22.15:
 * the program takes the place of this process, as execve(2) has it. Returns only when that failed,
 * with the errno. Linked with nothing, so that glibc's and musl's dynamic linkers take it alike;
 * all names are Node's and libc's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

/* What is used of Node-API, version 1, which every Node has: its header is not in Debian without
 * all of Node. */
typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
typedef struct napi_callback_info__ *napi_callback_info;
typedef napi_value (*napi_callback)(napi_env env, napi_callback_info info);
int napi_create_function(napi_env env, const char *name, size_t n, napi_callback f, void *closure,
			 napi_value *ret);
int napi_create_int32(napi_env env, int32_t n, napi_value *ret);
int napi_get_array_length(napi_env env, napi_value array, uint32_t *ret);
int napi_get_cb_info(napi_env env, napi_callback_info info, size_t *argc, napi_value *argv,
		     napi_value *ret_this, void **ret_closure);
int napi_get_element(napi_env env, napi_value array, uint32_t i, napi_value *ret);
int napi_get_value_string_utf8(napi_env env, napi_value string, char *buf, size_t size,
			       size_t *ret_n);
__attribute__((visibility("default"))) napi_value napi_register_module_v1(napi_env env,
									  napi_value exports);

/* The string, ended by a NUL, in memory of its own; NULL: it is none, or there is no memory. */
static char *string(napi_env env, napi_value value)
{
	size_t n;
	char *s;

	if (napi_get_value_string_utf8(env, value, NULL, 0, &n) != 0 || !(s = malloc(n + 1)))
		return NULL;
	return napi_get_value_string_utf8(env, value, s, n + 1, &n) == 0 ? s : NULL;
}

/* As string(), of a whole array, which ends with NULL. */
static char **strings(napi_env env, napi_value array)
{
	char **list;
	uint32_t n;

	if (napi_get_array_length(env, array, &n) != 0 ||
	    !(list = calloc((size_t)n + 1, sizeof(*list))))
		return NULL;
	for (uint32_t i = 0; i < n; i++) {
		napi_value each;
		if (napi_get_element(env, array, i, &each) != 0 || !(list[i] = string(env, each)))
			return NULL;
	}
	return list;
}

/* What does not come to a program is left allocated: the launcher ends then. */
static napi_value exec(napi_env env, napi_callback_info info)
{
	napi_value argv[3], ret = NULL;
	size_t argc = 3;
	char *file, **arguments, **environment;
	int err = EINVAL;

	if (napi_get_cb_info(env, info, &argc, argv, NULL, NULL) == 0 && argc == 3 &&
	    (file = string(env, argv[0])) && (arguments = strings(env, argv[1])) &&
	    (environment = strings(env, argv[2]))) {
		for (int fd = 0; fd < 3; fd++)
			(void)fcntl(fd, F_SETFD, 0);
		(void)execve(file, arguments, environment);
		err = errno;
	}
	(void)napi_create_int32(env, err, &ret);
	return ret;
}

napi_value napi_register_module_v1(napi_env env, napi_value exports)
{
	napi_value f;

	return napi_create_function(env, "exec", 4, exec, NULL, &f) == 0 ? f : exports;
}
