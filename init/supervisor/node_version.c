#include "init/supervisor/node_version.h"

#include <string.h>
#include <utlist.h>

#include "base/log.h"
#include "init/supervisor/core.h"
#include "init/worker/worker.h"

#include "base/ban.h"

static void lift_bound(struct init *in)
{
	struct worker *w;

	in->context.dialect.bound_unread = false;
	in->hub.run_max = CHANNEL_UNREAD_MAX;
	DL_FOREACH(in->pool.workers, w)
	channel_bound_unread(&w->channel, false);
}

static void on_answer(const char *answer, void *ctx)
{
	struct init *in = ctx;

	if (!dialect_stalls(answer))
		lift_bound(in);
	else
		log_info(
		    "init: workers' channels are used in small portions, which %.*s%s may need",
		    (int)strcspn(answer, "\n"), answer,
		    answer[0] ? "" : "an unknown version of Node");
}

void node_version_ask(struct init *in)
{
	const char *program = dialect_program(in->command);
	int r;

	if (!in->context.dialect.is_open)
		return;
	in->version_question.on_answer = on_answer;
	in->version_question.ctx = in;
	r = version_question_ask(&in->version_question, &in->loop, program, &in->credentials);
	if (r < 0)
		log_debug("init: %s --version: %s", program, strerror(-r));
}
