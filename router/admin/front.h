/* GET /: the page for browsers, else the table of `sioinit status`. */
#pragma once

struct admin_answer;
struct admin_view;
struct http_head;

void front_answer(const struct admin_view *v, const struct http_head *head, struct admin_answer *a);
