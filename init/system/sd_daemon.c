#include "init/system/sd_daemon.h"

#include <stdlib.h>

#include "base/ban.h"

const struct sd_daemon *const sd_daemons[] = {
#ifdef SIOINIT_HAVE_SYSTEMD
	&sd_daemon_library,
#endif
	&sd_daemon_builtin,
	NULL,
};

/* The last one can always be had. */
const struct sd_daemon *sd_daemon_load(void)
{
	const struct sd_daemon *const *each = sd_daemons;

	while (!(*each)->load())
		each++;
	return *each;
}

void sd_daemon_free_names(char **names, int n)
{
	for (int i = 0; names && i < n; i++)
		free(names[i]);
	free(names);
}
