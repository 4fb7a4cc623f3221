/* Messages are told apart by the members that such libraries mark them with. */
#include "init/worker/app_messages.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/macros.h"
#include "ipc/wire.h"

#include "base/ban.h"

/* In the order in which they name an unknown message. */
enum mark {
	M_TYPE,
	M_CMD,
	M_TOPIC,
	M_CHANNEL,
	M_EVENT,
	M_ACTION,
	M_METHOD,
	M_SOURCE,
	M_HUB,
	M_SHARED_MEMORY,
	M_NODE_CACHE,
	N_MARKS,
};

static const char *const marks[N_MARKS] = {
	[M_TYPE] = "type",
	[M_CMD] = "cmd",
	[M_TOPIC] = "topic",
	[M_CHANNEL] = "channel",
	[M_EVENT] = "event",
	[M_ACTION] = "action",
	[M_METHOD] = "method",
	[M_SOURCE] = "source",
	[M_HUB] = "hub",
	[M_SHARED_MEMORY] = "isSharedMemoryMessage",
	[M_NODE_CACHE] = "clusternodecache",
};

enum sort {
	NEEDS_PRIMARY, /* waits for an answer; another worker would take the question for one */
	NEEDS_OTHERS,  /* is lost without SIOINIT_RELAY_APP_MESSAGES */
	FOR_PM2,       /* monitoring, of which nothing is lost but pm2's own views */
};

static const struct known {
	enum mark mark;
	const char *value; /* "": is true or any text */
	bool prefix;
	enum sort sort;
	const char *library, *advice;
} table[] = {
	/* log4js 6.9.1 lib/clustering.js */
	{ M_TOPIC, "log4js:message", false, NEEDS_OTHERS, "log4js",
	  "the lines of its log are lost: configure it with disableClustering: true, and each "
	  "worker writes its own; or with pm2: true and SIOINIT_RELAY_APP_MESSAGES=on, and the "
	  "worker of NODE_APP_INSTANCE 0 writes them all" },
	/* rate-limiter-flexible 11.4.0 lib/RateLimiterCluster.js */
	{ M_CHANNEL, "rate_limiter_flexible", false, NEEDS_PRIMARY, "rate-limiter-flexible",
	  "RateLimiterCluster is never answered: take RateLimiterRedis, or RateLimiterMemory with "
	  "a "
	  "worker's share of the points" },
	/* cluster-shared-memory 1.1.5 src/worker.js */
	{ M_SHARED_MEMORY, "", false, NEEDS_PRIMARY, "cluster-shared-memory",
	  "it is never answered: keep what workers share in Redis or the like" },
	/* lru-cache-for-clusters-as-promised 1.7.4 lib/worker.js */
	{ M_SOURCE, "lru-cache-for-clusters-as-promised", false, NEEDS_PRIMARY,
	  "lru-cache-for-clusters-as-promised",
	  "it is never answered: let each worker have its own lru-cache" },
	/* cluster-node-cache 0.1.5 */
	{ M_NODE_CACHE, "", false, NEEDS_PRIMARY, "cluster-node-cache",
	  "it is never answered: let each worker have its own node-cache" },
	/* strong-store-cluster 1.0.1 lib/worker/request.js */
	{ M_TYPE, "DSM_REQUEST", false, NEEDS_PRIMARY, "strong-store-cluster",
	  "it is never answered: keep what workers share in Redis or the like" },
	/* cluster-hub 0.1.2 lib/Hub.js */
	{ M_HUB, "", false, NEEDS_PRIMARY, "cluster-hub",
	  "there is no hub in the primary: use cluster-adapter's serverSideEmit() or Redis" },
	/* @pm2/io 6.1.0 build/main/transports/IPCTransport.js, and pmx before it */
	{ M_TYPE, "axm:", true, FOR_PM2, "@pm2/io", "there is no pm2 to show it" },
};

_Static_assert(ARRAY_LEN(table) <= 32, "struct app_messages has a bit for each");

static bool is_known_by(const struct known *k, const struct value *v)
{
	if (k->value[0] == '\0')
		return v->type == VALUE_STRING || (v->type == VALUE_BOOL && v->boolean);
	return k->prefix ? wire_begins(v, k->value) : wire_is(v, k->value);
}

static const struct known *find_known(const struct value found[static N_MARKS])
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (is_known_by(&table[i], &found[table[i].mark]))
			return &table[i];
	return NULL;
}

static void say_known(struct app_messages *a, const struct known *k, uint32_t slot)
{
	uint32_t bit = BIT(k - table);

	if (a->said & bit)
		return;
	a->said |= bit;
	if (k->sort == FOR_PM2)
		log_debug("worker[%u]: %s reports to pm2: %s (said once)", slot, k->library,
			  k->advice);
	else
		log_warn(SIO_100,
			 "worker[%u]: %s sends messages to its cluster's primary, which sioinit is "
			 "not: %s (said once)",
			 slot, k->library, k->advice);
}

/* Unknown ones */

static void name_object(const struct value found[static N_MARKS], char *dst, size_t size)
{
	char text[APP_MESSAGES_SHAPE_SIZE / 2];

	for (size_t i = 0; i < N_MARKS; i++)
		if (wire_text(&found[i], text, sizeof(text)) >= 0) {
			(void)snprintf(dst, size, "with %s=%s", marks[i], text);
			return;
		}
	(void)snprintf(dst, size, "without type, cmd or topic");
}

/* What pm2 and others wait for; to nobody else do they mean anything. */
static bool is_sign_of_life(const struct value *root)
{
	return wire_is(root, "online") || wire_is(root, "offline") || wire_is(root, "started");
}

static bool is_news(struct app_messages *a, const char *shape)
{
	for (unsigned i = 0; i < a->n_unknown; i++)
		if (strcmp(a->unknown[i], shape) == 0)
			return false;
	(void)snprintf(a->unknown[a->n_unknown++], APP_MESSAGES_SHAPE_SIZE, "%s", shape);
	return true;
}

static void say_unknown(struct app_messages *a, uint32_t slot, const struct value *root,
			const struct value found[static N_MARKS])
{
	char shape[APP_MESSAGES_SHAPE_SIZE] = "that is no object";

	if (a->n_unknown == APP_MESSAGES_UNKNOWN_MAX || is_sign_of_life(root))
		return;
	if (root->type == VALUE_OBJECT)
		name_object(found, shape, sizeof(shape));
	if (is_news(a, shape))
		log_info("worker[%u]: process.send() of a message %s: nobody reads it; for the "
			 "other workers to get such messages set SIOINIT_RELAY_APP_MESSAGES=on "
			 "(said once)",
			 slot, shape);
}

bool app_messages_judge(struct app_messages *a, enum serialization mode, uint32_t slot,
			struct str payload, bool relays)
{
	struct value found[N_MARKS], root;
	const struct known *k;

	if (wire_skim(mode, payload, marks, N_MARKS, found, &root) < 0)
		return false;
	k = find_known(found);
	if (k && (k->sort != NEEDS_OTHERS || !relays))
		say_known(a, k, slot);
	else if (!k && !relays)
		say_unknown(a, slot, &root, found);
	return relays && (!k || k->sort == NEEDS_OTHERS);
}
