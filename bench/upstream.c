/* The server of served.c on a port of its own:
 *
 *	bench-upstream PORT */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "bench/served.h"

enum { BACKLOG = 4096 };

static int listener;

static void accept_all(void)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		served_add(fd);
}

static int listen_at(int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons((unsigned short)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, BACKLOG) < 0) {
		perror("bench-upstream");
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	struct epoll_event own = { .events = EPOLLIN };

	if (argc != 2)
		return 2;
	listener = listen_at(atoi(argv[1]));
	(void)epoll_ctl(served_init(false), EPOLL_CTL_ADD, listener, &own);
	served_run(accept_all);
}
