/* /metrics: in which of Prometheus' two formats. */
#pragma once

struct admin_answer;
struct admin_view;
struct http_head;

/* OpenMetrics for who asks for it and wants nothing else more (Accept); else text. An app that has
 * metrics of its own gets text in any case: its names need not be such as OpenMetrics knows. */
void metrics_answer(const struct admin_view *v, const struct http_head *head,
		    struct admin_answer *a);
