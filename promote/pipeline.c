#include "promote/pipeline.h"

void gated_release(struct gated *g)
{
    evidence_release(&g->evidence);
    *g = (struct gated){0};
}

void gated_release_all(struct gated out[GATE_COUNT])
{
    for (int g = GATE_NONE; g < GATE_COUNT; g++)
        gated_release(&out[g]);
}

bool pipeline_trouble(enum status st)
{
    return st == ST_NO_MEMORY || st == ST_INTERRUPTED || st == ST_CANCELLED || st == ST_NO_SPACE ||
           st == ST_QUOTA || st == ST_CONFIG;
}

bool pipeline_asked(const struct policy *p, enum gate g)
{
    bool asked = false;
    for (size_t i = 0; i < POLICY_CHANNELS; i++)
        asked = asked || (p->channels[i].present && p->channels[i].gates[g]);
    return asked;
}

static uint64_t least_of(uint64_t a, uint64_t b)
{
    return a == 0 ? b : b == 0 ? a : a < b ? a : b;
}

/* The shortest age that somebody who asks for this gate allows; 0: no limit. */
static uint64_t greatest_age(const struct pipeline *p, enum gate g)
{
    uint64_t least = p->max_age_s;
    for (size_t i = 0; i < POLICY_CHANNELS; i++) {
        const struct policy_channel *channel = &p->policy->channels[i];
        if (channel->present && channel->gates[g])
            least = least_of(least, channel->evidence_max_age_s);
    }
    return least;
}

/* Is the newest evidence about the very same things, still fresh, and a measurement? */
static enum status reuse(const struct pipeline *p, const struct bound *bound,
                         const struct baseline *base, struct gated *out, struct err *e)
{
    bool fresh = false;
    enum status st = evidence_fresh(p->store, p->trust, bound, clock_now(&p->clock),
                                    greatest_age(p, bound->gate), &out->evidence, &fresh, e);
    if (st != ST_OK)
        return st;
    enum verdict v = out->evidence.verdict;
    out->reused =
        fresh && baseline_same(base, &out->evidence) && (v == VERDICT_PASS || v == VERDICT_FAIL);
    if (!out->reused)
        evidence_release(&out->evidence);
    return ST_OK;
}

/* ---- gates that have to run --------------------------------------------------------------- */

struct plan {
    const struct pipeline *p;
    struct gated *out; /* [GATE_COUNT] */
    struct bound bound[GATE_COUNT];
    struct baseline base[GATE_COUNT];
    struct abreast_job jobs[GATE_COUNT];
    size_t n;
    struct store_facts facts;
};

static void plan_release(struct plan *l)
{
    for (int g = GATE_NONE; g < GATE_COUNT; g++)
        baseline_release(&l->base[g]);
}

static struct span section_of(const struct pipeline *p, enum gate g)
{
    struct span section = buf_span(&p->policy->sections[g]);
    return section.n > 0 ? section : span_text("{}");
}

/* Binds one gate; what is fresh is reused, the rest goes into the plan. */
static enum status look(struct plan *l, const struct artifact *a, enum gate g, struct err *e)
{
    const struct pipeline *p = l->p;
    const struct span section = section_of(p, g);
    enum status st = identity_bind(g, a, section, &l->bound[g], e);
    if (st == ST_OK)
        st = baseline_find(p->store, p->trust, a, g, section, clock_now(&p->clock), &l->base[g], e);
    /* Reports cannot be made anew here: those that are fresh stand. */
    if (st == ST_OK && (!p->again || g == GATE_REPORTS))
        st = reuse(p, &l->bound[g], &l->base[g], &l->out[g], e);
    if (st == ST_OK && !l->out[g].reused)
        l->jobs[l->n++].job = (struct gate_job){.gate = g,
                                                .store = l->facts.path,
                                                .artifact = a,
                                                .against = baseline_against(&l->base[g]),
                                                .section = section,
                                                .clock = p->clock};
    return st;
}

/* The cores are shared out among the gates that can use several. */
static enum status weigh(struct plan *l, const struct gate_cost *machine, struct err *e)
{
    unsigned wide = 0;
    enum status st = ST_OK;
    for (size_t i = 0; i < l->n; i++)
        wide += gate_wide(l->jobs[i].job.gate);
    const unsigned share = wide > 0 && machine->cores > wide ? machine->cores / wide : 1;
    for (size_t i = 0; st == ST_OK && i < l->n; i++) {
        struct gate_job *job = &l->jobs[i].job;
        job->cores = gate_wide(job->gate) ? share : 1;
        st = gate_cost(job->gate, job->artifact, job->against, job->cores, &l->jobs[i].cost, e);
    }
    return st;
}

static enum status settle(void *ctx, size_t i, enum status st, struct gate_result *r,
                          const struct err *why, struct err *e)
{
    struct plan *l = ctx;
    const struct pipeline *p = l->p;
    const enum gate g = l->jobs[i].job.gate;
    struct gated *out = &l->out[g];
    struct digest envelope;
    out->status = st;
    out->error = *why;
    /* What ran out while it was measured signs nothing any more. */
    if (st == ST_OK)
        st = trust_alive(p->trust, clock_now(&p->clock), &out->error);
    if (st == ST_OK)
        st = evidence_commit(p->store, &l->bound[g], r, p->gate, p->log, p->clock, &envelope,
                             &out->error);
    if (st == ST_OK)
        st = evidence_open(p->store, p->trust, &envelope, clock_now(&p->clock), &out->evidence,
                           &out->error);
    out->status = st;
    if (st != ST_OK)
        (void)err_subject(&out->error, "gate %s", gate_name(g));
    if (!pipeline_trouble(st))
        return ST_OK;
    *e = out->error;
    return st;
}

static void pass_on(void *ctx, size_t i, const struct abreast_news *news)
{
    const struct plan *l = ctx;
    l->p->tell(l->p->ctx, l->jobs[i].job.gate, news);
}

static enum status run_plan(struct plan *l, struct err *e)
{
    const struct pipeline *p = l->p;
    const struct gate_cost machine = p->machine.cores > 0 ? p->machine : gate_machine();
    if (l->n > 0 && (p->gate == NULL || p->log == NULL))
        return err_set(e, ST_SIGNATURE, "no-signer",
                       "gate %s has to run, and there is no key to sign its evidence",
                       gate_name(l->jobs[0].job.gate));
    if (l->n > 0 && trust_alive(p->trust, clock_now(&p->clock), e) != ST_OK)
        return e->status;
    enum status st = weigh(l, &machine, e);
    const struct abreast all = {.jobs = l->jobs,
                                .n = l->n,
                                .machine = machine,
                                .settle = settle,
                                .tell = p->tell != NULL ? pass_on : NULL,
                                .ctx = l};
    return st == ST_OK ? abreast_run(&all, e) : st;
}

enum status pipeline_gates(const struct pipeline *p, const struct artifact *a,
                           const bool wanted[GATE_COUNT], struct gated out[GATE_COUNT],
                           struct err *e)
{
    SCOPED(plan_release) struct plan l = {.p = p, .out = out};
    enum status st = store_facts(p->store, &l.facts, e);
    for (int g = GATE_STRUCTURAL; st == ST_OK && g < GATE_COUNT; g++) {
        out[g] = (struct gated){.error = ERR_NONE};
        if (!wanted[g])
            continue;
        out[g].status = look(&l, a, (enum gate)g, &out[g].error);
        if (out[g].status != ST_OK)
            (void)err_subject(&out[g].error, "gate %s", gate_name((enum gate)g));
        if (pipeline_trouble(out[g].status)) {
            *e = out[g].error;
            st = e->status;
        }
    }
    return st == ST_OK ? run_plan(&l, e) : st;
}
