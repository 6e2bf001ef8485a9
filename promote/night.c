#include "promote/night.h"
#include "base/heap.h"
#include "base/text.h"
#include "promote/leave.h"
#include "verify/gate_checks.h"
#include <stdlib.h>
#include <string.h>

#define HOLDERS_MAX 100000u

void night_release(struct night *n)
{
    for (size_t i = 0; i < n->count; i++)
        for (size_t k = 0; k < n->items[i].gate_count; k++)
            heap_free(n->items[i].gates[k].checks);
    heap_free(n->items);
    *n = (struct night){0};
}

static int badness(enum verdict v)
{
    static const int rank[] = {[VERDICT_NONE] = 4,
                               [VERDICT_PASS] = 0,
                               [VERDICT_INCONCLUSIVE] = 1,
                               [VERDICT_ERROR] = 2,
                               [VERDICT_FAIL] = 3};
    return rank[v];
}

static enum verdict worse(enum verdict a, enum verdict b)
{
    return badness(a) >= badness(b) ? a : b;
}

enum verdict night_verdict(const struct night *n)
{
    enum verdict v = VERDICT_PASS;
    for (size_t i = 0; i < n->count; i++)
        v = worse(v, n->items[i].verdict);
    return v;
}

/* ---- who is in a channel ------------------------------------------------------------------ */

struct gathering {
    struct night_item *items;
    size_t count, room;
};

static enum status gather(void *ctx, const struct holder *h, struct err *e)
{
    struct gathering *g = ctx;
    if (g->count == HOLDERS_MAX)
        return err_set(e, ST_INVALID_LENGTH, "night-holders", "there are more than %u holders",
                       HOLDERS_MAX);
    if (g->count == g->room) {
        size_t room = g->room == 0 ? 64 : 2 * g->room;
        struct night_item *more = heap_grow(g->items, room * sizeof *more);
        if (more == NULL)
            return err_set(e, ST_NO_MEMORY, NULL, "no memory for a night");
        g->items = more;
        g->room = room;
    }
    g->items[g->count++] = (struct night_item){.holder = *h};
    return ST_OK;
}

static int by_name(const void *a, const void *b)
{
    const struct night_item *x = a, *y = b;
    int names = strcmp(x->holder.name, y->holder.name);
    return names != 0 ? names : strcmp(x->holder.channel, y->holder.channel);
}

static void keep_shard(struct gathering *g, uint32_t shard, uint32_t shards)
{
    size_t kept = 0;
    if (g->count > 0)
        qsort(g->items, g->count, sizeof *g->items, by_name);
    for (size_t i = 0; i < g->count; i++)
        if (i % shards == shard)
            g->items[kept++] = g->items[i];
    g->count = kept;
}

/* ---- one of them -------------------------------------------------------------------------- */

/* What was found before; a piece that is there and cannot be read is somebody's to look at. */
static void before_it(const struct pipeline *p, struct night_item *item, struct night_gate *g)
{
    SCOPED(evidence_release) struct evidence v = {0};
    struct err e = ERR_NONE;
    enum status st = evidence_newest(p->store, p->trust, &item->holder.artifact, g->gate,
                                     clock_now(&p->clock), &v, &e);
    g->before = st == ST_OK ? v.verdict : VERDICT_NONE;
    if (st != ST_CORRUPT && st != ST_MISMATCH && st != ST_FORMAT && st != ST_SIGNATURE)
        return;
    item->verdict = VERDICT_ERROR;
    text_fmt(g->damaged, sizeof g->damaged, "the newest evidence is damaged: %.80s%s%.140s",
             e.subject, e.subject[0] != '\0' ? ": " : "", e.detail);
    text_fmt(item->action, sizeof item->action, "gate %s: %.220s", gate_name(g->gate), g->damaged);
}

/* What came of one gate. */
static void keep(struct night_item *item, struct night_gate *g, struct gated *done)
{
    if (done->status != ST_OK) {
        g->verdict = VERDICT_ERROR;
        text_fmt(g->error, sizeof g->error, "%.240s", done->error.detail);
    } else {
        g->verdict = done->evidence.verdict;
        g->reused = done->reused;
        g->evidence = done->evidence.digest;
        time_format(done->evidence.ended, g->ended);
        g->checks = done->evidence.checks;
        g->check_count = done->evidence.check_count;
        done->evidence.checks = NULL;
    }
    g->changed = g->before != VERDICT_NONE && g->before != g->verdict;
    item->verdict = worse(item->verdict, g->verdict);
}

static void done_release(struct gated (*done)[GATE_COUNT])
{
    gated_release_all(*done);
}

static enum status all_gates(const struct pipeline *p, const struct artifact *a,
                             struct night_item *item, struct err *e)
{
    SCOPED(done_release) struct gated done[GATE_COUNT] = {{.reused = false}};
    const bool *wanted = p->policy->nightly.gates;
    for (int g = GATE_STRUCTURAL; g < GATE_COUNT; g++) {
        if (!wanted[g])
            continue;
        item->gates[item->gate_count].gate = (enum gate)g;
        before_it(p, item, &item->gates[item->gate_count++]);
    }
    enum status st = pipeline_gates(p, a, wanted, done, e);
    for (size_t i = 0; st == ST_OK && i < item->gate_count; i++)
        keep(item, &item->gates[i], &done[item->gates[i].gate]);
    return st;
}

static enum status one_item(const struct pipeline *p, struct night_item *item, struct err *e)
{
    SCOPED(artifact_release) struct artifact a = {0};
    struct err why = ERR_NONE;
    item->verdict = VERDICT_PASS;
    enum status st =
        artifact_open(p->store, p->trust, &item->holder.artifact, clock_now(&p->clock), &a, &why);
    if (pipeline_trouble(st)) {
        *e = why;
        return st;
    }
    if (st != ST_OK) {
        item->verdict = VERDICT_ERROR;
        text_fmt(item->action, sizeof item->action, "%.120s", why.detail);
        return ST_OK;
    }
    text_fmt(item->version, sizeof item->version, "%s", a.manifest.version);
    return all_gates(p, &a, item, e);
}

/* ---- all of them -------------------------------------------------------------------------- */

static enum status told(const struct night_plan *plan, const struct night_item *item, bool done,
                        struct err *e)
{
    return plan->each == NULL ? ST_OK : plan->each(plan->ctx, item, done, e);
}

/* When everything is measured: what failed in stable leaves it, if policy says so. */
static enum status demote_failing(const struct night_plan *plan, struct night *n, struct err *e)
{
    const struct pipeline *p = &plan->pipeline;
    const struct promoter by = {.store = p->store,
                                .trust = p->trust,
                                .release = plan->release,
                                .log = p->log,
                                .clock = p->clock};
    for (size_t i = 0; p->policy->nightly.demote && i < n->count; i++) {
        struct night_item *item = &n->items[i];
        struct holder left;
        struct err why = ERR_NONE;
        if (item->verdict != VERDICT_FAIL || !text_equal(item->holder.channel, "stable"))
            continue;
        enum status st = demote_holder(&by, &item->holder, "a gate said no at night", &left, &why);
        if (pipeline_trouble(st)) {
            *e = why;
            return st;
        }
        if (st == ST_OK)
            text_fmt(item->action, sizeof item->action, "demoted");
        else
            text_fmt(item->action, sizeof item->action, "not demoted: %.200s", why.detail);
    }
    return ST_OK;
}

static enum status run_all(const struct night_plan *plan, struct night *n, struct err *e)
{
    struct pipeline p = plan->pipeline;
    p.max_age_s = p.policy->nightly.evidence_max_age_s;
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < n->count; i++) {
        st = told(plan, &n->items[i], false, e);
        if (st == ST_OK)
            st = one_item(&p, &n->items[i], e);
        if (st == ST_OK)
            st = told(plan, &n->items[i], true, e);
    }
    return st;
}

enum status night_run(const struct night_plan *plan, struct night *out, struct err *e)
{
    const struct pipeline *p = &plan->pipeline;
    struct gathering g = {0};
    struct store_facts facts;
    *out = (struct night){.shard = plan->shard, .shards = plan->shards};
    if (!p->policy->nightly.present)
        return err_set(e, ST_CONFIG, "policy-nightly",
                       "the policy %s says nothing about nightly runs", p->policy->name);
    enum status st = store_facts(p->store, &facts, e);
    if (st == ST_OK)
        st = channel_each(p->store, false, gather, &g, e);
    keep_shard(&g, plan->shard, plan->shards);
    out->items = g.items;
    out->count = g.count;
    text_fmt(out->store_id, sizeof out->store_id, "%s", st == ST_OK ? facts.id : "");
    text_fmt(out->policy_name, sizeof out->policy_name, "%s", p->policy->name);
    out->policy = p->policy->digest;
    time_format(clock_now(&p->clock), out->started);
    if (st == ST_OK)
        st = run_all(plan, out, e);
    if (st == ST_OK)
        st = demote_failing(plan, out, e);
    time_format(clock_now(&p->clock), out->ended);
    return st;
}

/* ---- trends ------------------------------------------------------------------------------- */

struct series {
    const struct pipeline *p;
    const char *check;
    struct night_point *points;
    size_t count;
};

static bool decimal(const char *text, double *out)
{
    uint64_t millionths;
    bool fine = text[0] != '\0' && decimal_read(text, &millionths);
    *out = fine ? (double)millionths / 1e6 : 0;
    return fine;
}

static enum status add_point(void *ctx, const char *key, struct span value, struct err *e)
{
    struct series *s = ctx;
    SCOPED(evidence_release) struct evidence v = {0};
    struct digest d;
    char hex[DIGEST_TEXT];
    struct err why = ERR_NONE;
    (void)key;
    text_fmt(hex, sizeof hex, "%.*s", (int)(value.n < sizeof hex ? value.n : sizeof hex - 1),
             (const char *)value.p);
    if (!digest_parse(hex, &d))
        return ST_OK;
    enum status st = evidence_open(s->p->store, s->p->trust, &d, clock_now(&s->p->clock), &v, &why);
    if (st == ST_NO_MEMORY || st == ST_INTERRUPTED) {
        *e = why;
        return st;
    }
    for (size_t i = 0; st == ST_OK && i < v.check_count; i++) {
        double x;
        if (!text_equal(v.checks[i].name, s->check) || !decimal(v.checks[i].measured, &x))
            continue;
        if (s->count == NIGHT_POINTS) {
            memmove(s->points, s->points + 1, (NIGHT_POINTS - 1) * sizeof *s->points);
            s->count--;
        }
        struct night_point *point = &s->points[s->count++];
        point->value = x;
        time_format(v.ended, point->when);
    }
    return ST_OK;
}

enum status night_trend(const struct pipeline *p, const struct digest *artifact, enum gate g,
                        const char *check, struct night_point *out, size_t *count, struct err *e)
{
    struct series s = {.p = p, .check = check, .points = out};
    char prefix[STORE_KEY_MAX], hex[DIGEST_TEXT];
    digest_text(artifact, hex);
    text_fmt(prefix, sizeof prefix, "evidence/%s/%s/", hex, gate_name(g));
    enum status st = store_scan(p->store, prefix, add_point, &s, e);
    *count = s.count;
    return st;
}
