/* /metrics: in which of Prometheus' two formats. */
#pragma once

struct admin_answer;
struct admin_view;
struct http_head;
struct scrape_part;

/* OpenMetrics for who asks for it and wants nothing else more (Accept); else text. Where the app
 * may have metrics of its own there is no answer yet: has_app_part is set. */
void metrics_answer(const struct admin_view *v, const struct http_head *head,
		    struct admin_answer *a);

/* The answer that @app belongs behind; without text of its own it is all. */
void metrics_with_app(const struct admin_view *v, const struct scrape_part *app,
		      struct admin_answer *a);
