/* One start: from fork to the first answer of all workers.
 *
 *	bench-start PORT WORKERS COMMAND [ARGUMENT]...
 *
 * Starts COMMAND, asks 127.0.0.1:PORT again and again, one request at a time, each on a connection
 * of its own, until WORKERS different ones have answered (the header Worker: PID), and ends the
 * command. Prints {"first_us":…,"all_us":…,"cpu_us":…,"answers":…}: until the first answer,
 * until all have answered, the processor time of COMMAND and its descendants until then, and how
 * many answers that took.
 *
 * An answer that does not come within PATIENCE_MS may never come, as a worker that boots loses what
 * it is handed too early: then the next request is sent beside it. */
#include <arpa/inet.h>
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/macros.h"

enum { WORKERS_MAX = 64, ASKED_MAX = 512, PATIENCE_MS = 10, PAUSE_NS = 5000000, GIVE_UP_S = 20 };

static const char request[] = "GET /plain HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";

static struct {
	struct pollfd asked[ASKED_MAX];
	size_t n_asked;
	unsigned long workers[WORKERS_MAX];
	size_t n_workers, n_answers;
} start;

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static pid_t run(char **argv)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	setpgid(0, 0);
	execvp(argv[0], argv);
	perror(argv[0]);
	_exit(127);
}

/* asking */

static void ask(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert(fd >= 0);
	if (start.n_asked < ASKED_MAX && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0 &&
	    send(fd, request, strlen(request), MSG_NOSIGNAL) > 0)
		start.asked[start.n_asked++] = (struct pollfd){ .fd = fd, .events = POLLIN };
	else
		close(fd);
}

static void count(unsigned long pid)
{
	for (size_t i = 0; i < start.n_workers; i++)
		if (start.workers[i] == pid)
			return;
	assert(start.n_workers < WORKERS_MAX);
	start.workers[start.n_workers++] = pid;
}

static void read_answer(int fd)
{
	char answer[2048];
	ssize_t n = recv(fd, answer, sizeof(answer) - 1, 0);
	const char *header;

	answer[n > 0 ? n : 0] = '\0';
	header = strcasestr(answer, "\r\nWorker: ");
	start.n_answers += header != NULL;
	if (header)
		count(strtoul(header + strlen("\r\nWorker: "), NULL, 10));
	close(fd);
}

static void wait_for_answers(void)
{
	if (poll(start.asked, start.n_asked, PATIENCE_MS) <= 0)
		return;
	for (size_t i = start.n_asked; i-- > 0;)
		if (start.asked[i].revents) {
			read_answer(start.asked[i].fd);
			start.asked[i] = start.asked[--start.n_asked];
		}
}

/* processor time */

static double file_number(const char *path)
{
	FILE *f = fopen(path, "re");
	double number = 0;

	if (f && fscanf(f, "%lf", &number) != 1)
		number = 0;
	if (f)
		fclose(f);
	return number;
}

static double cpu_us(pid_t pid);

static double cpu_of_children(pid_t pid)
{
	char path[64];
	double sum = 0;
	FILE *f;
	int child;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	f = fopen(path, "re");
	while (f && fscanf(f, "%d", &child) == 1)
		sum += cpu_us(child);
	if (f)
		fclose(f);
	return sum;
}

static double cpu_us(pid_t pid)
{
	char path[600];
	struct dirent *e;
	double sum = 0;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	while (tasks && (e = readdir(tasks))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", (int)pid, e->d_name);
		sum += file_number(path) / 1000;
	}
	if (tasks)
		closedir(tasks);
	return sum + cpu_of_children(pid);
}

/* The workers may be in groups of their own; their channels end with the command. */
static void end(pid_t pid)
{
	kill(pid, SIGTERM);
	for (int ms = 0; ms < 3000 && waitpid(pid, NULL, WNOHANG) == 0; ms++)
		usleep(1000);
	kill(-pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

int main(int argc, char **argv)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	int64_t began = now_us(), first = 0, all;
	size_t wanted;
	pid_t pid;

	if (argc < 4)
		return 2;
	wanted = strtoul(argv[2], NULL, 10);
	pid = run(argv + 3);
	while (start.n_workers < wanted && now_us() - began < GIVE_UP_S * 1000000LL) {
		ask((uint16_t)atoi(argv[1]));
		wait_for_answers();
		if (!first && start.n_workers)
			first = now_us() - began;
		if (start.n_workers < wanted)
			nanosleep(&pause, NULL); /* asking must not take the workers' time */
	}
	all = now_us() - began;
	if (start.n_workers == wanted)
		printf("{\"first_us\":%lld,\"all_us\":%lld,\"cpu_us\":%.0f,\"answers\":%zu}\n",
		       (long long)first, (long long)all, cpu_us(pid), start.n_answers);
	end(pid);
	return start.n_workers == wanted ? 0 : 1;
}
