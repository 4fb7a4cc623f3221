/* By libsystemd. It reads the environment when it is asked; since workers must not see those
 * variables, NOTIFY_SOCKET is set only for the moment of a call. Loaded only where a service
 * manager is: with what it links itself, the library would cost every container more memory than
 * all the rest of sioinit. */
#include "init/system/sd_daemon.h"

#ifdef SIOINIT_HAVE_SYSTEMD

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "base/macros.h"

#include "base/ban.h"

static struct {
	__typeof__(sd_pid_notify_with_fds) *notify;
	__typeof__(sd_listen_fds_with_names) *listen_fds_with_names;
	__typeof__(sd_watchdog_enabled) *watchdog_enabled;
} library;

static bool load(void)
{
	static const struct {
		const char *name;
		void *at;
	} symbols[] = {
		{ "sd_pid_notify_with_fds", &library.notify },
		{ "sd_listen_fds_with_names", &library.listen_fds_with_names },
		{ "sd_watchdog_enabled", &library.watchdog_enabled },
	};
	void *handle = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);

	for (size_t i = 0; handle && i < ARRAY_LEN(symbols); i++) {
		void *symbol = dlsym(handle, symbols[i].name);

		if (!symbol)
			return false;
		memcpy(symbols[i].at, &symbol, sizeof(symbol)); /* dlsym(3) */
	}
	return handle;
}

static int notify(const char *socket, const char *state, const int *fds, size_t n_fds)
{
	int r;

	(void)setenv("NOTIFY_SOCKET", socket, 1);
	r = library.notify(0, 1, state, fds, (unsigned)n_fds); /* unsets it again */
	return r < 0 ? r : 0;
}

static int listen_fds(char ***ret_names)
{
	return library.listen_fds_with_names(0, ret_names);
}

static uint64_t watchdog_us(void)
{
	uint64_t us = 0;

	return library.watchdog_enabled(0, &us) > 0 ? us : 0;
}

const struct sd_daemon sd_daemon_library = { "libsystemd", load, notify, listen_fds, watchdog_us };

#endif
