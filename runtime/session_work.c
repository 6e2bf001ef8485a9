/* Work of a session that knows nothing of text: ids through the model, and by how many threads. */
#include "base/checked.h"
#include "base/heap.h"
#include "runtime/session_state.h"

#define CACHE_LINE 64

void session_feed(struct session *s, const uint32_t *ids, size_t n, bool wanted)
{
    if (n == 1) {
        forward_token(&s->forward, &s->kv, ids[0], wanted ? s->logits : NULL);
        return;
    }
    forward_batch(&s->forward, &s->kv, ids, n, s->batch);
    if (wanted)
        __builtin_memcpy(s->logits, forward_logits(&s->forward, n, n - 1, 1, s->batch),
                         (size_t)s->held.logits);
}

enum status session_threads(struct session *s, unsigned threads, struct err *e)
{
    if (s == NULL)
        return err_set(e, ST_NULL_POINTER, NULL, "threads need a session");
    SCOPED(team_scope) struct team *team = NULL;
    SCOPED(heap_scope) float *scores = NULL;
    uint64_t bytes = 0;
    size_t n = 0;
    if (threads > 1) {
        enum status st = team_open(threads, &team, e);
        if (st != ST_OK)
            return st;
        if (checked_mul((uint64_t)(threads - 1) * sizeof(float), s->kv.context, &bytes) &&
            checked_size(bytes, &n))
            scores = heap_aligned(CACHE_LINE, n);
        if (scores == NULL)
            return err_set(e, ST_NO_MEMORY, "session-memory", "no memory for %u threads", threads);
    } else if (threads == 0) {
        return err_set(e, ST_INVALID_LENGTH, "threads", "there is at least one thread");
    }
    team_close(s->team);
    heap_free(s->more_scores);
    s->forward.team = s->team = team_take(&team);
    s->forward.more_scores = s->more_scores = scores;
    scores = NULL;
    s->held.threads = bytes;
    return ST_OK;
}
