/* Names are looked up once, before the first child: the child itself only makes system calls. */
#include "init/system/credentials.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/str.h"

#include "base/ban.h"

enum { GROUPS_FIRST = 32 };

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
	const struct group *g;

	if (is_number(group, ret))
		return 0;
	g = getgrnam(group);
	if (!g)
		return fail(rs,
			    "SIOINIT_GROUP=\"%s\": no such group in /etc/group; give its number",
			    group);
	*ret = g->gr_gid;
	return 0;
}

/* All groups that the user database knows for @name, @c->gid among them. */
static int find_groups(const char *name, struct credentials *c)
{
	int n = GROUPS_FIRST, had;

	do {
		gid_t *more;

		had = n;
		more = realloc(c->groups, (size_t)n * sizeof(*more));
		if (!more)
			return -ENOMEM;
		c->groups = more;
	} while (getgrouplist(name, c->gid, c->groups, &n) < 0 && n > had);
	c->n_groups = (size_t)(n < had ? n : had);
	return 0;
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

static const struct passwd *find_user(const char *user, uid_t *ret)
{
	const struct passwd *known;

	if (!is_number(user, ret)) {
		known = getpwnam(user);
		*ret = known ? known->pw_uid : 0;
		return known;
	}
	return getpwuid(*ret);
}

static int take_user(const struct resolver *rs, const char *user, const char *group,
		     struct credentials *c)
{
	const struct passwd *known = find_user(user, &c->uid);
	const char *name = known ? known->pw_name : user;
	uint32_t number;

	if (!known && !is_number(user, &number))
		return fail(rs, "SIOINIT_USER=\"%s\": no such user in /etc/passwd; give its number",
			    user);
	if (!known && !group)
		return fail(rs, "SIOINIT_USER=\"%s\" is not in /etc/passwd; set SIOINIT_GROUP, too",
			    user);
	(void)snprintf(c->home, sizeof(c->home), "HOME=%s", known ? known->pw_dir : "/");
	(void)snprintf(c->user, sizeof(c->user), "USER=%s", name);
	(void)snprintf(c->logname, sizeof(c->logname), "LOGNAME=%s", name);
	if (!group)
		c->gid = known->pw_gid;
	return known ? find_groups(name, c) : use_one_group(c);
}

static bool has_capability(unsigned capability)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	if (syscall(SYS_capget, &header, data) < 0)
		return false;
	return data[capability / 32].effective & BIT(capability % 32);
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

enum { OWN_GROUPS_MAX = 256 };

static enum { OURSELVES, REAL_IDS, EFFECTIVE_IDS } acting;
/* What is come back to from EFFECTIVE_IDS. */
static struct {
	gid_t gid, groups[OWN_GROUPS_MAX];
	int n_groups;
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
	if (seteuid(0) < 0 || setegid(own.gid) < 0 ||
	    setgroups((size_t)own.n_groups, own.groups) < 0)
		abort(); /* the real and the saved ids are root's */
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
	acting = EFFECTIVE_IDS;
	if (setgroups(c->n_groups, c->groups) == 0 && setegid(c->gid) == 0 && seteuid(c->uid) == 0)
		return 0;
	r = -errno;
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
