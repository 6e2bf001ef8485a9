/* gate and evidence: measure, keep what was measured, read it again. */
#include "base/text.h"
#include "cli/command.h"
#include "cli/evidence_cases.h"
#include "cli/gate_watch.h"
#include "cli/hand_out.h"
#include "cli/incident_file.h"
#include "cli/print.h"
#include "promote/pipeline.h"
#include "promote/policy_store.h"
#include <string.h>

/* One command over one artifact. */
struct gating {
    struct cli *c;
    struct json_out answer, *j; /* j: NULL unless it is JSON */
    struct artifact artifact;
    struct policy law;
    bool wanted[GATE_COUNT];
    uint64_t began;               /* in ticks */
    bool seen[VERDICT_ERROR + 1]; /* by verdict */
};

static void gating_release(struct gating *g)
{
    artifact_release(&g->artifact);
    policy_release(&g->law);
}

static void tell_checks(struct gating *g, const struct gate_check *checks, size_t count)
{
    if (g->j == NULL) {
        SCOPED(table_release) struct table t = table_of(3);
        for (size_t i = 0; i < count; i++) {
            table_cell(&t, "    %s", verdict_name(checks[i].verdict));
            table_cell(&t, "%s", checks[i].name);
            table_cell(&t, "%s", checks[i].message);
        }
        table_put(&t, &g->c->out);
        return;
    }
    json_key(g->j, "checks");
    json_array(g->j);
    for (size_t i = 0; i < count; i++) {
        json_object(g->j);
        member_text(g->j, "name", checks[i].name);
        member_text(g->j, "result", verdict_name(checks[i].verdict));
        member_text(g->j, "measured", checks[i].measured[0] != '\0' ? checks[i].measured : NULL);
        member_text(g->j, "limit", checks[i].limit[0] != '\0' ? checks[i].limit : NULL);
        member_text(g->j, "unit", checks[i].unit[0] != '\0' ? checks[i].unit : NULL);
        member_text(g->j, "message", checks[i].message);
        json_close(g->j);
    }
    json_close(g->j);
}

/* A result that was just measured, one that stands in for a measurement, one that is only read. */
enum origin { MEASURED, REUSED, READ };

/* One gate's result. */
static void tell_gate(struct gating *g, enum gate gate, const struct evidence *v, enum origin from)
{
    char ended[TIME_TEXT_MAX], hex[DIGEST_TEXT];
    time_format(v->ended, ended);
    digest_text(&v->digest, hex);
    g->seen[v->verdict] = true;
    if (g->j == NULL) {
        buf_fmt(&g->c->out, "%s: %s (evidence %.12s, %s%s)\n", gate_name(gate),
                verdict_name(v->verdict), hex, ended, from == REUSED ? ", measured before" : "");
        if (from == READ)
            buf_fmt(&g->c->out, "    sandbox: %s\n", v->sandbox[0] != '\0' ? v->sandbox : "none");
    } else {
        json_object(g->j);
        member_text(g->j, "gate", gate_name(gate));
        member_text(g->j, "result", verdict_name(v->verdict));
        if (from != READ)
            member_bool(g->j, "reused", from == REUSED);
        member_digest(g->j, "evidence", &v->digest);
        member_text(g->j, "ended", ended);
        member_text(g->j, "sandbox", v->sandbox[0] != '\0' ? v->sandbox : NULL);
    }
    tell_checks(g, v->checks, v->check_count);
    if (g->j != NULL)
        json_close(g->j);
}

/* An answer about one artifact, with the array `list` open in it. */
static struct json_out list_open(struct cli *c, const char *schema, const char *list,
                                 const struct artifact *a)
{
    struct json_out j = answer_open(c, schema);
    member_text(&j, "name", a->manifest.name);
    member_text(&j, "version", a->manifest.version);
    member_digest(&j, "artifact", &a->digest);
    json_key(&j, list);
    json_array(&j);
    return j;
}

static void done_release(struct gated (*done)[GATE_COUNT])
{
    gated_release_all(*done);
}

/* What was measured is told; the first gate that has no evidence is the command's failure. */
static enum status tell_all(struct gating *g, const struct gated done[GATE_COUNT], struct err *e)
{
    for (int k = GATE_STRUCTURAL; k < GATE_COUNT; k++)
        if (g->wanted[k] && done[k].status != ST_OK) {
            *e = done[k].error;
            return e->status;
        }
    if (g->c->json) {
        g->answer = list_open(g->c, "assay.gate/1", "gates", &g->artifact);
        g->j = &g->answer;
    }
    for (int k = GATE_STRUCTURAL; k < GATE_COUNT; k++) {
        const struct evidence *v = &done[k].evidence;
        const struct gate_told told = {.gate = (enum gate)k,
                                       .verdict = v->verdict,
                                       .evidence = v->digest,
                                       .checks = v->checks,
                                       .count = v->check_count};
        if (!g->wanted[k])
            continue;
        tell_gate(g, (enum gate)k, v, done[k].reused ? REUSED : MEASURED);
        if (!done[k].reused)
            incident_of_gate(g->c, &g->artifact, &told, (clock_ticks() - g->began) / 1000000u);
    }
    if (g->c->json) {
        json_close(g->j);
        answer_close(g->c, g->j);
    }
    return ST_OK;
}

/* The keys are asked for when a gate has to run: what is only reused needs none. */
static enum status gate_all(struct gating *g, struct err *e)
{
    SCOPED(done_release) struct gated done[GATE_COUNT] = {{.reused = false}};
    struct gate_watch watch = gate_watch_begin(g->c, "");
    struct pipeline p = {.store = g->c->store,
                         .trust = g->c->trust,
                         .policy = &g->law,
                         .clock = g->c->clock,
                         .again = opt_given(&g->c->args, OPT_AGAIN),
                         .tell = gate_watch_tell,
                         .ctx = &watch};
    enum status st = gate_watch_machine(&g->c->args, &p.machine, e);
    if (st == ST_OK)
        st = pipeline_gates(&p, &g->artifact, g->wanted, done, e);
    if (st == ST_SIGNATURE && p.gate == NULL) {
        *e = ERR_NONE;
        gated_release_all(done);
        st = cli_key(g->c, "gate", &p.gate, e);
        if (st == ST_OK)
            st = cli_key(g->c, "log", &p.log, e);
        if (st == ST_OK)
            st = pipeline_gates(&p, &g->artifact, g->wanted, done, e);
    }
    gate_watch_clear(&watch);
    return st == ST_OK ? tell_all(g, done, e) : st;
}

/* --only a,b; else every gate that a channel of the policy asks for. */
static enum status choose_gates(struct gating *g, struct err *e)
{
    const char *only = g->c->args.value[OPT_ONLY];
    for (int k = GATE_STRUCTURAL; only == NULL && k < GATE_COUNT; k++)
        g->wanted[k] = pipeline_asked(&g->law, (enum gate)k);
    while (only != NULL) {
        char name[32];
        size_t n = strcspn(only, ",");
        text_fmt(name, sizeof name, "%.*s", (int)(n < sizeof name ? n : sizeof name - 1), only);
        enum gate gate = gate_parse(name);
        if (gate == GATE_NONE)
            return err_set(e, ST_USAGE, "gate",
                           "there is no gate %s; there are structural, smoke, task, "
                           "safety, browser, exec, reports",
                           name);
        g->wanted[gate] = true;
        only = only[n] == ',' ? only + n + 1 : NULL;
    }
    return ST_OK;
}

static enum status worst(const struct gating *g)
{
    return g->seen[VERDICT_FAIL]           ? ST_REFUSED
           : g->seen[VERDICT_ERROR]        ? ST_HARNESS
           : g->seen[VERDICT_INCONCLUSIVE] ? ST_INCONCLUSIVE
                                           : ST_OK;
}

enum status cmd_gate(struct cli *c, struct err *e)
{
    SCOPED(gating_release) struct gating g = {.c = c, .began = clock_ticks()};
    enum status st = cli_artifact(c, c->word[0], false, &g.artifact, e);
    if (st == ST_OK && !g.artifact.manifest.model.present)
        return err_set(e, ST_USAGE, "opaque", "%s is opaque, not a model: no gate can measure it",
                       c->word[0]);
    if (st == ST_OK)
        st = cli_use(c, &g.artifact, e);
    if (st == ST_OK)
        st = policy_load(c->store, c->trust, cli_now(c), &g.law, e);
    if (st == ST_OK)
        st = choose_gates(&g, e);
    if (st == ST_OK)
        st = gate_all(&g, e);
    if (st != ST_OK)
        return st;
    c->answered = worst(&g) != ST_OK;
    return worst(&g);
}

struct digests {
    size_t count;
    struct digest of[256]; /* the newest last; more than that nobody reads at once */
};

static enum status collect(void *ctx, const char *key, struct span value, struct err *e)
{
    struct digests *list = ctx;
    char hex[DIGEST_TEXT];
    struct digest d;
    text_fmt(hex, sizeof hex, "%.*s", (int)(value.n < sizeof hex ? value.n : sizeof hex - 1),
             (const char *)value.p);
    if (!digest_parse(hex, &d))
        return err_set(e, ST_CORRUPT, "state-value", "the state key %s holds no digest", key);
    if (list->count == sizeof list->of / sizeof *list->of) {
        memmove(list->of, list->of + 1, (list->count - 1) * sizeof *list->of);
        list->count--;
    }
    list->of[list->count++] = d;
    return ST_OK;
}

static enum status tell_evidence(struct gating *g, enum gate gate, struct err *e)
{
    struct digests list = {0};
    char prefix[STORE_KEY_MAX], hex[DIGEST_TEXT];
    digest_text(&g->artifact.digest, hex);
    text_fmt(prefix, sizeof prefix, "evidence/%s/%s/", hex, gate_name(gate));
    enum status st = store_scan(g->c->store, prefix, collect, &list, e);
    for (size_t i = 0; st == ST_OK && i < list.count; i++) {
        SCOPED(evidence_release) struct evidence v = {0};
        st = evidence_open(g->c->store, g->c->trust, &list.of[i], TRUST_ANY_TIME, &v, e);
        if (st == ST_OK)
            tell_gate(g, gate, &v, READ);
    }
    return st;
}

enum status cmd_evidence(struct cli *c, struct err *e)
{
    SCOPED(gating_release) struct gating g = {.c = c};
    struct json_out j;
    const char *only = c->args.value[OPT_GATE];
    enum gate gate = only != NULL ? gate_parse(only) : GATE_NONE;
    if (only != NULL && gate == GATE_NONE)
        return err_set(e, ST_USAGE, "gate",
                       "there is no gate %s; there are structural, smoke, task, safety, "
                       "browser, exec, reports",
                       only);
    enum status st = cli_artifact(c, c->word[0], false, &g.artifact, e);
    if (st == ST_OK && opt_given(&c->args, OPT_OUTPUT))
        return evidence_hand_out(c, &g.artifact, gate, e);
    if (st != ST_OK)
        return st;
    if (opt_given(&c->args, OPT_CASES) || opt_given(&c->args, OPT_KEEP) ||
        opt_given(&c->args, OPT_TRANSCRIPTS))
        return evidence_cases(c, &g.artifact, gate, e);
    if (c->json) {
        j = list_open(c, "assay.evidence/1", "evidence", &g.artifact);
        g.j = &j;
    }
    for (int k = GATE_STRUCTURAL; st == ST_OK && k < GATE_COUNT; k++) {
        if (gate == GATE_NONE || (int)gate == k)
            st = tell_evidence(&g, (enum gate)k, e);
    }
    if (st != ST_OK)
        return st;
    if (c->json) {
        json_close(&j);
        answer_close(c, &j);
    } else if (c->out.n == 0) {
        cli_hint(c, "no evidence yet; next: assay gate %s", c->word[0]);
    }
    return ST_OK;
}
