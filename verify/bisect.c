#include "verify/bisect.h"
#include "base/heap.h"
#include "base/text.h"
#include "runtime/session.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ENOUGH 0.05  /* of the difference may remain */
#define DEAR   0.002 /* of the difference: whoever costs as much alone carries */

void bisect_release(struct bisect_result *r)
{
    heap_free(r->of);
    *r = (struct bisect_result){0};
}

/* ---- what a model loses on the cases ------------------------------------------------------ */

static enum status nats(struct session *s, const char *context, const char *rest, double *out,
                        uint64_t *tokens, struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    double sum = 0;
    buf_text(&text, context);
    buf_text(&text, rest);
    enum status st = buf_status(&text);
    if (st != ST_OK)
        return err_set(e, st, NULL, "no memory for a case");
    st = session_score(s, buf_span(&text), &sum, tokens, e);
    *out = -sum;
    return st;
}

static enum status choice_cost(struct session *s, const struct suite_case *c, double *out,
                               struct err *e)
{
    double each[SUITE_CHOICES], least = 0, mass = 0;
    uint64_t tokens;
    enum status st = ST_OK;
    for (uint32_t i = 0; st == ST_OK && i < c->choice_count; i++) {
        st = nats(s, c->text, c->choices[i], &each[i], &tokens, e);
        least = i == 0 || each[i] < least ? each[i] : least;
    }
    for (uint32_t i = 0; st == ST_OK && i < c->choice_count; i++)
        mass += exp(least - each[i]);
    *out = st == ST_OK ? each[c->answer] - least + log(mass) : 0;
    return st;
}

static enum status case_cost(struct session *s, enum suite_kind kind, const struct suite_case *c,
                             double *out, struct err *e)
{
    uint64_t tokens = 1, before = 0;
    double whole = 0, prompt = 0;
    if (kind == SUITE_CHOICE)
        return choice_cost(s, c, out, e);
    enum status st = nats(s, c->text, kind == SUITE_EXACT ? c->expect : "", &whole, &tokens, e);
    if (st == ST_OK && kind == SUITE_EXACT)
        st = nats(s, c->text, "", &prompt, &before, e);
    *out = tokens > before ? (whole - prompt) / (double)(tokens - before) : 0;
    return st;
}

static enum status loss_of(const struct model *m, const struct suite *suite, size_t cases,
                           double *out, struct err *e)
{
    SCOPED(session_scope) struct session *s = NULL;
    double sum = 0;
    size_t n = 0;
    enum status st = session_open(m, &s, e);
    for (; st == ST_OK && n < cases && n < suite->count; n++) {
        double cost = 0;
        st = case_cost(s, suite->kind, &suite->cases[n], &cost, e);
        /* Damage may make logits that are no numbers: as dear as can be. */
        if (st == ST_GENERATION_FAILED) {
            *e = ERR_NONE;
            cost = 100;
            st = ST_OK;
        }
        sum += cost;
    }
    *out = n > 0 ? sum / (double)n : 0;
    return st;
}

/* ---- hybrids ------------------------------------------------------------------------------ */

struct search {
    const struct model *good, *bad;
    const struct suite *suite;
    size_t cases;
    size_t *place; /* [n] of the result's tensors: which place of the plan it is */
    bool *mix;     /* [places] */
    size_t places;
};

static void search_release(struct search *s)
{
    heap_free(s->place);
    heap_free(s->mix);
}

static enum status hybrid_loss(const struct search *s, const struct model *a, const struct model *b,
                               double *out, struct err *e)
{
    SCOPED(model_scope) struct model *m = NULL;
    enum status st = model_mix(a, b, s->mix, &m, e);
    return st == ST_OK ? loss_of(m, s->suite, s->cases, out, e) : st;
}

static enum status list(struct search *s, struct bisect_result *r, struct err *e)
{
    s->places = model_places(s->good);
    if (s->places > BISECT_TENSORS)
        return err_set(e, ST_INVALID_LENGTH, "bisect-tensors", "the models have %zu tensors",
                       s->places);
    r->of = heap_zero(s->places, sizeof *r->of);
    s->place = heap_zero(s->places, sizeof *s->place);
    s->mix = heap_zero(s->places, sizeof *s->mix);
    if (r->of == NULL || s->place == NULL || s->mix == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a list of tensors");
    for (size_t i = 0; i < s->places; i++) {
        struct bisect_tensor *t = &r->of[r->n];
        if (!model_place_name(s->good, i, t->name))
            continue;
        t->differs = !model_place_equal(s->good, s->bad, i);
        s->place[r->n++] = i;
    }
    return ST_OK;
}

static enum status weigh(const struct search *s, struct bisect_result *r, struct err *e)
{
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < r->n; i++) {
        double loss = 0;
        if (!r->of[i].differs)
            continue;
        s->mix[s->place[i]] = true;
        st = hybrid_loss(s, s->good, s->bad, &loss, e);
        s->mix[s->place[i]] = false;
        r->of[i].cost = loss - r->good;
    }
    return st;
}

static bool is_dear(const struct bisect_result *r, size_t i)
{
    return r->of[i].differs && r->of[i].cost >= DEAR * (r->bad - r->good);
}

/* The dearest one that does not carry yet; n when there is none. */
static size_t dearest(const struct bisect_result *r)
{
    size_t best = r->n;
    for (size_t i = 0; i < r->n; i++)
        if (r->of[i].differs && !r->of[i].carries &&
            (best == r->n || r->of[i].cost > r->of[best].cost))
            best = i;
    return best;
}

static void carry(const struct search *s, struct bisect_result *r, size_t i, bool carries)
{
    r->of[i].carries = carries;
    s->mix[s->place[i]] = carries;
    r->carriers = carries ? r->carriers + 1 : r->carriers - 1;
}

/* One that was taken along without need goes back. */
static enum status trim(const struct search *s, struct bisect_result *r, double enough,
                        struct err *e)
{
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < r->n; i++) {
        double without = 0;
        if (!r->of[i].carries || is_dear(r, i))
            continue;
        carry(s, r, i, false);
        st = hybrid_loss(s, s->bad, s->good, &without, e);
        if (st == ST_OK && without <= enough)
            r->restored = without;
        else
            carry(s, r, i, true);
    }
    return st;
}

static enum status restore(const struct search *s, struct bisect_result *r, struct err *e)
{
    const double enough = r->good + ENOUGH * (r->bad - r->good);
    for (size_t i = 0; i < r->n; i++)
        if (is_dear(r, i))
            carry(s, r, i, true);
    enum status st = hybrid_loss(s, s->bad, s->good, &r->restored, e);
    while (st == ST_OK && r->restored > enough) {
        size_t i = dearest(r);
        if (i == r->n)
            break;
        carry(s, r, i, true);
        st = hybrid_loss(s, s->bad, s->good, &r->restored, e);
    }
    return st == ST_OK ? trim(s, r, enough, e) : st;
}

enum status bisect(const struct model *good, const struct model *bad, const struct suite *suite,
                   size_t cases, struct bisect_result *out, struct err *e)
{
    SCOPED(search_release)
    struct search s = {.good = good, .bad = bad, .suite = suite, .cases = cases};
    *out = (struct bisect_result){0};
    if (suite->kind == SUITE_PATTERN || suite->kind == SUITE_BATTERY)
        return err_set(e, ST_USAGE, "bisect-suite",
                       "a %s suite has no cost a tensor could carry; take choice, exact or text",
                       suite_kind_name(suite->kind));
    enum status st = list(&s, out, e);
    if (st == ST_OK) /* all from bad: also the check that they are of one shape */
        st = hybrid_loss(&s, good, bad, &out->good, e);
    if (st == ST_OK)
        st = loss_of(bad, suite, cases, &out->bad, e);
    if (st == ST_OK && !(out->bad > out->good))
        st = err_set(e, ST_USAGE, "bisect-not-worse",
                     "the second model is not worse on these cases");
    if (st == ST_OK)
        st = weigh(&s, out, e);
    if (st == ST_OK)
        st = restore(&s, out, e);
    if (st != ST_OK)
        bisect_release(out);
    return st;
}
