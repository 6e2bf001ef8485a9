/* audit, policy test: past promotions, decided again. */
#include "base/text.h"
#include "cli/command.h"
#include "cli/policy_file.h"
#include "cli/print.h"
#include "cli/refs.h"
#include "promote/replay.h"

static const char *verdict(bool allowed)
{
    return allowed ? "granted" : "refused";
}

enum status cmd_audit(struct cli *c, struct err *e)
{
    struct promoter by;
    struct past p = {.seq = 0};
    uint64_t seq = 0;
    if (!text_u64(span_text(c->word[0]), &seq) || seq == 0)
        return err_set(e, ST_USAGE, "seq", "%.32s is no number of a ledger entry; see assay log",
                       c->word[0]);
    enum status st = cli_promoter(c, false, &by, e);
    if (st == ST_OK)
        st = replay_entry(&by, seq, &p, e);
    if (st == ST_OK && p.trouble[0] != '\0')
        st = err_set(e, ST_UNPROVEN, "audit", "it cannot be decided again: %s", p.trouble);
    if (st != ST_OK)
        return err_subject(e, "entry %s", c->word[0]);
    bool same = p.decision.allowed == p.was_allowed;
    if (c->json) {
        struct json_out j = answer_open(c, "assay.audit/1");
        member_u64(&j, "seq", p.seq);
        member_text(&j, "time", p.time);
        member_text(&j, "name", p.name);
        member_text(&j, "version", p.version);
        member_text(&j, "channel", p.channel);
        member_bool(&j, "emergency", p.emergency);
        member_digest(&j, "policy", &p.policy);
        member_bool(&j, "was_allowed", p.was_allowed);
        member_bool(&j, "allowed", p.decision.allowed);
        member_bool(&j, "same", same);
        json_key(&j, "rules");
        rules_json(&j, &p.decision);
        answer_close(c, &j);
    } else {
        buf_fmt(&c->out, "entry %llu, %s: %s@%s → %s was %s; decided again: %s\n",
                (unsigned long long)p.seq, p.time, p.name, p.version, p.channel,
                verdict(p.was_allowed), verdict(p.decision.allowed));
        rules_text(&c->out, &p.decision);
    }
    c->answered = !same;
    return same ? ST_OK : ST_REFUSED;
}

/* ---- policy test ---- */

struct testing {
    struct cli *c;
    struct json_out *j; /* NULL: text */
    size_t looked, flips, troubles;
};

static void tell_flip(struct testing *t, const struct past *p)
{
    struct buf *out = &t->c->out;
    buf_fmt(out, "%6llu  %s  %s@%s → %s: %s then, ", (unsigned long long)p->seq, p->time, p->name,
            p->version, p->channel, verdict(p->was_allowed));
    if (p->trouble[0] != '\0') {
        buf_text(out, "cannot be decided again: ");
        put_foreign(out, p->trouble);
        buf_byte(out, '\n');
        return;
    }
    buf_fmt(out, "would be %s\n", verdict(p->decision.allowed));
    for (size_t i = 0; i < p->decision.rule_count; i++) {
        const struct rule_outcome *r = &p->decision.rules[i];
        if (r->met)
            continue;
        buf_fmt(out, "          %s: ", r->rule);
        put_foreign(out, r->message);
        buf_byte(out, '\n');
    }
}

static void tell_flip_json(struct testing *t, const struct past *p)
{
    json_object(t->j);
    member_u64(t->j, "seq", p->seq);
    member_text(t->j, "time", p->time);
    member_text(t->j, "name", p->name);
    member_text(t->j, "version", p->version);
    member_text(t->j, "channel", p->channel);
    member_bool(t->j, "was_allowed", p->was_allowed);
    member_text(t->j, "trouble", p->trouble[0] != '\0' ? p->trouble : NULL);
    member_bool(t->j, "allowed", p->decision.allowed);
    json_key(t->j, "rules");
    rules_json(t->j, &p->decision);
    json_close(t->j);
}

static enum status test_one(void *ctx, const struct past *p, struct err *e)
{
    struct testing *t = ctx;
    bool trouble = p->trouble[0] != '\0', flips = !trouble && p->decision.allowed != p->was_allowed;
    t->looked++;
    t->flips += flips;
    t->troubles += trouble;
    if (flips || trouble) {
        if (t->j != NULL)
            tell_flip_json(t, p);
        else
            tell_flip(t, p);
    }
    return cli_alive(e);
}

enum status cmd_policy_test(struct cli *c, struct err *e)
{
    SCOPED(policy_release) struct policy law = {0};
    struct testing t = {.c = c};
    struct promoter by;
    struct json_out j;
    if (!opt_given(&c->args, OPT_HISTORY))
        return err_set(e, ST_USAGE, "no-history",
                       "against what? say --history: every past promotion is decided again");
    enum status st = policy_file_read(c->word[0], &law, e);
    if (st == ST_OK)
        st = cli_promoter(c, false, &by, e);
    if (st != ST_OK)
        return st;
    if (c->json) {
        j = answer_open(c, "assay.policy-test/1");
        member_text(&j, "name", law.name);
        member_digest(&j, "sha256", &law.digest);
        json_key(&j, "flips");
        json_array(&j);
        t.j = &j;
    }
    st = replay_history(&by, &law, test_one, &t, e);
    if (st != ST_OK)
        return st;
    if (c->json) {
        json_close(&j);
        member_u64(&j, "decisions", t.looked);
        member_u64(&j, "flipped", t.flips);
        member_u64(&j, "undecided", t.troubles);
        answer_close(c, &j);
        return ST_OK;
    }
    buf_fmt(&c->out, "%zu past decisions under %s: %zu would flip, %zu cannot be decided again\n",
            t.looked, law.name, t.flips, t.troubles);
    return ST_OK;
}
