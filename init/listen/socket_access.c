#include "init/listen/socket_access.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "init/system/accounts.h"

#include "base/ban.h"

enum { NAME_SIZE = 64 };

/* The last of them means "no change" to chown(2). */
static int read_id(const char *name, uint32_t *ret)
{
	uint64_t n;

	if (str_to_u64(str_of(name), UINT32_MAX - 1, &n) < 0)
		return -EINVAL;
	*ret = (uint32_t)n;
	return 0;
}

static int read_user(const char *name, uid_t *ret)
{
	struct account a;

	if (account_by_name(name, &a) < 0)
		return read_id(name, ret);
	*ret = a.uid;
	return 0;
}

static int read_group(const char *name, gid_t *ret)
{
	return account_group(name, ret) < 0 ? read_id(name, ret) : 0;
}

/* USER, USER:GROUP or :GROUP */
static int read_owner(const char *owner, struct socket_access *ret)
{
	const char *colon = strchr(owner, ':');
	size_t n = colon ? (size_t)(colon - owner) : strlen(owner);
	char user[NAME_SIZE];

	if (n >= sizeof(user))
		return -EINVAL;
	memcpy(user, owner, n);
	user[n] = '\0';
	if (n > 0 && read_user(user, &ret->uid) < 0)
		return -EINVAL;
	return colon ? read_group(colon + 1, &ret->gid) : 0;
}

int socket_access_resolve(const struct config *c, struct socket_access *ret, char *err,
			  size_t err_size)
{
	struct socket_access a = { c->socket_mode, (uid_t)-1, (gid_t)-1 };

	if (c->socket_owner && read_owner(c->socket_owner, &a) < 0) {
		(void)snprintf(err, err_size,
			       "SIOINIT_SOCKET_OWNER=\"%s\": no such user or group; USER, "
			       "USER:GROUP or :GROUP is wanted, names or numbers",
			       c->socket_owner);
		return -EINVAL;
	}
	*ret = a;
	return 0;
}

/* bind(2) of a unix socket makes its file with 0777, less the umask (unix(7)). */
mode_t socket_access_umask(const struct socket_access *a)
{
	mode_t before = umask(0777);

	(void)umask(a->mode ? 0777 & ~a->mode : before);
	return before;
}

int socket_access_own(const struct socket_access *a, const char *path)
{
	if (a->uid == (uid_t)-1 && a->gid == (gid_t)-1)
		return 0;
	return lchown(path, a->uid, a->gid) < 0 ? -errno : 0;
}
