/* The user database: /etc/passwd and /etc/group, and in a build with libc's name service (NSS)
 * whatever else that asks (nsswitch.conf(5): LDAP, sssd, systemd). All of it blocks. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct account {
	uid_t uid;
	gid_t gid; /* of its first group */
	char name[128], home[512];
};

/* 0: *ret is set. -ENOENT: there is no such. */
int account_by_name(const char *name, struct account *ret);
int account_by_uid(uid_t uid, struct account *ret);
int account_group(const char *name, gid_t *ret);

/* @first and all groups that the user @name is a member of, none twice. 0: *ret has *ret_n of them,
 * the caller frees it. -ENOMEM. */
int account_groups(const char *name, gid_t first, gid_t **ret, size_t *ret_n);
