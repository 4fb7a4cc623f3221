/* `PROGRAM --version`, asked beside everything else: nobody waits for the answer. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

struct credentials;

struct version_question {
	uv_poll_t poll;
	uv_timer_t deadline;
	int fd;
	pid_t pid; /* 0: has ended */
	bool is_asked;
	size_t len;
	char answer[64];
	/* Once, from the loop, with what it has printed within two seconds, up to its first line's
	 * end; "" if that is nothing. */
	void (*on_answer)(const char *answer, void *ctx);
	void *ctx;
};

/* Starts @program as @as; .on_answer and .ctx are set. 0 or -errno: there will be no answer. */
int version_question_ask(struct version_question *q, uv_loop_t *loop, const char *program,
			 const struct credentials *as);

/* Told of every child that was reaped. True: it was this one. */
bool version_question_ended(struct version_question *q, pid_t pid);
