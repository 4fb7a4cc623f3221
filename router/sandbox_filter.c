/* Three tables: what is allowed whatever its arguments, for which the kernel keeps a bitmap (Linux
 * 5.11) and runs no filter; what depends on them; and what a sanitizer needs in addition. Pointers
 * cannot be followed: what is behind a path is for landlock (router/sandbox.c), and clone3(2),
 * whose flags are in memory, does not exist here, so that libc takes clone(2). */
#include "router/sandbox_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/macros.h"

#include "base/ban.h"

/* clang-format off */
static const int always[] = {
	/* the loop and its sockets */
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(epoll_ctl),
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(write),
	SCMP_SYS(writev), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(sendto),
	SCMP_SYS(recvmmsg), SCMP_SYS(sendmsg), SCMP_SYS(sendmmsg), SCMP_SYS(splice),
	SCMP_SYS(accept4), SCMP_SYS(bind), SCMP_SYS(connect), SCMP_SYS(shutdown), SCMP_SYS(close), SCMP_SYS(pipe2),
	SCMP_SYS(getsockname), SCMP_SYS(getpeername),
	/* files: the access log, what a worker has open, numbers of the kernel's */
	SCMP_SYS(stat), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(lseek),
	/* memory, threads, time */
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(futex),
	SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(membarrier), SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity), SCMP_SYS(sysinfo), SCMP_SYS(getrandom),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(clock_nanosleep),
	SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday), SCMP_SYS(time),
	/* itself */
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
	SCMP_SYS(getegid), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(restart_syscall), SCMP_SYS(exit), SCMP_SYS(exit_group),
};

/* A report and the search for leaks: these stop the threads from a process of their own. */
static const int sanitizers[] = {
	SCMP_SYS(clone), SCMP_SYS(ptrace), SCMP_SYS(wait4), SCMP_SYS(sigaltstack),
	SCMP_SYS(getdents), SCMP_SYS(getdents64), SCMP_SYS(ioctl),
	SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(prctl),
	SCMP_SYS(mmap), SCMP_SYS(mprotect), SCMP_SYS(getppid), SCMP_SYS(getrlimit),
	SCMP_SYS(prlimit64), SCMP_SYS(uname), SCMP_SYS(getcwd), SCMP_SYS(access), SCMP_SYS(kill),
	SCMP_SYS(tgkill), SCMP_SYS(process_vm_readv), SCMP_SYS(getrusage),
};

/* Sockets and where they listen, and to hand them on. */
static const int maker[] = {
	SCMP_SYS(socket), SCMP_SYS(setsockopt), SCMP_SYS(bind), SCMP_SYS(listen), SCMP_SYS(close),
	SCMP_SYS(recvfrom), SCMP_SYS(sendmsg), SCMP_SYS(exit_group), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(restart_syscall),
};
/* clang-format on */

/* All that is named of arguments must be so. */
struct argument {
	unsigned index;
	uint64_t mask, value; /* mask 0: any */
};

struct rule {
	int call;
	struct argument when[3];
};

/* clang-format off */
/* An int: the upper half of the register may hold anything. */
#define INT(index, value) { index, UINT32_MAX, (uint32_t)(value) }
#define BITS(index, mask, value) { index, (uint32_t)(mask), (uint32_t)(value) }
#define NO_POINTER(index) { index, UINT64_MAX, 0 }
/* clang-format on */

enum {
	SOCK_TYPE = 0xf, /* without its flags */
	CLONE_FAR = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
		    CLONE_NEWPID | CLONE_NEWNET | CLONE_PTRACE,
};

static const struct rule sometimes[] = {
	{ SCMP_SYS(socket), { INT(0, AF_INET), BITS(1, SOCK_TYPE, SOCK_STREAM), INT(2, 0) } },
	{ SCMP_SYS(socket), { INT(0, AF_INET6), BITS(1, SOCK_TYPE, SOCK_STREAM), INT(2, 0) } },
	{ SCMP_SYS(socket), { INT(0, AF_UNIX), BITS(1, SOCK_TYPE, SOCK_STREAM), INT(2, 0) } },
	{ SCMP_SYS(socketpair), { INT(0, AF_UNIX), BITS(1, SOCK_TYPE, SOCK_STREAM), INT(2, 0) } },
	{ SCMP_SYS(setsockopt), { INT(1, IPPROTO_TCP), INT(2, TCP_NODELAY) } },
	{ SCMP_SYS(setsockopt), { INT(1, IPPROTO_TCP), INT(2, TCP_KEEPIDLE) } },
	{ SCMP_SYS(setsockopt), { INT(1, IPPROTO_TCP), INT(2, TCP_KEEPINTVL) } },
	{ SCMP_SYS(setsockopt), { INT(1, IPPROTO_TCP), INT(2, TCP_KEEPCNT) } },
	{ SCMP_SYS(setsockopt), { INT(1, IPPROTO_TCP), INT(2, TCP_USER_TIMEOUT) } },
	{ SCMP_SYS(setsockopt), { INT(1, SOL_SOCKET), INT(2, SO_KEEPALIVE) } },
	{ SCMP_SYS(setsockopt), { INT(1, SOL_SOCKET), INT(2, SO_RCVLOWAT) } },
	{ SCMP_SYS(getsockopt), { INT(1, SOL_SOCKET), INT(2, SO_ERROR) } },
	{ SCMP_SYS(fcntl), { INT(1, F_DUPFD_CLOEXEC) } },
	{ SCMP_SYS(fcntl), { INT(1, F_GETFD) } },
	{ SCMP_SYS(fcntl), { INT(1, F_SETFD) } },
	{ SCMP_SYS(fcntl), { INT(1, F_GETFL) } },
	{ SCMP_SYS(fcntl), { INT(1, F_SETFL) } },
	{ SCMP_SYS(fcntl), { INT(1, F_SETPIPE_SZ) } },
	{ SCMP_SYS(fcntl), { INT(1, F_GET_SEALS) } },
	{ SCMP_SYS(ioctl), { INT(1, FIONBIO) } },
	{ SCMP_SYS(open), { BITS(1, O_ACCMODE, O_RDONLY) } },
	{ SCMP_SYS(openat), { BITS(2, O_ACCMODE, O_RDONLY) } },
	{ SCMP_SYS(prlimit64), { NO_POINTER(2) } }, /* asks */
	{ SCMP_SYS(kill), { INT(1, 0) } },          /* whether it lives: ipc/shared_lock.c */
	{ SCMP_SYS(mmap), { BITS(2, PROT_EXEC, 0) } },
	{ SCMP_SYS(mprotect), { BITS(2, PROT_EXEC, 0) } },
	{ SCMP_SYS(clone), { BITS(0, CLONE_THREAD | CLONE_FAR, CLONE_THREAD) } },
	{ SCMP_SYS(prctl), { INT(0, PR_SET_NAME) } }, /* newer libuv: of its threads */
};

/* UDP, with errors of the network as they come. */
static const struct rule asker[] = {
	{ SCMP_SYS(socket), { INT(0, AF_INET), BITS(1, SOCK_TYPE, SOCK_DGRAM), INT(2, 0) } },
	{ SCMP_SYS(socket), { INT(0, AF_INET6), BITS(1, SOCK_TYPE, SOCK_DGRAM), INT(2, 0) } },
	{ SCMP_SYS(setsockopt), { INT(1, IPPROTO_IP), INT(2, IP_RECVERR) } },
	{ SCMP_SYS(setsockopt), { INT(1, IPPROTO_IPV6), INT(2, IPV6_RECVERR) } },
	{ SCMP_SYS(ioctl), { INT(1, FIONREAD) } },
};

/* Opening for writing gives EACCES, as a library may try. */
static const struct rule writing[] = {
	{ SCMP_SYS(open), { BITS(1, O_ACCMODE, O_WRONLY) } },
	{ SCMP_SYS(openat), { BITS(2, O_ACCMODE, O_WRONLY) } },
	{ SCMP_SYS(open), { BITS(1, O_ACCMODE, O_RDWR) } },
	{ SCMP_SYS(openat), { BITS(2, O_ACCMODE, O_RDWR) } },
};

static int add(scmp_filter_ctx f, uint32_t action, const struct rule *rules, size_t n_rules)
{
	for (size_t i = 0; i < n_rules; i++) {
		struct scmp_arg_cmp cmp[ARRAY_LEN(rules->when)];
		unsigned n = 0;
		int e;

		for (size_t k = 0; k < ARRAY_LEN(rules->when); k++)
			if (rules[i].when[k].mask)
				cmp[n++] = SCMP_CMP(rules[i].when[k].index, SCMP_CMP_MASKED_EQ,
						    rules[i].when[k].mask, rules[i].when[k].value);
		e = seccomp_rule_add_array(f, action, rules[i].call, n, cmp);
		if (e < 0)
			return e;
	}
	return 0;
}

static int add_always(scmp_filter_ctx f, const int *calls, size_t n)
{
	int e = 0;

	for (size_t i = 0; i < n && e == 0; i++)
		e = seccomp_rule_add(f, SCMP_ACT_ALLOW, calls[i], 0);
	return e;
}

/* A failed assertion is to be seen as that: abort(3). */
static int add_abort(scmp_filter_ctx f)
{
	const struct rule ours[] = { { SCMP_SYS(tgkill), { INT(0, getpid()) } },
				     { SCMP_SYS(tkill), { INT(0, getpid()) } } };

	return add(f, SCMP_ACT_ALLOW, ours, ARRAY_LEN(ours));
}

static int add_all(scmp_filter_ctx f)
{
	int e = add_always(f, always, ARRAY_LEN(always));

	if (e == 0 && SANDBOX_OF_SANITIZER)
		e = add_always(f, sanitizers, ARRAY_LEN(sanitizers));
	if (e == 0)
		e = add(f, SCMP_ACT_ALLOW, sometimes, ARRAY_LEN(sometimes));
	if (e == 0)
		e = add(f, SCMP_ACT_ERRNO(EACCES), writing, ARRAY_LEN(writing));
	if (e == 0)
		e = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return e == 0 ? add_abort(f) : e;
}

static int add_maker(scmp_filter_ctx f)
{
	int e = add_always(f, maker, ARRAY_LEN(maker));

	return e == 0 && SANDBOX_OF_SANITIZER ? add_all(f) : e;
}

static int add_asker(scmp_filter_ctx f)
{
	int e = add_all(f);

	return e == 0 ? add(f, SCMP_ACT_ALLOW, asker, ARRAY_LEN(asker)) : e;
}

/* A binary tree instead of a ladder; the kernel's own errno. */
static int set_up(scmp_filter_ctx f)
{
	int e = seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);

	if (e == 0)
		e = seccomp_attr_set(f, SCMP_FLTATR_API_SYSRAWRC, 1);
	return e == 0 ? seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) : e;
}

/* Where int and long are as wide as the tables think, and the numbers were tried. */
static bool is_known(uint32_t arch)
{
	return arch == SCMP_ARCH_X86_64 || arch == SCMP_ARCH_AARCH64;
}

static int refuse_io_uring(scmp_filter_ctx f)
{
	return seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(io_uring_setup), 0);
}

static int load(uint32_t otherwise, int (*add_rules)(scmp_filter_ctx f))
{
	scmp_filter_ctx f = is_known(seccomp_arch_native()) ? seccomp_init(otherwise) : NULL;
	int e;

	if (!f)
		return -EOPNOTSUPP;
	e = set_up(f);
	if (e == 0)
		e = add_rules(f);
	if (e == 0)
		e = seccomp_load(f);
	seccomp_release(f);
	return e;
}

int sandbox_filter_io_uring(void)
{
	return load(SCMP_ACT_ALLOW, refuse_io_uring);
}

int sandbox_filter_load(void)
{
	return load(SCMP_ACT_KILL_PROCESS, add_all);
}

int sandbox_filter_load_maker(void)
{
	return load(SCMP_ACT_KILL_PROCESS, add_maker);
}

int sandbox_filter_load_asker(void)
{
	return load(SCMP_ACT_KILL_PROCESS, add_asker);
}
