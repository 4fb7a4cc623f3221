/* One question to a worker: a GET without keep-alive, of whose answer only the status matters; or a
 * ClientHello, of whose answer only the protocol does. */
#pragma once

struct question;
struct worker;

enum question_way {
	QUESTION_CHANNEL, /* one end of a private pair is handed over, as for proxied requests */
	QUESTION_OWN,     /* where the worker listens by itself */
	QUESTION_WAYS,
};

/* Once, from the loop. @status: that of the answer; 0: it has accepted, which was all that was
 * asked; or -errno: it has not; -ECONNRESET: it has closed without an answer; -EPROTO: it speaks
 * TLS; -EBADMSG: neither that nor HTTP. May close the question. */
typedef void question_fn(void *ctx, int status);

/* Asks for @path, which is borrowed until the answer; NULL (QUESTION_OWN): accepting is enough.
 * 0: *ret is to be closed with question_close(), and before @w is gone; until then what is left of
 * the answer is read and dropped. -errno: of QUESTION_OWN -ECONNREFUSED and -ENOENT are the
 * worker's doing, -EAGAIN means that its backlog is full; all others are ours. */
int question_ask(struct worker *w, enum question_way way, const char *path, question_fn *on_answer,
		 void *ctx, struct question **ret);

/* The same with a ClientHello that no server can agree to: one that speaks TLS says so in an alert
 * and has computed nothing (RFC 5246, 7.4.1.3; RFC 8446, 4.1.1), one that speaks HTTP answers 400,
 * before any of the app's handlers of requests. */
int question_say_hello(struct worker *w, enum question_way way, question_fn *on_answer, void *ctx,
		       struct question **ret);

/* By FIN as long as the worker has said nothing: a reset would be an unhandled 'error' event in an
 * app that has not attached its listener yet, and would kill it. NULL is fine. */
void question_close(struct question *q);
