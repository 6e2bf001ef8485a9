/* gc: room back to the disk. */
#include "base/text.h"
#include "cli/command.h"
#include "cli/print.h"
#include "store/gc.h"

static void tell(struct cli *c, const struct gc_report *r, bool dry)
{
    struct buf *out = &c->out;
    put_size(out, r->freed);
    buf_fmt(out, dry ? " would be freed: %llu pack%s" : " freed: %llu pack%s",
            (unsigned long long)r->dropped, r->dropped == 1 ? "" : "s");
    if (r->written > 0) {
        buf_fmt(out, ", the needed part of them in %llu new of ", (unsigned long long)r->written);
        put_size(out, r->written_bytes);
    }
    buf_byte(out, '\n');
    if (r->leased > 0)
        cli_hint(
            c,
            "%llu packs stay for now: a process needs them, or an interrupted add that may go on",
            (unsigned long long)r->leased);
    if (r->damaged > 0)
        cli_hint(c, "%llu packs stay: something in them is damaged; next: assay fsck --repair",
                 (unsigned long long)r->damaged);
    if (r->left > 0)
        cli_hint(c, "%llu packs wait for room to be written anew: %llu bytes at least",
                 (unsigned long long)r->left, (unsigned long long)r->wanted);
}

enum status cmd_gc(struct cli *c, struct err *e)
{
    struct gc_report r;
    struct gc_options o = {.dry_run = opt_given(&c->args, OPT_DRY_RUN)};
    enum status st = cli_store(c, e);
    if (st == ST_OK && !o.dry_run)
        st = cli_key(c, "log", &o.log, e);
    if (st != ST_OK)
        return st;
    o.clock = c->clock;
    SCOPED(progress_scope) struct progress *progress = progress_start("sweep", "B", 0, c->quiet);
    st = gc_run(c->store, &o, progress, &r, e);
    if (st != ST_OK)
        return err_subject(e, "%s", c->home.store);
    if (!c->json) {
        tell(c, &r, o.dry_run);
        return ST_OK;
    }
    struct json_out j = answer_open(c, "assay.gc/1");
    member_bool(&j, "dry_run", o.dry_run);
    member_u64(&j, "freed", r.freed);
    member_u64(&j, "dropped", r.dropped);
    member_u64(&j, "written", r.written);
    member_u64(&j, "written_bytes", r.written_bytes);
    member_u64(&j, "leased", r.leased);
    member_u64(&j, "damaged", r.damaged);
    member_u64(&j, "left", r.left);
    member_u64(&j, "wanted", r.wanted);
    answer_close(c, &j);
    return ST_OK;
}
