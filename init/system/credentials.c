/* Names are looked up once, before the first child: the child itself only makes system calls. */
#include "init/system/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macros.h"
#include "base/str.h"
#include "init/system/accounts.h"

#include "base/ban.h"

struct resolver {
	char *err;
	size_t err_size;
};

static int fail(const struct resolver *rs, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static int fail(const struct resolver *rs, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(rs->err, rs->err_size, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* -1 as an id means "unchanged" to the kernel. */
static bool is_number(const char *text, uint32_t *ret)
{
	uint64_t n;

	if (str_to_u64(str_of(text), UINT32_MAX - 1, &n) < 0)
		return false;
	*ret = (uint32_t)n;
	return true;
}

static int find_group(const struct resolver *rs, const char *group, gid_t *ret)
{
	if (is_number(group, ret) || account_group(group, ret) == 0)
		return 0;
	return fail(rs, "SIOINIT_GROUP=\"%s\": no such group in /etc/group; give its number",
		    group);
}

static int use_one_group(struct credentials *c)
{
	c->groups = malloc(sizeof(*c->groups));
	if (!c->groups)
		return -ENOMEM;
	c->groups[0] = c->gid;
	c->n_groups = 1;
	return 0;
}

/* False: not in the user database; then *ret has the number, if @user is one. */
static bool find_user(const char *user, struct account *ret)
{
	if (!is_number(user, &ret->uid))
		return account_by_name(user, ret) == 0;
	return account_by_uid(ret->uid, ret) == 0;
}

static int take_user(const struct resolver *rs, const char *user, const char *group,
		     struct credentials *c)
{
	struct account a = { 0 };
	bool known = find_user(user, &a);
	const char *name = known ? a.name : user;
	uint32_t number;

	if (!known && !is_number(user, &number))
		return fail(rs, "SIOINIT_USER=\"%s\": no such user in /etc/passwd; give its number",
			    user);
	if (!known && !group)
		return fail(rs, "SIOINIT_USER=\"%s\" is not in /etc/passwd; set SIOINIT_GROUP, too",
			    user);
	(void)snprintf(c->home, sizeof(c->home), "HOME=%s", known ? a.home : "/");
	(void)snprintf(c->user, sizeof(c->user), "USER=%s", name);
	(void)snprintf(c->logname, sizeof(c->logname), "LOGNAME=%s", name);
	c->uid = a.uid;
	if (!group)
		c->gid = a.gid;
	return known ? account_groups(name, c->gid, &c->groups, &c->n_groups) : use_one_group(c);
}

/* Of this thread, which is all that matters to what it does itself. */
static int get_capabilities(struct __user_cap_data_struct data[static _LINUX_CAPABILITY_U32S_3])
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return syscall(SYS_capget, &header, data) < 0 ? -errno : 0;
}

/* Those of @wanted that are permitted become the effective ones. */
static int use_capabilities(uint64_t wanted)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { 0 } };
	int r = get_capabilities(data);

	if (r < 0)
		return r;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		data[i].effective = (uint32_t)(wanted >> 32 * i) & data[i].permitted;
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

static int own_capabilities(uint64_t *ret)
{
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { 0 } };
	int r = get_capabilities(data);

	*ret = data[0].effective | (uint64_t)data[1].effective << 32;
	return r;
}

static bool has_capability(unsigned capability)
{
	uint64_t own;

	return own_capabilities(&own) == 0 && own >> capability & 1;
}

/* To become others, and to send them signals afterwards. */
static const struct {
	unsigned capability;
	const char *name;
} needed[] = { { CAP_SETUID, "CAP_SETUID" },
	       { CAP_SETGID, "CAP_SETGID" },
	       { CAP_KILL, "CAP_KILL" } };

static int check_rights(const struct resolver *rs, struct credentials *c)
{
	if (geteuid() != 0 && c->uid == geteuid() && c->gid == getegid()) {
		c->change = false;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (!has_capability(needed[i].capability))
			return fail(
			    rs,
			    "SIOINIT_USER and SIOINIT_GROUP want sioinit to be root with %s; it is "
			    "uid %u: leave them out or start it so",
			    needed[i].name, (unsigned)geteuid());
	return 0;
}

int credentials_resolve(const char *user, const char *group, struct credentials *ret, char *err,
			size_t err_size)
{
	struct credentials c = { .change = user || group, .uid = geteuid(), .gid = getegid() };
	struct resolver rs = { err, err_size };
	int r = group ? find_group(&rs, group, &c.gid) : 0;

	if (r == 0 && user)
		r = take_user(&rs, user, group, &c);
	else if (r == 0 && group)
		r = use_one_group(&c);
	if (r == 0 && c.change)
		r = check_rights(&rs, &c);
	if (r == -ENOMEM)
		(void)fail(&rs, "out of memory");
	if (r < 0) {
		credentials_free(&c);
		return r;
	}
	*ret = c;
	return 0;
}

void credentials_free(struct credentials *c)
{
	free(c->groups);
	*c = (struct credentials){ 0 };
}

int credentials_assume(const struct credentials *c)
{
	if (!c->change)
		return 0;
	if (setgroups(c->n_groups, c->groups) < 0 || setresgid(c->gid, c->gid, c->gid) < 0 ||
	    setresuid(c->uid, c->uid, c->uid) < 0)
		return -errno;
	return 0;
}

void credentials_print(const struct credentials *c, FILE *out)
{
	(void)fprintf(out, "%u:%u:", (unsigned)c->uid, (unsigned)c->gid);
	for (size_t i = 0; i < c->n_groups; i++)
		(void)fprintf(out, "%s%u", i ? "," : "", (unsigned)c->groups[i]);
}

/* One number and what ends it, which is skipped. False: it is none. */
static bool take_id(struct str *text, char end, uint32_t *ret)
{
	const char *at = memchr(text->p, end, text->n);
	size_t n = at ? (size_t)(at - text->p) : text->n;
	uint64_t id;

	if (str_to_u64((struct str){ text->p, n }, UINT32_MAX - 1, &id) < 0)
		return false;
	*ret = (uint32_t)id;
	n += at ? 1 : 0;
	*text = (struct str){ text->p + n, text->n - n };
	return true;
}

static int parse_groups(struct str text, struct credentials *c)
{
	c->groups = calloc(text.n + 1, sizeof(*c->groups)); /* more than it can name */
	if (!c->groups)
		return -ENOMEM;
	while (text.n > 0)
		if (!take_id(&text, ',', &c->groups[c->n_groups++]))
			return -EINVAL;
	return 0;
}

int credentials_parse(const char *text, struct credentials *ret)
{
	struct credentials c = { .change = true };
	struct str rest = str_of(text);
	int r = -EINVAL;

	if (take_id(&rest, ':', &c.uid) && take_id(&rest, ':', &c.gid))
		r = parse_groups(rest, &c);
	if (r < 0) {
		credentials_free(&c);
		return r;
	}
	*ret = c;
	return 0;
}

/* Other processes */

enum { STATUS_SIZE = 32768, FS_ID = 3 /* real, effective, saved, file system (proc(5)) */ };

/* What stands behind @name in the text of /proc/PID/status, or NULL. */
static const char *status_line(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? at + strlen(name) : NULL;
}

static int fs_id(const char *line)
{
	unsigned long id = 0;
	char *end = (char *)line;

	for (int i = 0; end && i <= FS_ID; i++)
		id = strtoul(end, &end, 10);
	return end ? (int)id : -1;
}

static int read_groups(const char *line, struct credentials *c)
{
	size_t n = strcspn(line, "\n");
	char *end;

	c->groups = calloc(n / 2 + 1, sizeof(*c->groups)); /* more than there can be */
	if (!c->groups)
		return -ENOMEM;
	for (const char *p = line; p < line + n; p = end) {
		gid_t id = (gid_t)strtoul(p, &end, 10);

		if (end == p || end > line + n)
			break;
		c->groups[c->n_groups++] = id;
	}
	return line[n] == '\n' ? 0 : -E2BIG;
}

/* Those of a process in another user namespace mean nothing in ours. */
static bool shares_user_namespace(pid_t pid)
{
	char path[48];
	struct stat own, other;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	return stat("/proc/self/ns/user", &own) == 0 && stat(path, &other) == 0 &&
	       own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

static int parse_status(const char *text, struct credentials *c)
{
	const char *uid = status_line(text, "\nUid:"), *gid = status_line(text, "\nGid:"),
		   *groups = status_line(text, "\nGroups:"),
		   *capabilities = status_line(text, "\nCapEff:");

	if (!uid || !gid || !groups || !capabilities)
		return -ESRCH;
	c->uid = (uid_t)fs_id(uid);
	c->gid = (gid_t)fs_id(gid);
	c->capabilities = strtoull(capabilities, NULL, 16);
	return read_groups(groups, c);
}

/* A file of /proc never keeps its reader waiting. */
static int read_status(pid_t pid, char text[static STATUS_SIZE])
{
	char path[32];
	size_t n = 0;
	ssize_t got = 1;
	auto_fd int fd = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (got > 0 && n < STATUS_SIZE - 1) {
		got = read(fd, text + n, STATUS_SIZE - 1 - n);
		n += got > 0 ? (size_t)got : 0;
	}
	text[n] = '\0';
	return got < 0 ? -errno : 0;
}

int credentials_of(pid_t pid, struct credentials *ret)
{
	struct credentials c = { .change = true, .has_capabilities = true };
	char text[STATUS_SIZE];
	int r = read_status(pid, text);

	if (r == 0)
		r = parse_status(text, &c);
	if (r < 0) {
		credentials_free(&c);
		return r;
	}
	if (!shares_user_namespace(pid))
		c.capabilities = 0;
	*ret = c;
	return 0;
}

/* Acting as others */

enum { OWN_GROUPS_MAX = 256 };

static enum { OURSELVES, REAL_IDS, EFFECTIVE_IDS } acting;
/* What is come back to from EFFECTIVE_IDS. */
static struct {
	gid_t gid, groups[OWN_GROUPS_MAX];
	int n_groups;
	bool has_other_groups;
	uint64_t capabilities; /* effective */
} own;

/* Real and file-system ids are what is looked at; the effective ones stay, and with them the way
 * back. */
void credentials_borrow(pid_t pid)
{
	char path[32];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	if (geteuid() != 0 || stat(path, &st) < 0 || st.st_uid == 0)
		return;
	acting = REAL_IDS;
	if (setresgid(st.st_gid, (gid_t)-1, (gid_t)-1) < 0 ||
	    setresuid(st.st_uid, (uid_t)-1, (uid_t)-1) < 0)
		return; /* no worse than before */
	(void)setfsgid(st.st_gid);
	(void)setfsuid(st.st_uid);
}

static void effective_ids_back(void)
{
	if (seteuid(0) < 0 || use_capabilities(own.capabilities) < 0 || setegid(own.gid) < 0 ||
	    (own.has_other_groups && setgroups((size_t)own.n_groups, own.groups) < 0))
		abort(); /* the real and the saved ids are root's */
}

static bool are_own_groups(const struct credentials *c)
{
	return c->n_groups == (size_t)own.n_groups &&
	       memcmp(c->groups, own.groups, c->n_groups * sizeof(*c->groups)) == 0;
}

static int become(const struct credentials *c)
{
	own.has_other_groups = !are_own_groups(c);
	if ((own.has_other_groups && setgroups(c->n_groups, c->groups) < 0) ||
	    (c->gid != own.gid && setegid(c->gid) < 0) || (c->uid != 0 && seteuid(c->uid) < 0))
		return -errno;
	return c->has_capabilities ? use_capabilities(c->capabilities) : 0;
}

int credentials_act_as(const struct credentials *c)
{
	int r;

	if (!c || !c->change || geteuid() != 0)
		return 0;
	own.gid = getegid();
	own.n_groups = getgroups(OWN_GROUPS_MAX, own.groups);
	if (own.n_groups < 0)
		return -errno;
	r = own_capabilities(&own.capabilities);
	if (r < 0)
		return r;
	acting = EFFECTIVE_IDS;
	r = become(c);
	if (r < 0)
		credentials_resume();
	return r;
}

void credentials_resume(void)
{
	if (acting == EFFECTIVE_IDS)
		effective_ids_back();
	else if (acting == REAL_IDS &&
		 (setresuid(0, 0, 0) < 0 || setresgid(getegid(), getegid(), getegid()) < 0))
		abort(); /* the effective ids allow both */
	acting = OURSELVES;
}

void credentials_env(const struct credentials *c, char *ret[static CREDENTIALS_ENV_MAX])
{
	const char *const all[] = { c->home, c->user, c->logname };
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i][0])
			ret[n++] = (char *)all[i];
	ret[n] = NULL;
}
