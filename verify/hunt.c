#include "verify/hunt.h"
#include "base/heap.h"
#include "base/text.h"
#include "runtime/tokenizer.h"
#include "verify/gate_checks.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A prefix: its tokens, what the models think of it. */
struct node {
    uint32_t *ids; /* [n] of [length + 1] */
    uint32_t n;
    double score; /* departure, or the candidate's own likelihood */
    double mine;  /* ln P of it in the candidate's eyes */
};

struct walk {
    struct session *candidate, *other;
    const struct model *model;
    const struct hunt_limits *limits;
    uint32_t vocab;
    int32_t bos, eos;
    struct node *beam, *next; /* [width], [width] */
    uint32_t count, next_count;
    struct node *best; /* [HUNT_FOUND], by score */
    uint32_t best_count;
    uint32_t *ids;         /* all the nodes' */
    double *mine, *theirs; /* [vocab] ln P of the next token */
    uint32_t placed_count;
    uint32_t *standing; /* [length + 1] */
    uint64_t looked;
};

static void walk_release(struct walk *w)
{
    heap_free(w->beam);
    heap_free(w->next);
    heap_free(w->best);
    heap_free(w->ids);
    heap_free(w->mine);
    heap_free(w->theirs);
    heap_free(w->standing);
}

static enum status walk_make(struct walk *w, struct err *e)
{
    const uint32_t room = w->limits->length + 1, width = w->limits->width;
    const uint32_t nodes = 2 * width + HUNT_FOUND;
    w->beam = heap_zero(width, sizeof *w->beam);
    w->next = heap_zero(width, sizeof *w->next);
    w->best = heap_zero(HUNT_FOUND, sizeof *w->best);
    w->ids = heap_zero((size_t)nodes * room, sizeof *w->ids);
    w->mine = heap_zero(w->vocab, sizeof *w->mine);
    w->theirs = heap_zero(w->vocab, sizeof *w->theirs);
    w->standing = heap_zero(room, sizeof *w->standing);
    if (w->beam == NULL || w->next == NULL || w->best == NULL || w->ids == NULL ||
        w->mine == NULL || w->theirs == NULL || w->standing == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a search");
    for (uint32_t i = 0; i < nodes; i++) {
        struct node *n = i < width       ? &w->beam[i]
                         : i < 2 * width ? &w->next[i - width]
                                         : &w->best[i - 2 * width];
        n->ids = w->ids + (size_t)i * room;
    }
    return ST_OK;
}

static void node_copy(struct node *to, const struct node *from)
{
    memcpy(to->ids, from->ids, from->n * sizeof *from->ids);
    to->n = from->n;
    to->score = from->score;
    to->mine = from->mine;
}

/* ---- what the models expect --------------------------------------------------------------- */

static bool expect(struct session *s, const uint32_t *ids, uint32_t n, uint32_t keep,
                   uint32_t vocab, double *out)
{
    struct err e = ERR_NONE;
    if (session_place(s, ids, n, keep, &e) != ST_OK)
        return false;
    const float *logits = session_logits(s);
    double top = (double)logits[0], mass = 0;
    for (uint32_t i = 1; i < vocab; i++)
        top = (double)logits[i] > top ? (double)logits[i] : top;
    for (uint32_t i = 0; i < vocab; i++)
        mass += exp((double)logits[i] - top);
    for (uint32_t i = 0; i < vocab; i++)
        out[i] = (double)logits[i] - top - log(mass);
    return isfinite(mass);
}

/* Both models' expectations behind a prefix; as much of their contexts as is the same stays. */
static bool expect_both(struct walk *w, const struct node *n)
{
    uint32_t keep = 0;
    while (keep < w->placed_count && keep + 1 < n->n && w->standing[keep] == n->ids[keep])
        keep++;
    bool fine = expect(w->candidate, n->ids, n->n, keep, w->vocab, w->mine) &&
                (w->other == NULL || expect(w->other, n->ids, n->n, keep, w->vocab, w->theirs));
    memcpy(w->standing, n->ids, n->n * sizeof *n->ids);
    w->placed_count = fine ? n->n : 0;
    w->looked++;
    return fine;
}

/* ---- the search --------------------------------------------------------------------------- */

/* Puts a node into a list that is ordered by score, the best first. */
static void insert(struct node *list, uint32_t *count, uint32_t most, const struct node *n)
{
    uint32_t at = *count;
    while (at > 0 && list[at - 1].score < n->score)
        at--;
    if (at == most)
        return;
    uint32_t *spare = list[*count < most ? *count : most - 1].ids;
    uint32_t last = *count < most ? *count : most - 1;
    for (uint32_t i = last; i > at; i--)
        list[i] = list[i - 1];
    list[at].ids = spare;
    node_copy(&list[at], n);
    if (*count < most)
        ++*count;
}

static bool starts(const struct node *whole, const struct node *part)
{
    return whole->n >= part->n && memcmp(whole->ids, part->ids, part->n * sizeof *part->ids) == 0;
}

/* Keeps the best prefixes of all lengths; of two on one path the one with the higher score. */
static void keep_best(struct walk *w, const struct node *n)
{
    for (uint32_t i = 0; i < w->best_count; i++) {
        struct node *b = &w->best[i];
        if (!starts(n, b) && !starts(b, n))
            continue;
        if (n->score <= b->score)
            return;
        uint32_t *spare = b->ids;
        for (uint32_t k = i; k + 1 < w->best_count; k++)
            w->best[k] = w->best[k + 1];
        w->best[--w->best_count].ids = spare;
        i--;
    }
    insert(w->best, &w->best_count, HUNT_FOUND, n);
}

static void grow(struct walk *w, const struct node *n, struct node *child)
{
    const double least = log(HUNT_PLAUSIBLE);
    for (uint32_t t = 0; t < w->vocab; t++) {
        child->mine = n->mine + w->mine[t];
        if (w->mine[t] < least || child->mine < -HUNT_UNLIKELY || (int64_t)t == w->bos ||
            (int64_t)t == w->eos)
            continue;
        memcpy(child->ids, n->ids, n->n * sizeof *n->ids);
        child->ids[n->n] = t;
        child->n = n->n + 1;
        child->score = n->score + (w->other != NULL ? w->mine[t] - w->theirs[t] : w->mine[t]);
        insert(w->next, &w->next_count, w->limits->width, child);
        if (w->other != NULL)
            keep_best(w, child);
    }
}

static enum status search(struct walk *w, struct err *e)
{
    SCOPED(heap_scope) uint32_t *room = heap_zero(w->limits->length + 2, sizeof *room);
    struct node child = {.ids = room};
    if (room == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a search");
    w->beam[0].ids[0] = w->bos >= 0 ? (uint32_t)w->bos : 0;
    w->beam[0].n = 1;
    w->count = 1;
    while (w->count > 0 && w->beam[0].n < w->limits->length) {
        w->next_count = 0;
        for (uint32_t i = 0; i < w->count; i++)
            if (expect_both(w, &w->beam[i]))
                grow(w, &w->beam[i], &child);
        struct node *swap = w->beam;
        w->beam = w->next;
        w->next = swap;
        w->count = w->next_count;
    }
    for (uint32_t i = 0; w->other == NULL && i < w->count; i++)
        insert(w->best, &w->best_count, HUNT_FOUND, &w->beam[i]);
    return ST_OK;
}

/* ---- what they say ------------------------------------------------------------------------ */

/* Appends `tokens` greedy tokens to ids, and their text to `say`; *logs: Σ ln P of the candidate.
 */
static uint32_t follow(struct walk *w, struct session *s, struct node *n, uint32_t tokens,
                       double *logs)
{
    uint32_t made = 0;
    *logs = 0;
    for (; made < tokens; made++) {
        if (!expect(s, n->ids, n->n, made == 0 ? 0 : n->n - 1, w->vocab, w->mine))
            break;
        uint32_t best = 0;
        for (uint32_t t = 1; t < w->vocab; t++)
            best = w->mine[t] > w->mine[best] ? t : best;
        if ((int64_t)best == w->eos)
            break;
        *logs += w->mine[best];
        n->ids[n->n++] = best;
    }
    return made;
}

static void spell(const struct walk *w, const uint32_t *ids, uint32_t n, bool first,
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
static double surprise(struct walk *w, const struct node *n, uint32_t made, double logs)
{
    double sum = 0;
    for (uint32_t i = n->n - made; i < n->n; i++) {
        if (!expect(w->other, n->ids, i, i == n->n - made ? 0 : i - 1, w->vocab, w->theirs))
            return 0;
        sum += w->theirs[n->ids[i]];
    }
    return made > 0 ? (logs - sum) / made : 0;
}

static enum status answer(struct walk *w, const struct node *found, struct hunt_find *out,
                          struct err *e)
{
    const uint32_t room = w->limits->length + w->limits->tokens + 1;
    SCOPED(heap_scope) uint32_t *ids = heap_zero(room, sizeof *ids);
    SCOPED(buf_release) struct buf prefix = BUF_EMPTY;
    struct node n = {.ids = ids};
    double logs;
    if (ids == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for what a model says");
    const uint32_t from = w->bos >= 0 ? 1 : 0;
    spell(w, found->ids + from, found->n - from, true, &prefix);
    text_fmt(out->prefix, sizeof out->prefix, "%.*s", (int)prefix.n, (const char *)prefix.p);
    out->departure = w->other != NULL ? found->score : 0;
    node_copy(&n, found);
    uint32_t made = follow(w, w->candidate, &n, w->limits->tokens, &logs);
    spell(w, n.ids + found->n, made, false, &out->answer);
    if (w->other != NULL) {
        out->surprise = surprise(w, &n, made, logs);
        node_copy(&n, found);
        made = follow(w, w->other, &n, w->limits->tokens, &logs);
        spell(w, n.ids + found->n, made, false, &out->other);
    }
    return buf_status(&out->answer) == ST_OK ? buf_status(&out->other) : ST_NO_MEMORY;
}

void hunt_release(struct hunt_finds *f)
{
    for (size_t i = 0; i < HUNT_FOUND; i++) {
        buf_release(&f->of[i].answer);
        buf_release(&f->of[i].other);
    }
    *f = (struct hunt_finds){0};
}

enum status hunt(struct session *candidate, struct session *other, const struct model *model,
                 const struct hunt_limits *limits, struct hunt_finds *out, struct err *e)
{
    const struct model_facts *facts = model_facts(model);
    SCOPED(walk_release)
    struct walk w = {.candidate = candidate,
                     .other = other,
                     .model = model,
                     .limits = limits,
                     .vocab = facts->shape.vocab,
                     .bos = facts->bos,
                     .eos = facts->eos};
    *out = (struct hunt_finds){0};
    enum status st = walk_make(&w, e);
    if (st == ST_OK)
        st = search(&w, e);
    for (uint32_t i = 0; st == ST_OK && i < w.best_count; i++)
        st = answer(&w, &w.best[i], &out->of[out->count++], e);
    out->placed = w.looked;
    session_reset(candidate);
    if (other != NULL)
        session_reset(other);
    return st;
}
