/* In the static binary, in place of libc's: these two would bring its plugins along, the name service and the dynamic loader,
 * which are not there where it runs. libuv alone mentions them, in uv_os_homedir() and uv_fs_mkstemp(), which nothing here calls. */
#include <dlfcn.h>
#include <errno.h>
#include <pwd.h>
#include <stddef.h>

int getpwuid_r(uid_t uid, struct passwd *entry, char *text, size_t size, struct passwd **ret)
{
	(void)uid;
	(void)entry;
	(void)text;
	(void)size;
	*ret = NULL;
	return ENOSYS;
}

void *dlsym(void *handle, const char *name)
{
	(void)handle;
	(void)name;
	return NULL;
}
