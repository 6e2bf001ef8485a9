/* waive: one check of one artifact passes for a while, or which do. */
#include "base/text.h"
#include "cli/ask_file.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "cli/print.h"
#include "cli/refs.h"
#include "promote/exception.h"
#include "promote/policy_store.h"
#include "promote/shelf.h"
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

/* ---- listing ---- */

static void tell_one(struct listing *l, const struct waiver *w, const char *state, const char *why)
{
    if (l->j == NULL) {
        table_cell(&l->table, "%s", w->gate != GATE_NONE ? gate_name(w->gate) : "?");
        table_cell(&l->table, "%s", w->check[0] != '\0' ? w->check : "?");
        table_cell(&l->table, "until %s", w->until[0] != '\0' ? w->until : "?");
        table_cell(&l->table, "%s%s", state, why);
        table_cell(&l->table, "%s", w->reason);
        return;
    }
    json_object(l->j);
    member_text(l->j, "gate", w->gate != GATE_NONE ? gate_name(w->gate) : NULL);
    member_text(l->j, "check", w->check[0] != '\0' ? w->check : NULL);
    member_text(l->j, "since", w->time[0] != '\0' ? w->time : NULL);
    member_text(l->j, "until", w->until[0] != '\0' ? w->until : NULL);
    member_text(l->j, "reason", w->reason);
    member_digest(l->j, "waiver", &w->digest);
    member_text(l->j, "state", state);
    member_text(l->j, "why", why[0] != '\0' ? why + strlen(": ") : NULL);
    json_close(l->j);
}

/* One that cannot be proven is told as such: it lets nothing pass. */
static enum status list_one(void *ctx, const struct shelved *d, struct err *e)
{
    struct listing *l = ctx;
    struct cli *c = l->c;
    struct waiver w;
    struct err why = ERR_NONE;
    char text[200] = "";
    enum status st = waiver_open(c->store, c->trust, &d->envelope, TRUST_ANY_TIME, &w, &why);
    if (status_exit(st) == 3) {
        *e = why;
        return st;
    }
    if (st != ST_OK)
        text_fmt(text, sizeof text, ": %.180s", why.detail);
    bool holds = st == ST_OK && waiver_holds(&w, c->facts.id, l->with, cli_now(c));
    tell_one(l, &w, st != ST_OK ? "void" : holds ? "holds" : "over", text);
    return cli_alive(e);
}

static enum status list_waivers(struct cli *c, struct err *e)
{
    SCOPED(artifact_release) struct artifact a = {0};
    SCOPED(listing_release) struct listing l = listing_of(c, 5);
    enum status st = cli_artifact(c, c->word[0], false, &a, e);
    if (st != ST_OK)
        return st;
    l.with = &a.digest;
    listing_open(&l, "assay.waivers/1");
    if (l.j != NULL)
        member_digest(l.j, "artifact", &a.digest);
    listing_rows(&l, "waivers");
    st = shelf_each(c->store, WAIVER_SHELF, &a.digest, SIZE_MAX, list_one, &l, e);
    if (st != ST_OK)
        return st;
    listing_close(&l);
    if (l.j == NULL && l.table.cell == 0)
        cli_hint(c, "nothing is waived for %s", c->word[0]);
    return ST_OK;
}

enum status cmd_waive(struct cli *c, struct err *e)
{
    SCOPED(artifact_release) struct artifact a = {0};
    struct promoter by;
    struct ask ask;
    struct decision d = {0};
    const struct signer *law = NULL;
    if (!opt_given(&c->args, OPT_GATE) && !opt_given(&c->args, OPT_CHECK) &&
        !opt_given(&c->args, OPT_UNTIL) && !opt_given(&c->args, OPT_REASON))
        return list_waivers(c, e);
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
