/* Preloaded into an init that runs under valgrind, where /proc/self/exe is valgrind itself: what is
 * executed by that name is EXEC_SELF instead. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int execvp_fn(const char *file, char *const *argv);

static const char *self;

__attribute__((constructor)) static void remember(void)
{
	self = getenv("EXEC_SELF");
}

int execvp(const char *file, char *const *argv)
{
	execvp_fn *next = (execvp_fn *)dlsym(RTLD_NEXT, "execvp");

	return next(self && strcmp(file, "/proc/self/exe") == 0 ? self : file, argv);
}
