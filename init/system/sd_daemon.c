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

const struct sd_daemon *sd_daemon_load(void)
{
	for (size_t i = 0; sd_daemons[i]; i++)
		if (sd_daemons[i]->load())
			return sd_daemons[i];
	return &sd_daemon_builtin;
}

void sd_daemon_free_names(char **names, int n)
{
	for (int i = 0; names && i < n; i++)
		free(names[i]);
	free(names);
}
