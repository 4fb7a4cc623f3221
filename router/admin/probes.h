/* What kubelets and load balancers ask. They look at the status; people at the one line of text, or
 * with ?verbose at a line for each check, as Kubernetes' API server answers:
 *
 *	[+]init ok
 *	[-]workers failed: no worker is ready
 *	readyz check failed
 *
 * ?exclude=NAME, as often as wanted, leaves a check out. */
#pragma once

struct admin_answer;
struct admin_view;
struct http_head;

/* 200 while init and router run: one dead worker is no reason to restart a pod. Check: init. */
void probe_livez(const struct admin_view *v, const struct http_head *head, struct admin_answer *a);

/* 200 while traffic is welcome: at least one worker is ready, and no stop has begun. Checks: init,
 * phase, workers. */
void probe_readyz(const struct admin_view *v, const struct http_head *head, struct admin_answer *a);

/* The same (the name that Kubernetes deprecated in 1.16). */
void probe_healthz(const struct admin_view *v, const struct http_head *head,
		   struct admin_answer *a);
