#include "cli/evidence_reports.h"
#include "base/text.h"
#include "cli/given.h"
#include "cli/print.h"
#include "promote/policy_store.h"
#include "verify/evidence.h"
#include "verify/foreign.h"

struct bringing {
    struct cli *c;
    struct artifact artifact;
    struct policy law;
    struct foreign reports;
    struct gate_result result;
    struct evidence evidence;
};

static void bringing_release(struct bringing *b)
{
    artifact_release(&b->artifact);
    policy_release(&b->law);
    foreign_release(&b->reports);
    gate_result_release(&b->result);
    evidence_release(&b->evidence);
}

static enum status read_files(struct bringing *b, struct err *e)
{
    for (size_t i = 0; i < b->c->words; i++) {
        SCOPED(buf_release) struct buf file = BUF_EMPTY;
        enum foreign_format format;
        enum status st = given_read(b->c->word[i], FOREIGN_BYTES, &file, e);
        if (st == ST_OK)
            st = foreign_read(buf_span(&file), &b->artifact.content, &b->reports, &format, e);
        if (st != ST_OK)
            return err_subject(e, "%s", b->c->word[i]);
    }
    return ST_OK;
}

/* ---- telling ------------------------------------------------------------------------------ */

static void task_json(struct json_out *j, const struct foreign_task *t)
{
    json_object(j);
    member_text(j, "format", foreign_name(t->format));
    member_text(j, "name", t->name);
    member_digest(j, "fingerprint", &t->fingerprint);
    member_u64(j, "cases", t->cases);
    if (t->format == FOREIGN_GARAK)
        member_u64(j, "hits", t->hits);
    json_key(j, "metrics");
    json_object(j);
    for (size_t i = 0; i < t->metrics; i++) {
        json_key(j, t->metric[i].name);
        json_fixed(j, t->metric[i].value, 6);
    }
    json_close(j);
    json_close(j);
}

static void task_text(struct cli *c, const struct foreign_task *t)
{
    char hex[DIGEST_TEXT];
    digest_text(&t->fingerprint, hex);
    put_foreign(&c->out, t->name);
    buf_fmt(&c->out, " (%s)\n  fingerprint  %s\n  cases        %llu\n", foreign_name(t->format),
            hex, (unsigned long long)t->cases);
    if (t->format == FOREIGN_GARAK)
        buf_fmt(&c->out, "  not passed   %llu\n", (unsigned long long)t->hits);
    for (size_t i = 0; i < t->metrics; i++) {
        buf_text(&c->out, "  ");
        put_foreign(&c->out, t->metric[i].name);
        buf_text(&c->out, "  ");
        buf_fixed(&c->out, t->metric[i].value, 6);
        buf_byte(&c->out, '\n');
    }
}

/* What the reports say and the policy could ask for. */
static void tell_reports(struct bringing *b)
{
    struct cli *c = b->c;
    struct json_out j;
    if (c->json) {
        j = answer_open(c, "assay.reports/1");
        member_digest(&j, "artifact", &b->artifact.digest);
        json_key(&j, "results");
        json_array(&j);
    }
    for (size_t i = 0; i < b->reports.count; i++) {
        if (c->json)
            task_json(&j, &b->reports.task[i]);
        else
            task_text(c, &b->reports.task[i]);
    }
    if (c->json) {
        json_close(&j);
        answer_close(c, &j);
    }
}

struct json_out evidence_answer(struct cli *c, const struct evidence *v)
{
    char ended[TIME_TEXT_MAX];
    struct json_out j = answer_open(c, "assay.evidence-add/1");
    time_format(v->ended, ended);
    member_digest(&j, "artifact", &v->bound.artifact);
    member_text(&j, "gate", gate_name(v->gate));
    member_text(&j, "result", verdict_name(v->verdict));
    member_digest(&j, "evidence", &v->digest);
    member_text(&j, "ended", ended);
    return j;
}

static void tell_evidence(struct bringing *b)
{
    struct cli *c = b->c;
    const struct evidence *v = &b->evidence;
    char ended[TIME_TEXT_MAX], hex[DIGEST_TEXT];
    time_format(v->ended, ended);
    digest_text(&v->digest, hex);
    if (c->json) {
        struct json_out j = evidence_answer(c, v);
        answer_close(c, &j);
        return;
    }
    SCOPED(table_release) struct table t = table_of(3);
    buf_fmt(&c->out, "%s: %s (evidence %.12s, %s)\n", gate_name(v->gate), verdict_name(v->verdict),
            hex, ended);
    for (size_t i = 0; i < v->check_count; i++) {
        table_cell(&t, "    %s", verdict_name(v->checks[i].verdict));
        table_cell(&t, "%s", v->checks[i].name);
        table_cell(&t, "%s", v->checks[i].message);
    }
    table_put(&t, &c->out);
}

/* ---- signing ------------------------------------------------------------------------------ */

/* The gate reports over what was read: judged by the installed policy, signed by the role gate. A
 * report whose fingerprint is another one's is refused, and no evidence is made of it. */
static enum status judge(struct bringing *b, struct span section, struct bound *bound,
                         struct err *e)
{
    struct cli *c = b->c;
    const struct gate_means means = {.reports = &b->reports};
    enum status st = identity_bind(GATE_REPORTS, &b->artifact, section, bound, e);
    if (st == ST_OK)
        st = gate_run(GATE_REPORTS, c->store, &b->artifact, NULL, section, c->clock, &means,
                      &b->result, e);
    for (size_t i = 0; st == ST_OK && i < b->result.check_count; i++) {
        const struct gate_check *check = &b->result.checks[i];
        if (check->verdict == VERDICT_ERROR)
            st = err_at(e, ST_MISMATCH, "report", "report-refused", ERR_NO_OFFSET, "%s: %s",
                        check->name, check->message);
    }
    return st;
}

static enum status file(struct bringing *b, struct err *e)
{
    struct cli *c = b->c;
    const struct signer *gate = NULL, *log = NULL;
    struct bound bound;
    struct digest envelope;
    struct span section = buf_span(&b->law.sections[GATE_REPORTS]);
    if (section.n == 0)
        section = span_text("{}");
    enum status st = judge(b, section, &bound, e);
    if (st == ST_OK)
        st = cli_key(c, "gate", &gate, e);
    if (st == ST_OK)
        st = cli_key(c, "log", &log, e);
    if (st == ST_OK)
        st = evidence_commit(c->store, &bound, &b->result, gate, log, c->clock, &envelope, e);
    return st == ST_OK ? evidence_open(c->store, c->trust, &envelope, cli_now(c), &b->evidence, e)
                       : st;
}

enum status evidence_reports(struct cli *c, struct err *e)
{
    SCOPED(bringing_release) struct bringing b = {.c = c};
    enum status st = cli_artifact(c, c->args.value[OPT_FOR], false, &b.artifact, e);
    if (st == ST_OK)
        st = read_files(&b, e);
    if (st == ST_OK && opt_given(&c->args, OPT_DRY_RUN)) {
        tell_reports(&b);
        return ST_OK;
    }
    if (st == ST_OK)
        st = policy_load(c->store, c->trust, cli_now(c), &b.law, e);
    if (st == ST_OK)
        st = file(&b, e);
    if (st != ST_OK)
        return st;
    tell_evidence(&b);
    st = b.evidence.verdict == VERDICT_PASS   ? ST_OK
         : b.evidence.verdict == VERDICT_FAIL ? ST_REFUSED
                                              : ST_INCONCLUSIVE;
    c->answered = st != ST_OK;
    return st;
}
