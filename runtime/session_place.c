/* A context given token by token: for searches that walk a tree of texts. */
#include "runtime/session_state.h"

enum status session_place(struct session *s, const uint32_t *ids, size_t n, size_t keep,
                          struct err *e)
{
    if (s == NULL || ids == NULL)
        return err_set(e, ST_NULL_POINTER, NULL, "a context needs a session and its tokens");
    if (n == 0 || keep >= n || keep > s->kv.length)
        return err_set(e, ST_INVALID_LENGTH, "context-length",
                       "%zu tokens cannot be placed behind %zu that stand", n, keep);
    if (n > s->kv.context)
        return err_set(e, ST_CONTEXT_EXCEEDED, "context-exceeded",
                       "%zu tokens; the context holds %u", n, s->kv.context);
    for (size_t i = keep; i < n; i++)
        if (ids[i] >= s->facts->shape.vocab)
            return err_set(e, ST_INVALID_LENGTH, "token-id", "there is no token %u", ids[i]);
    session_clear(s);
    s->kv.length = (uint32_t)keep;
    for (size_t i = keep, step; i < n; i += step) {
        step = n - i < FORWARD_BATCH ? n - i : FORWARD_BATCH;
        session_feed(s, ids + i, step, i + step == n);
    }
    s->has_logits = true;
    return session_conclude(s, ST_OK);
}
