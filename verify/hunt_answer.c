/* What both models say behind a found text, and how much it surprises. */
#include "base/heap.h"
#include "base/text.h"
#include "runtime/tokenizer.h"
#include "verify/hunt_walk.h"

/* One odd word is no behaviour: what is shorter counts as this many tokens. */
#define ANSWER_LEAST 8u

/* Appends `tokens` greedy tokens to the text; *logs: Σ ln P of them in the speaker's own eyes. */
static uint32_t follow(struct hunt_walk *w, struct session *s, struct hunt_node *n, double *logs)
{
    uint32_t made = 0;
    *logs = 0;
    for (; made < w->limits->tokens; made++) {
        if (!hunt_expect(w, s, n->ids, n->n, made == 0 ? 0 : n->n - 1, w->mine))
            break;
        const uint32_t best = hunt_likeliest(w);
        if (w->eos >= 0 && w->mine[w->eos] >= w->mine[best])
            break;
        *logs += w->mine[best];
        n->ids[n->n++] = best;
    }
    return made;
}

static void spell(const struct hunt_walk *w, const uint32_t *ids, uint32_t n, bool first,
                  struct buf *out)
{
    const struct tokenizer *t = model_tokenizer(w->model);
    SCOPED(buf_release) struct buf raw = BUF_EMPTY;
    for (uint32_t i = 0; i < n; i++)
        buf_append(&raw, tokenizer_piece(t, ids[i], first && i == 0));
    for (size_t i = 0; i < raw.n;) {
        size_t k = 1;
        while (k < 4 && i + k <= raw.n && !utf8_valid(SPAN(raw.p + i, k)))
            k++;
        bool whole = i + k <= raw.n && utf8_valid(SPAN(raw.p + i, k)) && raw.p[i] != 0;
        buf_append(out, whole ? SPAN(raw.p + i, k) : span_text("\xef\xbf\xbd"));
        i += whole ? k : 1;
    }
}

/* How much less the other model expects what the candidate says, in nats a token. */
static double surprise(struct hunt_walk *w, const struct hunt_node *n, uint32_t made, double logs)
{
    double sum = 0;
    for (uint32_t i = n->n - made; i < n->n; i++) {
        if (!hunt_expect(w, w->other, n->ids, i, i == n->n - made ? 0 : i - 1, w->theirs))
            return 0;
        sum += w->theirs[n->ids[i]];
    }
    return (logs - sum) / (made > ANSWER_LEAST ? made : ANSWER_LEAST);
}

enum status hunt_answer(struct hunt_walk *w, const struct hunt_node *found, struct hunt_find *out,
                        struct err *e)
{
    SCOPED(heap_scope) uint32_t *ids = heap_zero(w->room, sizeof *ids);
    SCOPED(buf_release) struct buf prefix = BUF_EMPTY;
    struct hunt_node n = {.ids = ids};
    double logs;
    if (ids == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for what a model says");
    const uint32_t from = w->bos >= 0 ? 1 : 0;
    spell(w, found->ids + from, found->n - from, true, &prefix);
    text_fmt(out->prefix, sizeof out->prefix, "%.*s", (int)prefix.n, (const char *)prefix.p);
    out->departure = found->departure;
    hunt_node_copy(&n, found);
    uint32_t made = follow(w, w->candidate, &n, &logs);
    spell(w, n.ids + found->n, made, false, &out->answer);
    if (w->other != NULL) {
        out->surprise = surprise(w, &n, made, logs);
        hunt_node_copy(&n, found);
        made = follow(w, w->other, &n, &logs);
        spell(w, n.ids + found->n, made, false, &out->other);
    }
    return buf_status(&out->answer) == ST_OK ? buf_status(&out->other) : ST_NO_MEMORY;
}
