/* waive, freeze, thaw: exceptions of the law that end by themselves. */
#include "base/text.h"
#include "cli/ask_file.h"
#include "cli/command.h"
#include "cli/print.h"
#include "cli/refs.h"
#include "promote/exception.h"
#include "promote/policy_store.h"
#include "verify/section.h"
#include <string.h>

static enum status read_waiver(const struct cli *c, struct ask *ask, struct err *e)
{
    const char *gate = c->args.value[OPT_GATE], *check = c->args.value[OPT_CHECK], *reason = NULL;
    *ask = (struct ask){.kind = ASK_WAIVE};
    if (gate == NULL || (ask->gate = gate_parse(gate)) == GATE_NONE)
        return err_set(e, ST_USAGE, "gate",
                       "which gate's check? say --gate structural, smoke, task, safety or browser");
    if (check == NULL || check[0] == '\0' ||
        text_fmt(ask->check, sizeof ask->check, "%s", check) >= sizeof ask->check)
        return err_set(e, ST_USAGE, "no-check-given",
                       "which check? say --check NAME as assay evidence prints it");
    enum status st = ask_until(c, ask->until, e);
    if (st == ST_OK)
        st = ask_reason(c, &reason, e);
    if (st == ST_OK)
        text_fmt(ask->reason, sizeof ask->reason, "%s", reason);
    return st;
}

static bool limited(const struct policy *law, const struct ask *ask)
{
    struct section_walk w = section_limits(ask->gate, policy_section(law, ask->gate));
    struct section_limit l;
    while (section_next(&w, &l)) {
        if (text_equal(l.check, ask->check))
            return true;
    }
    return false;
}

/* A check that neither the newest evidence nor the law has would be waived in vain. */
static enum status check_there(struct cli *c, const struct artifact *a, const struct ask *ask,
                               struct err *e)
{
    SCOPED(evidence_release) struct evidence v = {0};
    SCOPED(policy_release) struct policy law = {0};
    SCOPED(buf_release) struct buf names = BUF_EMPTY;
    enum status st = policy_load(c->store, c->trust, TRUST_ANY_TIME, &law, e);
    if (st != ST_OK || limited(&law, ask))
        return st;
    st = evidence_newest(c->store, c->trust, &a->digest, ask->gate, TRUST_ANY_TIME, &v, e);
    for (size_t i = 0; st == ST_OK && i < v.check_count; i++) {
        if (text_equal(v.checks[i].name, ask->check))
            return ST_OK;
        if (v.checks[i].verdict != VERDICT_PASS)
            buf_fmt(&names, "%s%s", names.n > 0 ? ", " : "", v.checks[i].name);
    }
    if (st != ST_OK)
        return st;
    buf_byte(&names, '\0');
    return err_set(e, ST_NOT_FOUND, "no-check",
                   "the evidence of gate %s has no check %.64s; not passed: %.200s",
                   gate_name(ask->gate), ask->check,
                   names.failed || names.n == 1 ? "none" : (const char *)names.p);
}

static void tell_waiver(struct cli *c, const struct artifact *a, const struct ask *ask,
                        const struct decision *d)
{
    if (c->json) {
        struct json_out j = answer_open(c, "assay.waive/1");
        member_digest(&j, "artifact", &a->digest);
        member_text(&j, "gate", gate_name(ask->gate));
        member_text(&j, "check", ask->check);
        member_text(&j, "until", ask->until);
        member_bool(&j, "allowed", d->allowed);
        member_digest(&j, "waiver", &d->envelope);
        json_key(&j, "rules");
        rules_json(&j, d);
        member_u64(&j, "seq", d->seq);
        answer_close(c, &j);
        return;
    }
    buf_fmt(&c->out, "%s@%s, %s/", a->manifest.name, a->manifest.version, gate_name(ask->gate));
    put_foreign(&c->out, ask->check);
    buf_fmt(&c->out, ": %s\n", d->allowed ? "waived" : "not waived");
    rules_text(&c->out, d);
}

enum status cmd_waive(struct cli *c, struct err *e)
{
    SCOPED(artifact_release) struct artifact a = {0};
    struct promoter by;
    struct ask ask;
    struct decision d = {0};
    const struct signer *law = NULL;
    enum status st = read_waiver(c, &ask, e);
    if (st == ST_OK)
        st = cli_artifact(c, c->word[0], false, &a, e);
    if (st == ST_OK)
        st = check_there(c, &a, &ask, e);
    if (st != ST_OK)
        return err_subject(e, "%s", c->word[0]);
    if (c->args.value[OPT_OUTPUT] != NULL)
        return ask_put(c, &a, &ask, e);
    st = cli_promoter(c, false, &by, e);
    if (st == ST_OK)
        st = cli_key(c, "log", &by.log, e);
    if (st == ST_OK)
        st = cli_key(c, "policy", &law, e);
    if (st == ST_OK)
        st = waive(&by, law, &a, &ask, &d, e);
    if (st != ST_OK)
        return err_subject(e, "%s", c->word[0]);
    tell_waiver(c, &a, &ask, &d);
    c->answered = !d.allowed;
    return d.allowed ? ST_OK : ST_REFUSED;
}

/* ---- freezes ---- */

struct listing {
    struct cli *c;
    struct json_out *j; /* NULL: the table */
    struct table table;
};

static void listing_release(struct listing *l)
{
    table_release(&l->table);
}

static enum status list_one(void *ctx, const struct freeze *f, struct err *e)
{
    struct listing *l = ctx;
    int64_t until = 0;
    (void)e;
    bool over = time_parse(f->until, &until) && until <= cli_now(l->c);
    if (l->j == NULL) {
        table_cell(&l->table, "%s", f->target);
        table_cell(&l->table, "%s %s", over ? "thawed at" : "frozen until", f->until);
        table_cell(&l->table, "%s", f->reason);
        return ST_OK;
    }
    json_object(l->j);
    member_text(l->j, "target", f->target);
    member_text(l->j, "since", f->time);
    member_text(l->j, "until", f->until);
    member_bool(l->j, "frozen", !over);
    member_text(l->j, "reason", f->reason);
    json_close(l->j);
    return ST_OK;
}

static enum status list_freezes(struct cli *c, struct err *e)
{
    SCOPED(listing_release) struct listing l = {.c = c, .table = table_of(3)};
    struct json_out j;
    enum status st = cli_trust(c, e);
    if (st != ST_OK)
        return st;
    if (c->json) {
        j = answer_open(c, "assay.freezes/1");
        json_key(&j, "freezes");
        json_array(&j);
        l.j = &j;
    }
    st = freeze_each(c->store, c->trust, list_one, &l, e);
    if (st != ST_OK)
        return st;
    if (c->json) {
        json_close(&j);
        answer_close(c, &j);
        return ST_OK;
    }
    table_put(&l.table, &c->out);
    if (l.table.cell == 0)
        cli_hint(c, "nothing is frozen");
    return ST_OK;
}

static enum status signers(struct cli *c, const char *role, struct promoter *by,
                           const struct signer **key, struct err *e)
{
    const char *name = c->args.value[OPT_KEY];
    enum status st = cli_promoter(c, false, by, e);
    if (st == ST_OK)
        st = cli_key(c, "log", &by->log, e);
    return st == ST_OK ? cli_key(c, name != NULL ? name : role, key, e) : st;
}

static void tell(struct cli *c, const char *schema, const struct freeze *f, uint64_t seq)
{
    if (c->json) {
        struct json_out j = answer_open(c, schema);
        member_text(&j, "target", f->target);
        member_text(&j, "until", f->until[0] != '\0' ? f->until : NULL);
        member_u64(&j, "seq", seq);
        answer_close(c, &j);
    } else if (f->until[0] != '\0') {
        buf_fmt(&c->out, "%s is frozen until %s\n", f->target, f->until);
    } else {
        buf_fmt(&c->out, "%s may go on\n", f->target);
    }
}

/* A name that nothing has may be frozen before it comes, but is more often a slip. */
static enum status note_unknown(struct cli *c, const char *target, struct err *e)
{
    char name[MANIFEST_NAME_MAX];
    bool known = false;
    text_fmt(name, sizeof name, "%.*s", (int)strcspn(target, "@"), target);
    enum status st = name[0] != '\0' ? refs_known(c, name, &known, e) : ST_OK;
    if (st == ST_OK && name[0] != '\0' && !known)
        cli_hint(c, "no artifact is named %s so far; assay ls shows those that are here", name);
    return st;
}

enum status cmd_freeze(struct cli *c, struct err *e)
{
    struct promoter by;
    struct freeze f = {.target = ""};
    const struct signer *key = NULL;
    const char *reason = NULL;
    uint64_t seq = 0;
    if (c->words == 0) {
        for (size_t i = 0; i < c->command->option_count; i++) {
            if (opt_given(&c->args, c->command->options[i]))
                return err_set(e, ST_USAGE, "target",
                               "freeze what? say NAME, NAME@CHANNEL or @CHANNEL");
        }
        return list_freezes(c, e);
    }
    enum status st = freeze_target_check(c->word[0], e);
    if (st == ST_OK)
        st = ask_until(c, f.until, e);
    if (st == ST_OK)
        st = ask_reason(c, &reason, e);
    if (st == ST_OK)
        st = signers(c, "release", &by, &key, e);
    if (st != ST_OK)
        return st;
    text_fmt(f.target, sizeof f.target, "%s", c->word[0]);
    text_fmt(f.reason, sizeof f.reason, "%s", reason);
    time_format(cli_now(c), f.time);
    int64_t until = 0;
    if (!time_parse(f.until, &until) || until <= cli_now(c))
        return err_set(e, ST_USAGE, "until", "--until %s is over already", f.until);
    st = freeze_commit(&by, key, &f, &seq, e);
    if (st != ST_OK)
        return err_subject(e, "%s", c->word[0]);
    tell(c, "assay.freeze/1", &f, seq);
    return note_unknown(c, f.target, e);
}

enum status cmd_thaw(struct cli *c, struct err *e)
{
    struct promoter by;
    struct freeze f = {.target = ""};
    const struct signer *key = NULL;
    const char *reason = NULL;
    uint64_t seq = 0;
    enum status st = ask_reason(c, &reason, e);
    if (st == ST_OK)
        st = signers(c, "policy", &by, &key, e);
    if (st == ST_OK)
        st = thaw_commit(&by, key, c->word[0], reason, &seq, e);
    if (st != ST_OK)
        return err_subject(e, "%s", c->word[0]);
    text_fmt(f.target, sizeof f.target, "%s", c->word[0]);
    tell(c, "assay.thaw/1", &f, seq);
    return ST_OK;
}
