/* What is said once. See notices.h. */
#include "router/client/notices.h"

#include <stdio.h>

#include "base/log.h"
#include "router/backend/workers.h"
#include "router/client/identity.h"
#include "router/http/forwarded.h"
#include "router/http/head.h"
#include "router/session/sid.h"

#include "base/ban.h"

/* Around the address or the worker. What is nobody's mistake is info. */
static const struct {
	enum log_level level;
	enum log_id id;
	const char *before, *after;
} texts[NOTICE_N_KINDS] = {
	[NOTICE_NO_PROXY_HEADER] = { LOG_LEVEL_WARN, SIO_240, "",
				     " sends no PROXY header, which SIOINIT_PROXY_PROTOCOL=on asks "
				     "for; such connections are closed" },
	[NOTICE_CLAIMS_REPLACED] = { LOG_LEVEL_WARN, SIO_241,
				     "the X-Forwarded-* or Forwarded fields that ",
				     " sends are left out; if it is a proxy of yours, name it in "
				     "SIOINIT_TRUSTED_PROXIES" },
	[NOTICE_TLS_REFUSED] = { LOG_LEVEL_WARN, SIO_242, "",
				 " speaks TLS, and the app's server at the public port speaks "
				 "HTTP: "
				 "refused with 400; use http:// here, end TLS in a proxy in front "
				 "of "
				 "sioinit, or let the app listen with https.createServer()" },
	[NOTICE_NO_HTTP_REFUSED] = { LOG_LEVEL_WARN, SIO_243, "",
				     " speaks no HTTP, and the app's server at the public port "
				     "does: refused with 400; is it meant for another port?" },
	[NOTICE_HEAD_TOO_LARGE] = { LOG_LEVEL_WARN, SIO_244, "a request head from ",
				    " is larger than SIOINIT_MAX_HEAD_BYTES, or has more than 128 "
				    "fields: refused with 431 or 414" },
	[NOTICE_ADDRESS_FULL] = { LOG_LEVEL_WARN, SIO_245, "",
				  " has as many connections as "
				  "SIOINIT_MAX_CONNECTIONS_PER_ADDRESS allows: more are refused "
				  "with 429" },
	[NOTICE_ROUTER_FULL] = { LOG_LEVEL_WARN, SIO_246, "",
				 " is refused with 503: there are as many clients as "
				 "SIOINIT_MAX_CONNECTIONS, or the open files (ulimit -n), allow" },
	[NOTICE_HANDSHAKES_TOO_FAST] = { LOG_LEVEL_WARN, SIO_247, "a new session of ",
					 " is refused with 503: there are more per second than "
					 "SIOINIT_HANDSHAKE_RATE allows" },
	[NOTICE_HEAD_TOO_SLOW] = { LOG_LEVEL_INFO, SIO_248, "",
				   " has sent half a request head and no more for "
				   "SIOINIT_HEADER_TIMEOUT: refused with 408" },
	[NOTICE_SILENT] = { LOG_LEVEL_INFO, SIO_249, "",
			    " has said nothing for SIOINIT_HEADER_TIMEOUT: closed; if the app's "
			    "server is meant to speak first, let it listen at another port than "
			    "the public one, where it may" },
	[NOTICE_BODY_TOO_SLOW] = { LOG_LEVEL_INFO, SIO_250, "",
				   " has sent or taken nothing in the middle of a request for "
				   "SIOINIT_BODY_TIMEOUT: the connection ends, with 408 where that "
				   "is possible" },
	[NOTICE_UPGRADE_MISSING] = { LOG_LEVEL_WARN, SIO_251, "a WebSocket request from ",
				     " came without its upgrade: the proxy in front has to speak "
				     "HTTP/1.1 and pass the fields Upgrade and Connection on" },
	[NOTICE_UPGRADE_DROPPED] = { LOG_LEVEL_INFO, SIO_252, "",
				     " asks for an upgrade that is no WebSocket's (as h2c): left "
				     "out, and the request goes on without it" },
	[NOTICE_ANSWER_TOO_LARGE] = { LOG_LEVEL_WARN, SIO_253, "",
				      " answers with a head of more than 64 KiB or 128 fields: "
				      "502" },
	[NOTICE_ANSWER_NO_HTTP] = { LOG_LEVEL_WARN, SIO_254, "",
				    " gives an answer that is no HTTP, or changes protocols "
				    "unasked: "
				    "502" },
};

void notice(struct notices *ns, enum notice kind, const char *who)
{
	bool *said = &ns->said[kind];

	if (!*said)
		log_at(texts[kind].level, texts[kind].id, "router: %s%s%s (not said again)",
		       texts[kind].before, who, texts[kind].after);
	*said = true;
}

void notice_worker(struct notices *ns, enum notice kind, const struct worker *w)
{
	char who[32] = "a worker";

	if (w)
		(void)snprintf(who, sizeof(who), "worker[%u]", w->slot);
	notice(ns, kind, who);
}

static bool lacks_upgrade(const struct http_head *head, const struct sid_request *sid)
{
	return sid->engine && !head->websocket &&
	       str_eq(sid_parameter(head->target, STR("transport")), STR("websocket"));
}

static bool drops_upgrade(const struct http_head *head)
{
	return !head->websocket && http_has_member(head, STR("connection"), STR("upgrade")) &&
	       http_field_get(head, STR("upgrade")).n;
}

void notice_request(struct notices *ns, const struct identity *who, const struct http_head *head,
		    const struct sid_request *sid)
{
	const bool *said = ns->said;

	if (!said[NOTICE_CLAIMS_REPLACED] && !who->trusted && forwarded_has_claim(head))
		notice(ns, NOTICE_CLAIMS_REPLACED, who->addr);
	if (!said[NOTICE_UPGRADE_MISSING] && lacks_upgrade(head, sid))
		notice(ns, NOTICE_UPGRADE_MISSING, who->addr);
	else if (!said[NOTICE_UPGRADE_DROPPED] && drops_upgrade(head))
		notice(ns, NOTICE_UPGRADE_DROPPED, who->addr);
}
