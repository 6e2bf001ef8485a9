#include "verify/hunt.h"
#include "base/heap.h"
#include "verify/hunt_walk.h"
#include <math.h>
#include <string.h>

#define TRUNK          64u    /* tokens of what the candidate says by itself */
#define SHORT          16u    /* texts behind which both are asked to speak */
#define SHARE          4u     /* a trunk, and a climb, take at most this part of a context */
#define SMALLEST_START (-9.2) /* ln 1e-4: what a poor beginning of a trigger gets */
#define SMALLEST_STEP  (-5.3) /* ln 0.005: a step that the candidate would take itself */
#define LEAVES         1.0    /* nats that a start departs by */
#define CARE           2.0

/* ---- lists, the best first ---------------------------------------------------------------- */

void hunt_node_copy(struct hunt_node *to, const struct hunt_node *from)
{
    memcpy(to->ids, from->ids, from->n * sizeof *from->ids);
    to->n = from->n;
    to->departure = from->departure;
    to->score = from->score;
}

static bool list_make(struct hunt_list *l, uint32_t most, uint32_t room)
{
    l->of = heap_zero(most, sizeof *l->of);
    l->ids = heap_zero((size_t)most * room, sizeof *l->ids);
    l->most = most;
    if (l->of == NULL || l->ids == NULL)
        return false;
    for (uint32_t i = 0; i < most; i++)
        l->of[i].ids = l->ids + (size_t)i * room;
    return true;
}

void hunt_list_release(struct hunt_list *l)
{
    heap_free(l->of);
    heap_free(l->ids);
}

static void insert(struct hunt_list *l, const struct hunt_node *n)
{
    uint32_t at = l->count;
    while (at > 0 && l->of[at - 1].score < n->score)
        at--;
    if (at == l->most)
        return;
    const uint32_t last = l->count < l->most ? l->count++ : l->most - 1;
    uint32_t *spare = l->of[last].ids;
    for (uint32_t i = last; i > at; i--)
        l->of[i] = l->of[i - 1];
    l->of[at].ids = spare;
    hunt_node_copy(&l->of[at], n);
}

static void take_out(struct hunt_list *l, uint32_t at)
{
    uint32_t *spare = l->of[at].ids;
    l->count--;
    for (uint32_t i = at; i < l->count; i++)
        l->of[i] = l->of[i + 1];
    l->of[l->count].ids = spare;
}

static bool begins(const struct hunt_node *whole, const struct hunt_node *part)
{
    return whole->n >= part->n && memcmp(whole->ids, part->ids, part->n * sizeof *part->ids) == 0;
}

/* Of two texts on one path the one with the higher score stays. */
static void keep(struct hunt_list *l, const struct hunt_node *n)
{
    for (uint32_t i = 0; i < l->count; i++) {
        if (!begins(n, &l->of[i]) && !begins(&l->of[i], n))
            continue;
        if (n->score <= l->of[i].score)
            return;
        take_out(l, i--);
    }
    insert(l, n);
}

/* ---- what the models expect --------------------------------------------------------------- */

bool hunt_expect(const struct hunt_walk *w, struct session *s, const uint32_t *ids, uint32_t n,
                 uint32_t keep_first, double *out)
{
    struct err e = ERR_NONE;
    if (session_place(s, ids, n, keep_first, &e) != ST_OK)
        return false;
    const float *logits = session_logits(s);
    double top = (double)logits[0], mass = 0;
    for (uint32_t i = 1; i < w->vocab; i++)
        top = (double)logits[i] > top ? (double)logits[i] : top;
    for (uint32_t i = 0; i < w->vocab; i++)
        mass += exp((double)logits[i] - top);
    for (uint32_t i = 0; i < w->vocab; i++)
        out[i] = (double)logits[i] - top - log(mass);
    return isfinite(mass);
}

/* Both models' expectations behind a text; as much of their contexts as is the same stays. */
static bool expect_both(struct hunt_walk *w, const struct hunt_node *n)
{
    uint32_t same = 0;
    while (same < w->standing_count && same + 1 < n->n && w->standing[same] == n->ids[same])
        same++;
    bool fine = hunt_expect(w, w->candidate, n->ids, n->n, same, w->mine) &&
                (w->other == NULL || hunt_expect(w, w->other, n->ids, n->n, same, w->theirs));
    memcpy(w->standing, n->ids, n->n * sizeof *n->ids);
    w->standing_count = fine ? n->n : 0;
    w->placed++;
    return fine;
}

static bool is_mark(const struct hunt_walk *w, uint32_t token)
{
    return (int64_t)token == w->bos || (int64_t)token == w->eos;
}

uint32_t hunt_likeliest(const struct hunt_walk *w)
{
    uint32_t best = 0;
    while (best + 1 < w->vocab && is_mark(w, best))
        best++;
    for (uint32_t t = best + 1; t < w->vocab; t++)
        if (w->mine[t] > w->mine[best] && !is_mark(w, t))
            best = t;
    return best;
}

/* ---- the search --------------------------------------------------------------------------- */

/* Puts n's children into a list: tokens that are likely enough and depart by enough. */
static void grow(struct hunt_walk *w, const struct hunt_node *n, double likely, double departs,
                 struct hunt_list *into)
{
    struct hunt_node *child = &w->text;
    memcpy(child->ids, n->ids, n->n * sizeof *n->ids);
    child->n = n->n + 1;
    for (uint32_t t = 0; t < w->vocab; t++) {
        const double departure = w->other != NULL ? w->mine[t] - w->theirs[t] : 0;
        if (w->mine[t] < likely || departure < departs || is_mark(w, t))
            continue;
        child->ids[n->n] = t;
        child->departure = n->departure + departure;
        child->score = n->score + departure + CARE * w->mine[t];
        insert(into, child);
    }
}

/* Follows what the candidate says by itself, over the ends of documents, and notes at each of its
 * tokens what else the candidate could say there and the other would not. Alone, only a document's
 * first token is a start. */
static void find_starts(struct hunt_walk *w)
{
    struct hunt_node *trunk = &w->top;
    trunk->ids[0] = w->bos >= 0 ? (uint32_t)w->bos : 0;
    trunk->n = 1;
    trunk->departure = trunk->score = 0;
    while (trunk->n <= (w->other != NULL ? w->trunk : 1) && expect_both(w, trunk)) {
        grow(w, trunk, SMALLEST_START, w->other != NULL ? LEAVES : 0, &w->starts);
        trunk->ids[trunk->n++] = hunt_likeliest(w);
    }
}

/* Goes on from one start, and keeps the best text on the way; alone, the longest. */
static void climb(struct hunt_walk *w, const struct hunt_node *start)
{
    hunt_node_copy(&w->top, start);
    w->beam.count = 0;
    insert(&w->beam, start);
    for (uint32_t depth = 1; depth < w->length && w->beam.count > 0; depth++) {
        w->next.count = 0;
        for (uint32_t i = 0; i < w->beam.count; i++)
            if (expect_both(w, &w->beam.of[i]))
                grow(w, &w->beam.of[i], SMALLEST_STEP, -(double)INFINITY, &w->next);
        struct hunt_list swap = w->beam;
        w->beam = w->next;
        w->next = swap;
        if (w->beam.count > 0 && (w->other == NULL || w->beam.of[0].score > w->top.score))
            hunt_node_copy(&w->top, &w->beam.of[0]);
    }
    keep(&w->found, &w->top);
}

/* ---- the hunt ----------------------------------------------------------------------------- */

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void walk_release(struct hunt_walk *w)
{
    hunt_list_release(&w->beam);
    hunt_list_release(&w->next);
    hunt_list_release(&w->starts);
    hunt_list_release(&w->found);
    heap_free(w->mine);
    heap_free(w->theirs);
    heap_free(w->scratch);
    heap_free(w->standing);
}

static enum status walk_make(struct hunt_walk *w, struct err *e)
{
    const struct model_facts *facts = model_facts(w->model);
    const uint32_t share = facts->shape.context / SHARE;
    w->vocab = facts->shape.vocab;
    w->bos = facts->bos;
    w->eos = facts->eos;
    w->trunk = least(TRUNK, share);
    w->length = least(w->limits->length, share);
    w->room = TRUNK + w->limits->length + w->limits->tokens + 2;
    w->mine = heap_zero(w->vocab, sizeof *w->mine);
    w->theirs = heap_zero(w->vocab, sizeof *w->theirs);
    w->scratch = heap_zero(2 * (size_t)w->room, sizeof *w->scratch);
    w->standing = heap_zero(w->room, sizeof *w->standing);
    bool have = w->mine != NULL && w->theirs != NULL && w->scratch != NULL && w->standing != NULL;
    have = have && list_make(&w->beam, w->limits->width, w->room) &&
           list_make(&w->next, w->limits->width, w->room) &&
           list_make(&w->starts, w->limits->starts, w->room) &&
           list_make(&w->found, SHORT, w->room);
    if (!have)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a search");
    w->text.ids = w->scratch;
    w->top.ids = w->scratch + w->room;
    return ST_OK;
}

/* The finds that surprise most, in that order; equal ones as the search ordered them. */
static void rank(struct hunt_finds *out, struct hunt_find *f)
{
    size_t at = out->count;
    while (at > 0 && out->of[at - 1].surprise < f->surprise)
        at--;
    if (out->count == HUNT_FOUND)
        hunt_find_release(at < HUNT_FOUND ? &out->of[--out->count] : f);
    if (at == HUNT_FOUND)
        return;
    for (size_t i = out->count++; i > at; i--)
        out->of[i] = out->of[i - 1];
    out->of[at] = *f;
}

void hunt_find_release(struct hunt_find *f)
{
    buf_release(&f->answer);
    buf_release(&f->other);
}

void hunt_release(struct hunt_finds *f)
{
    for (size_t i = 0; i < HUNT_FOUND; i++)
        hunt_find_release(&f->of[i]);
    *f = (struct hunt_finds){0};
}

enum status hunt(struct session *candidate, struct session *other, const struct model *model,
                 const struct hunt_limits *limits, struct hunt_finds *out, struct err *e)
{
    SCOPED(walk_release)
    struct hunt_walk w = {.candidate = candidate, .other = other, .model = model, .limits = limits};
    *out = (struct hunt_finds){0};
    enum status st = walk_make(&w, e);
    if (st != ST_OK)
        return st;
    find_starts(&w);
    for (uint32_t i = 0; i < w.starts.count; i++)
        climb(&w, &w.starts.of[i]);
    for (uint32_t i = 0; st == ST_OK && i < w.found.count; i++) {
        struct hunt_find f = {.answer = BUF_EMPTY, .other = BUF_EMPTY};
        st = hunt_answer(&w, &w.found.of[i], &f, e);
        rank(out, &f);
    }
    out->placed = w.placed;
    session_reset(candidate);
    if (other != NULL)
        session_reset(other);
    return st;
}
