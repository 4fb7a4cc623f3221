/* What a worker's app says of its servers (node.h: NODE_QUERY_SERVER, NODE_CLOSE, NODE_LISTENING).
 */
#pragma once

#include "init/worker/worker.h"

void listening_query(struct worker *w, const struct node_msg *q, const struct channel_frame *f);
void listening_closed(struct worker *w, const struct node_msg *m, const struct channel_frame *f);
void listening_begun(struct worker *w, const struct node_msg *m, const struct channel_frame *f);
