/* One step after the other: those that need what others take away come first. */
#include "router/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "router/sandbox_filter.h"

#include "base/ban.h"

/* Those without CAP_SETPCAP cannot; with no_new_privs they gain nothing from what is left in it. */
static void empty_bounding_set(void)
{
	for (unsigned long c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
		(void)prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
}

void sandbox_begin(void)
{
	empty_bounding_set();
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)sandbox_filter_io_uring();
}

static int keep_capabilities(uint32_t first32)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct kept[_LINUX_CAPABILITY_U32S_3] = {
		{ .effective = first32, .permitted = first32 },
	};

	empty_bounding_set();
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return syscall(SYS_capset, &header, kept) < 0 ? -errno : 0;
}

static int drop_capabilities(void)
{
	return keep_capabilities(0);
}

static int keep_low_ports(void)
{
	return keep_capabilities(BIT(CAP_NET_BIND_SERVICE));
}

static int gain_nothing(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

static int hide(void)
{
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : 0;
}

/* Files */

/* linux/landlock.h of Linux 6.12; what a kernel does not know must be 0. */
struct ruleset {
	uint64_t files, ports, scopes;
};

enum { SCOPES_VERSION = 6, TRUNCATE_VERSION = 3, REFER_VERSION = 2 };

static const uint64_t SCOPE_ABSTRACT_UNIX_SOCKET = 1, FS_TRUNCATE = 1u << 14;
static const uint64_t READING = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;

/* Sanitizers read the program itself, for their reports. */
static const char *const readable = SANDBOX_OF_SANITIZER ? "/" : "/proc";

/* Everything that this version of landlock can refuse. */
static struct ruleset all_rules(long version)
{
	struct ruleset all = { .files = 2 * LANDLOCK_ACCESS_FS_MAKE_SYM - 1 };

	if (version >= REFER_VERSION)
		all.files |= LANDLOCK_ACCESS_FS_REFER;
	if (version >= TRUNCATE_VERSION)
		all.files |= FS_TRUNCATE;
	if (version >= SCOPES_VERSION)
		all.scopes = SCOPE_ABSTRACT_UNIX_SOCKET;
	return all;
}

/* A folder that it cannot reach needs no rule. */
static int allow(int rules, const char *folder, uint64_t what)
{
	auto_fd int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct landlock_path_beneath_attr beneath = { .allowed_access = what, .parent_fd = fd };

	if (fd < 0)
		return 0;
	return syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) < 0
		   ? -errno
		   : 0;
}

static int close_files(void)
{
	long version =
	    syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset all = all_rules(version);
	auto_fd int rules = -1;
	int e;

	if (version < 0)
		return -errno;
	rules = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
	if (rules < 0)
		return -errno;
	e = allow(rules, readable, READING);
	if (e == 0 && syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		e = -errno;
	return e;
}

/* Many kernels and containers lack landlock, and few the rest. */
static const struct {
	const char *what;
	enum log_level missed;
	int (*take)(void);
} steps[] = {
	{ "dropping capabilities", LOG_LEVEL_WARN, drop_capabilities },
	{ "no_new_privs", LOG_LEVEL_WARN, gain_nothing },
	{ "not being dumpable", LOG_LEVEL_WARN, hide },
	{ "rules for files (landlock)", LOG_LEVEL_INFO, close_files },
	{ "a filter of system calls (seccomp)", LOG_LEVEL_WARN, sandbox_filter_load },
};

/* What the container refuses is the same for all, and said by the router. */
static int (*const maker_steps[])(void) = {
	keep_low_ports, gain_nothing, hide, close_files, sandbox_filter_load_maker,
};

static int (*const asker_steps[])(void) = {
	drop_capabilities, gain_nothing, hide, close_files, sandbox_filter_load_asker,
};

/* What libraries read from files at their first use: a seed for hashes, the zone. */
static void read_ahead(void)
{
	json_object_seed(0);
	tzset();
}

void sandbox_enter(void)
{
	enum log_level level = LOG_LEVEL_INFO;
	char refused[512];
	size_t n = 0;

	read_ahead();
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		int e = steps[i].take();

		if (e == 0 || n >= sizeof(refused))
			continue;
		n += (size_t)snprintf(refused + n, sizeof(refused) - n, "%s%s: %s", n ? ", " : "",
				      steps[i].what, strerror(-e));
		if (steps[i].missed < level)
			level = steps[i].missed;
	}
	if (n)
		log_at(level, SIO_255,
		       "router: SIOINIT_SANDBOX: refused here: %s; it goes on without", refused);
}

void sandbox_enter_maker(void)
{
	for (size_t i = 0; i < ARRAY_LEN(maker_steps); i++)
		(void)maker_steps[i]();
}

void sandbox_enter_asker(void)
{
	read_ahead();
	for (size_t i = 0; i < ARRAY_LEN(asker_steps); i++)
		(void)asker_steps[i]();
}
