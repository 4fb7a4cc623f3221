/* A cluster worker that only broadcasts or counts broadcasts, cheap enough that what relays between
 * the members is measured. It says on its IPC channel what a Socket.IO app with cluster-adapter
 * 0.3.0 says (online, listen(), the adapter's first heartbeat), answers pings, and takes commands
 * from members.js on a socket whose path is in BENCH_MEMBERS:
 *
 *	load PAYLOAD PID AGAIN	the next broadcasts are those of member PID,
 *				AGAIN 1: encoded by a Node primary		-> ready
 *	send MS WINDOW N	broadcasts for MS milliseconds, WINDOW under way,
 *				until all N others have all of them		-> sent COUNT
 *	count			what has come since load: in order and byte
 *				for byte as it was sent, and otherwise		-> counted N M
 *
 * The members tell the sender of what they have got by a page of memory that they share (the file
 * BENCH_PROGRESS), which costs the relay nothing. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/macros.h"
#include "bench/broadcast.h"
#include "bench/cluster.h"

enum { IN_MAX = 512 << 10, STUCK_S = 3 };

struct progress {
	_Atomic uint64_t delivered; /* broadcasts, each counted by each that has it */
	_Atomic uint64_t goal;      /* the sender sleeps until `delivered` is that much */
	_Atomic uint32_t turns;     /* futex: it has become that much */
};

static struct {
	int channel, control;
	struct progress *progress;
	struct broadcast broadcast;
	uint32_t right, wrong;
	size_t in_len;
	char in[IN_MAX];
} member;

/* the channel */

static bool is_expected(const char *frame, size_t len)
{
	const struct buf *expected = &member.broadcast.frame;

	if (len != expected->len)
		return false;
	broadcast_set_number(&member.broadcast, member.right);
	return memcmp(frame, expected->p, len) == 0;
}

static void take_frame(const char *frame, size_t len)
{
	static const char ping[] = "\"\x0bNODE_HANDLE";

	if (is_expected(frame, len))
		member.right++;
	else if (broadcast_is(frame, len))
		member.wrong++;
	else if (memmem(frame, len, ping, sizeof(ping) - 1))
		cluster_answer_ping();
}

static void take_frames(void)
{
	size_t used = 0, n;

	while ((n = cluster_frame_len(member.in + used, member.in_len - used, IN_MAX)) > 0) {
		take_frame(member.in + used, n);
		used += n;
	}
	member.in_len -= used;
	memmove(member.in, member.in + used, member.in_len);
}

/* progress */

static long futex(int operation, uint32_t value, const struct timespec *timeout)
{
	return syscall(SYS_futex, &member.progress->turns, operation, value, timeout, NULL, 0);
}

static void progress_add(uint32_t n)
{
	struct progress *p = member.progress;
	uint64_t before = atomic_fetch_add(&p->delivered, n), goal = atomic_load(&p->goal);

	if (before >= goal || before + n < goal)
		return;
	atomic_fetch_add(&p->turns, 1);
	(void)futex(FUTEX_WAKE, INT_MAX, NULL);
}

/* False: it does not become that much. */
static bool progress_wait(uint64_t goal)
{
	const struct timespec patience = { .tv_sec = STUCK_S };
	struct progress *p = member.progress;
	uint32_t turns = atomic_load(&p->turns);

	atomic_store(&p->goal, goal);
	while (atomic_load(&p->delivered) < goal) {
		if (futex(FUTEX_WAIT, turns, &patience) < 0 && errno == ETIMEDOUT)
			return false;
		turns = atomic_load(&p->turns);
	}
	return true;
}

static void channel_readable(void)
{
	uint32_t before = member.right;
	ssize_t n =
	    recv(member.channel, member.in + member.in_len, IN_MAX - member.in_len, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		exit(0);
	member.in_len += (size_t)n;
	take_frames();
	if (member.right != before)
		progress_add(member.right - before);
}

/* commands */

static uint64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void send_broadcasts(unsigned ms, unsigned window, unsigned others)
{
	const struct buf *frame = &member.broadcast.frame;
	uint64_t end = clock_ms() + ms;
	bool stuck = false;
	uint32_t sent = 0;

	atomic_store(&member.progress->delivered, 0);
	while (!stuck && clock_ms() < end) {
		broadcast_set_number(&member.broadcast, sent++);
		cluster_write(frame->p, frame->len);
		if (sent >= window)
			stuck = !progress_wait((uint64_t)(sent + 1 - window) * others);
	}
	stuck = stuck || !progress_wait((uint64_t)sent * others);
	dprintf(member.control, "%s %u\n", stuck ? "stuck" : "sent", sent);
}

static void obey(const char *command)
{
	unsigned ms, window, others, reencoded;
	char payload[16];
	int sender;

	if (sscanf(command, "load %15s %d %u", payload, &sender, &reencoded) == 3 &&
	    broadcast_build(&member.broadcast, payload, sender, reencoded) == 0) {
		member.right = member.wrong = 0;
		dprintf(member.control, "ready\n");
	} else if (sscanf(command, "send %u %u %u", &ms, &window, &others) == 3 && window > 0) {
		send_broadcasts(ms, window, others);
	} else if (strcmp(command, "count\n") == 0) {
		dprintf(member.control, "counted %u %u\n", member.right, member.wrong);
	} else {
		fprintf(stderr, "bench-member: what is %s", command);
		exit(2);
	}
}

/* One at a time, so each comes in one piece. */
static void control_readable(void)
{
	char line[128];
	ssize_t n = read(member.control, line, sizeof(line) - 1);

	if (n <= 0)
		exit(0);
	line[n] = '\0';
	obey(line);
}

static void control_connect(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	member.control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (member.control < 0 || connect(member.control, (struct sockaddr *)&a, sizeof(a)) < 0) {
		perror("bench-member: BENCH_MEMBERS");
		exit(1);
	}
	dprintf(member.control, "member %d\n", (int)getpid());
}

static void progress_map(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	void *page = mmap(NULL, sizeof(struct progress), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (fd < 0 || page == MAP_FAILED) {
		perror("bench-member: BENCH_PROGRESS");
		exit(1);
	}
	close(fd);
	member.progress = page;
}

static void channel_open(void)
{
	const char *port = getenv("PORT");
	char uid[BROADCAST_UID + 1];

	member.channel = cluster_open();
	if (port)
		cluster_listen(atoi(port));
	broadcast_uid(getpid(), uid);
	cluster_heartbeat(uid);
}

int main(void)
{
	struct pollfd p[2];

	progress_map(cluster_required("BENCH_PROGRESS"));
	channel_open();
	control_connect(cluster_required("BENCH_MEMBERS"));
	p[0] = (struct pollfd){ .fd = member.channel, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = member.control, .events = POLLIN };
	for (;;) {
		(void)poll(p, ARRAY_LEN(p), -1);
		if (p[0].revents)
			channel_readable();
		if (p[1].revents)
			control_readable();
	}
}
