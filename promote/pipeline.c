#include "promote/pipeline.h"
#include "base/process.h"

void gated_release(struct gated *g)
{
    evidence_release(&g->evidence);
    *g = (struct gated){0};
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

static enum status measure(const struct pipeline *p, const struct artifact *a,
                           const struct bound *bound, const struct baseline *base,
                           struct span section, struct gated *out, struct err *e)
{
    SCOPED(gate_result_release) struct gate_result result = {0};
    struct digest envelope;
    if (p->gate == NULL || p->log == NULL)
        return err_set(e, ST_SIGNATURE, "no-key",
                       "gate %s has to run, and there is no key to sign its evidence",
                       gate_name(bound->gate));
    SCOPED(progress_scope)
    struct progress *progress = progress_start(gate_name(bound->gate), "cases", 0, p->quiet);
    enum status st = gate_run(bound->gate, p->store, a, baseline_against(base), section, p->clock,
                              progress, &result, e);
    if (st == ST_OK && process_interrupted())
        st = err_set(e, ST_INTERRUPTED, NULL, "interrupted before evidence was made");
    if (st == ST_OK)
        st = evidence_commit(p->store, bound, &result, p->gate, p->log, p->clock, &envelope, e);
    return st != ST_OK ? st
                       : evidence_open(p->store, p->trust, &envelope, clock_now(&p->clock),
                                       &out->evidence, e);
}

enum status pipeline_gate(const struct pipeline *p, const struct artifact *a, enum gate g,
                          struct gated *out, struct err *e)
{
    SCOPED(baseline_release) struct baseline base = {0};
    struct bound bound = {0};
    struct span section = buf_span(&p->policy->sections[g]);
    *out = (struct gated){0};
    if (section.n == 0)
        section = span_text("{}");
    enum status st = identity_bind(g, a, section, &bound, e);
    if (st == ST_OK)
        st = baseline_find(p->store, p->trust, a, g, section, clock_now(&p->clock), &base, e);
    if (st == ST_OK && !p->again)
        st = reuse(p, &bound, &base, out, e);
    if (st == ST_OK && !out->reused)
        st = measure(p, a, &bound, &base, section, out, e);
    return st != ST_OK ? err_subject(e, "gate %s", gate_name(g)) : ST_OK;
}
