/* copy: the store moves to another place, or stays after all. */
#include "base/text.h"
#include "cli/command.h"
#include "cli/print.h"
#include "store/move.h"
#include "store/stay.h"

static void tell_stay(struct cli *c, const struct stay_report *r)
{
    if (c->json) {
        struct json_out j = answer_open(c, "assay.stay/1");
        member_text(&j, "store", c->home.store);
        member_text(&j, "to", r->to);
        member_text(&j, "moved", r->time);
        member_bool(&j, "dry_run", r->seq == 0);
        member_u64(&j, "seq", r->seq);
        answer_close(c, &j);
        return;
    }
    buf_text(&c->out,
             r->seq == 0 ? "would be the living store again: " : "the living store again: ");
    put_foreign(&c->out, c->home.store);
    if (r->seq > 0)
        buf_fmt(&c->out, " (entry %llu)", (unsigned long long)r->seq);
    buf_text(&c->out, "\n");
    cli_hint(c,
             "the one that went to %s at %s must never be used again: what is written there is in "
             "no ledger here",
             r->to, r->time);
}

static enum status stay(struct cli *c, struct err *e)
{
    struct stay_report r;
    struct stay_options o = {.reason = c->args.value[OPT_REASON],
                             .dry_run = opt_given(&c->args, OPT_DRY_RUN)};
    if (opt_given(&c->args, OPT_TO))
        return err_set(e, ST_USAGE, "words", "--to moves the store, --stay keeps it: not both");
    if (o.reason == NULL)
        return err_set(e, ST_USAGE, "words", "why? say --reason TEXT, for the ledger");
    enum status st = cli_store(c, e);
    if (st == ST_OK && !o.dry_run)
        st = cli_key(c, "log", &o.log, e);
    if (st != ST_OK)
        return st;
    o.clock = c->clock;
    st = stay_store(c->store, &o, &r, e);
    if (st != ST_OK)
        return err_subject(e, "%s", c->home.store);
    tell_stay(c, &r);
    return ST_OK;
}

enum status cmd_copy(struct cli *c, struct err *e)
{
    if (opt_given(&c->args, OPT_STAY))
        return stay(c, e);
    struct move_report r;
    struct move_options o = {.to = c->args.value[OPT_TO]};
    if (o.to == NULL)
        return err_set(e, ST_USAGE, "words", "where to? say --to PATH");
    enum status st = cli_store(c, e);
    if (st == ST_OK)
        st = cli_key(c, "log", &o.log, e);
    if (st != ST_OK)
        return st;
    o.clock = c->clock;
    SCOPED(progress_scope)
    struct progress *progress = progress_start("move", "B", 0, c->quiet);
    st = move_store(c->store, &o, progress, &r, e);
    if (st != ST_OK)
        return err_subject(e, "%s", c->home.store);
    if (c->json) {
        struct json_out j = answer_open(c, "assay.copy/1");
        member_text(&j, "from", c->home.store);
        member_text(&j, "to", r.to);
        member_u64(&j, "packs", r.packs);
        member_u64(&j, "bytes", r.bytes);
        member_u64(&j, "copied", r.copied_bytes);
        answer_close(c, &j);
        return ST_OK;
    }
    buf_text(&c->out, "the store is at ");
    put_foreign(&c->out, r.to);
    buf_text(&c->out, ": ");
    put_size(&c->out, r.bytes);
    buf_fmt(&c->out, " in %llu packs, every byte checked\n", (unsigned long long)r.packs);
    cli_hint(c, "the old one can be read, not changed; next: export ASSAY_STORE=%s", r.to);
    return ST_OK;
}
