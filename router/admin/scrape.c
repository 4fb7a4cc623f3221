/* Waiting for init, then for the thread that merges; whoever waits is answered in any case: without
 * the app's part when init is silent. */
#include "router/admin/scrape.h"

#include <errno.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "ipc/app_answers.h"
#include "ipc/tree.h"
#include "router/admin/prom_merge.h"
#include "router/backend/context.h"

#include "base/ban.h"

enum { SUMMARY_MAX = 4096 };

/* Everything that the thread works on. */
struct job {
	uv_work_t work;
	struct scrape *scrape;
	enum serialization mode;
	char *bytes; /* a private mapping: reading a tree spoils the text */
	size_t size;
	unsigned n_answered, n_missing, n_unreadable;
	unsigned formats; /* that somebody waits for, bits */
	struct buf texts[METRICS_N_FORMATS];
};

/* One thread is enough, whatever the app wants of its own libuv. */
void scrape_init(struct scrape *s, struct backend *b, scrape_finish_fn *finish)
{
	*s = (struct scrape){ .backend = b, .finish = finish };
	(void)setenv("UV_THREADPOOL_SIZE", "1", 1);
	(void)uv_timer_init(b->loop->uv, &s->timer);
}

void scrape_close(struct scrape *s)
{
	uv_close((uv_handle_t *)&s->timer, NULL);
}

/* Waiting */

static bool is_made(const struct job *j, enum metrics_format format)
{
	return !j || j->formats & BIT(format);
}

static void finish_one(struct scrape *s, const struct job *j, struct scrape_waiter w)
{
	struct scrape_part app = { .format = w.format };

	if (j)
		app.text = buf_str(&j->texts[w.format]);
	app.is_apps = app.text.n && j->n_answered > j->n_unreadable;
	s->finish(s, w.client, &app);
}

/* Those who wait for what @j has; all, for whom there is nothing, when it is NULL. */
static void finish_those(struct scrape *s, const struct job *j)
{
	for (unsigned i = 0; i < s->n_waiting;) {
		struct scrape_waiter w = s->waiting[i];

		if (is_made(j, w.format)) {
			s->waiting[i] = s->waiting[--s->n_waiting];
			finish_one(s, j, w);
		} else {
			i++;
		}
	}
}

static void finish_all(struct scrape *s)
{
	s->token = 0;
	(void)uv_timer_stop(&s->timer);
	finish_those(s, NULL);
}

static void on_silence(uv_timer_t *t)
{
	struct scrape *s = container_of(t, struct scrape, timer);

	log_warn(SIO_200, "router: init has not collected the app's metrics in time");
	finish_all(s);
}

static int ask(struct scrape *s)
{
	struct control_msg m = { .type = CONTROL_APP_METRICS, .token = ++s->backend->last_token };
	int e = control_send(s->backend->init, &m, -1);

	if (e < 0)
		return e;
	s->token = m.token;
	return uv_timer_start(&s->timer, on_silence, SCRAPE_TIMEOUT_MS, 0);
}

int scrape_await(struct scrape *s, struct client *c, enum metrics_format format)
{
	int e = 0;

	if (s->n_waiting == SCRAPE_WAITING_MAX)
		return -EBUSY;
	if (!s->token && !s->merging)
		e = ask(s);
	if (e == 0)
		s->waiting[s->n_waiting++] = (struct scrape_waiter){ c, format };
	return e;
}

void scrape_forget(struct scrape *s, const struct client *c)
{
	for (unsigned i = 0; i < s->n_waiting; i++)
		if (s->waiting[i].client == c) {
			s->waiting[i] = s->waiting[--s->n_waiting];
			return;
		}
}

/* Merging: on the thread */

static void add_answer(struct job *j, struct prom_merge *merge, char *payload, size_t n)
{
	json_t *answer;

	if (tree_read(j->mode, payload, n, &answer) < 0) {
		j->n_unreadable++;
		return;
	}
	j->n_unreadable += prom_merge_add(merge, answer) < 0;
	json_decref(answer);
}

static void add_answers(struct job *j, struct prom_merge *merge)
{
	struct app_answer list[APP_ANSWERS_MAX];
	size_t n = app_answers_find(j->bytes, j->size, list);

	j->n_answered = (unsigned)n;
	for (size_t i = 0; i < n; i++)
		add_answer(j, merge, j->bytes + list[i].at, list[i].n);
}

static void write_summary(const struct job *j, const struct prom_merge *merge,
			  struct metrics_text *t)
{
	metrics_family(t, "", "sioinit_app_metrics_workers", METRIC_GAUGE,
		       "Workers asked for the metrics of the app.");
	metrics_sample(t, j->n_answered - j->n_unreadable, "state=\"answered\"");
	metrics_sample(t, j->n_missing, "state=\"missing\"");
	metrics_sample(t, j->n_unreadable, "state=\"unreadable\"");
	metrics_family(t, "", "sioinit_app_metrics_left_out", METRIC_GAUGE,
		       "Metrics and samples of the app that are not among these.");
	metrics_sample(t, (double)prom_merge_left_out(merge), "%s", "");
	metrics_end(t);
}

/* What the app has leaves room for the summary. Empty: no memory. */
static void write_text(struct job *j, struct prom_merge *merge, enum metrics_format format)
{
	struct metrics_text t = { .out = &j->texts[format], .format = format };

	*t.out = BUF_INIT(SCRAPE_TEXT_MAX);
	if (prom_merge_write(merge, format, t.out) < 0)
		buf_free(t.out);
	t.out->max += SUMMARY_MAX;
	write_summary(j, merge, &t);
	if (t.err < 0)
		buf_free(t.out);
}

/* A scrape comes once in a while; glibc keeps for the thread what the trees took. */
static void give_back_memory(void)
{
#ifdef __GLIBC__
	(void)malloc_trim(0);
#endif
}

static void on_work(uv_work_t *work)
{
	struct job *j = container_of(work, struct job, work);
	struct prom_merge *merge = prom_merge_new();

	if (!merge)
		return;
	add_answers(j, merge);
	for (unsigned i = 0; i < METRICS_N_FORMATS; i++)
		if (j->formats & BIT(i))
			write_text(j, merge, i);
	prom_merge_free(merge);
	give_back_memory();
}

/* Back on the loop */

static void job_free(struct job *j)
{
	if (j->bytes)
		(void)munmap(j->bytes, j->size);
	for (unsigned i = 0; i < METRICS_N_FORMATS; i++)
		buf_free(&j->texts[i]);
	free(j);
}

static void on_merged(uv_work_t *work, int status)
{
	struct job *j = container_of(work, struct job, work);
	struct scrape *s = j->scrape;

	(void)status;
	s->merging = false;
	finish_those(s, j);
	job_free(j);
	if (s->n_waiting > 0 && !s->token && ask(s) < 0)
		finish_all(s);
}

static unsigned formats_wanted(const struct scrape *s)
{
	unsigned formats = 0;

	for (unsigned i = 0; i < s->n_waiting; i++)
		formats |= BIT(s->waiting[i].format);
	return formats;
}

/* NULL: errno. Where no worker has answered there is no descriptor and nothing to map. */
static struct job *job_new(struct scrape *s, const struct control_msg *m, int fd)
{
	struct job *j = calloc(1, sizeof(*j));
	struct stat st = { 0 };

	if (!j)
		return NULL;
	*j = (struct job){ .scrape = s,
			   .mode = m->style ? SERIAL_ADVANCED : SERIAL_JSON,
			   .n_missing = m->kind,
			   .formats = formats_wanted(s) };
	if (fd < 0)
		return j;
	if (fstat(fd, &st) == 0 && st.st_size > 0) {
		j->size = (size_t)st.st_size;
		j->bytes = mmap(NULL, j->size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
		if (j->bytes != MAP_FAILED)
			return j;
	}
	free(j);
	return NULL;
}

void scrape_collected(struct scrape *s, const struct control_msg *m, int fd)
{
	auto_fd int owned = fd;
	struct job *j;

	if (!s->token || m->token != s->token)
		return;
	s->token = 0;
	(void)uv_timer_stop(&s->timer);
	if (owned < 0 && m->kind == 0) { /* nobody was asked */
		finish_all(s);
		return;
	}
	j = job_new(s, m, owned);
	if (j && uv_queue_work(s->backend->loop->uv, &j->work, on_work, on_merged) == 0) {
		s->merging = true;
		return;
	}
	log_warn(SIO_201, "router: no memory for the app's metrics");
	if (j)
		job_free(j);
	finish_all(s);
}
