/* The least that a tunnel costs, by read and write through a buffer and by splice(2) through a
 * pipe: one client sends messages through this process to a server that sends each one back.
 *
 *	bench-floor-tunnel copy|splice BYTES COUNT
 *
 * Prints the CPU time of the process in the middle, in microseconds for a message and its echo. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BITE = 60 << 10, MESSAGE_MAX = 1 << 20, SIDES = 2 };

static char buffer[MESSAGE_MAX];
static int tube[2];

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static struct sockaddr_in address_of(int fd)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	must(getsockname(fd, (struct sockaddr *)&a, &len) == 0, "getsockname");
	return a;
}

static int listen_on_loopback(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	must(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0, "bind");
	must(listen(fd, 1) == 0, "listen");
	return fd;
}

static int connect_to(struct sockaddr_in a)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	must(connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0, "connect");
	return fd;
}

static void send_message(int fd, size_t n)
{
	while (n > 0) {
		ssize_t k = write(fd, buffer, n);

		if (k <= 0)
			exit(0);
		n -= (size_t)k;
	}
}

static void receive_message(int fd, size_t n)
{
	while (n > 0) {
		ssize_t k = read(fd, buffer, n);

		if (k <= 0)
			exit(0);
		n -= (size_t)k;
	}
}

/* In processes of their own, which end with this one. */
static bool forked(void)
{
	if (fork() > 0)
		return false;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return true;
}

static void serve(int listener, size_t bytes)
{
	int fd = accept(listener, NULL, NULL);

	for (;;) {
		receive_message(fd, bytes);
		send_message(fd, bytes);
	}
}

static void ask(int fd, size_t bytes, unsigned count)
{
	while (count-- > 0) {
		send_message(fd, bytes);
		receive_message(fd, bytes);
	}
	exit(0);
}

static ssize_t take_copy(int from)
{
	return recv(from, buffer, BITE, MSG_DONTWAIT);
}

static ssize_t give_copy(int to, size_t done, size_t n)
{
	return send(to, buffer + done, n - done, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static ssize_t take_splice(int from)
{
	return splice(from, NULL, tube[1], NULL, BITE, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
}

static ssize_t give_splice(int to, size_t done, size_t n)
{
	return splice(tube[0], NULL, to, NULL, n - done, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
}

static const struct way {
	const char *name;
	ssize_t (*take)(int from);
	ssize_t (*give)(int to, size_t done, size_t n);
} ways[] = { { "copy", take_copy, give_copy }, { "splice", take_splice, give_splice } };

/* False: the client has ended. */
static bool pass_on(const struct way *way, int from, int to)
{
	struct pollfd room = { .fd = to, .events = POLLOUT };
	ssize_t n = way->take(from), k;

	if (n <= 0)
		return n < 0 && errno == EAGAIN;
	for (size_t done = 0; done < (size_t)n; done += (size_t)k) {
		k = way->give(to, done, (size_t)n);
		if (k < 0 && errno == EAGAIN) {
			poll(&room, 1, -1);
			k = 0;
		}
		must(k >= 0, way->name);
	}
	return true;
}

static void run(const struct way *way, const int side[SIDES])
{
	int epoll = epoll_create1(0), n;
	struct epoll_event events[SIDES];
	bool alive = true;

	for (unsigned i = 0; i < SIDES; i++) {
		events[i] = (struct epoll_event){ .events = EPOLLIN, .data.u32 = i };
		epoll_ctl(epoll, EPOLL_CTL_ADD, side[i], &events[i]);
		fcntl(side[i], F_SETFL, O_NONBLOCK);
	}
	while (alive) {
		n = epoll_wait(epoll, events, SIDES, -1);
		for (int i = 0; i < n; i++) {
			unsigned from = events[i].data.u32;

			alive = pass_on(way, side[from], side[!from]) && alive;
		}
	}
}

static double cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

int main(int argc, char **argv)
{
	const struct way *way = &ways[argc > 1 && strcmp(argv[1], "splice") == 0];
	size_t bytes = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	unsigned count = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
	int front = listen_on_loopback(), back = listen_on_loopback(), side[SIDES];
	double begin;

	if (bytes == 0 || bytes > MESSAGE_MAX || count == 0) {
		fprintf(stderr, "usage: bench-floor-tunnel copy|splice BYTES COUNT\n");
		return 2;
	}
	if (forked())
		serve(back, bytes);
	if (forked())
		ask(connect_to(address_of(front)), bytes, count);
	side[0] = accept(front, NULL, NULL);
	side[1] = connect_to(address_of(back));
	must(pipe2(tube, O_NONBLOCK) == 0, "pipe2");
	begin = cpu_us();
	run(way, side);
	printf("%.1f\n", (cpu_us() - begin) / count);
	return 0;
}
