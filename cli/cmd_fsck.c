/* fsck: the store's health, and mending it. */
#include "base/text.h"
#include "cli/command.h"
#include "cli/print.h"
#include "cli/repair.h"
#include "store/check.h"

static enum status rebuild(struct cli *c, struct err *e)
{
    enum status st = cli_home(c, e);
    if (st != ST_OK)
        return st;
    SCOPED(progress_scope)
    struct progress *progress = progress_start("fold the index", "B", 0, c->quiet);
    st = index_rebuild(c->home.store, progress, e);
    if (st == ST_OK)
        st = cli_store(c, e);
    if (st != ST_OK)
        return err_subject(e, "%s", c->home.store);
    if (c->json) {
        struct json_out j = answer_open(c, "assay.fsck/1");
        member_text(&j, "store", c->home.store);
        member_u64(&j, "seq", c->facts.seq);
        member_u64(&j, "chunks", c->facts.chunks);
        answer_close(c, &j);
        return ST_OK;
    }
    buf_fmt(&c->out, "the index is new: %llu ledger entries, %llu chunks\n",
            (unsigned long long)c->facts.seq, (unsigned long long)c->facts.chunks);
    return ST_OK;
}

static void tell(struct cli *c, const struct repaired *r)
{
    struct buf *out = &c->out;
    if (r->aside > 0)
        buf_fmt(out, "moved aside: %llu things that lay in the place of the store's own\n",
                (unsigned long long)r->aside);
    if (r->ledger == LEDGER_LINE)
        buf_text(out, "mended: the ledger's last line, from ledger.head\n");
    if (r->ledger == LEDGER_HEAD)
        buf_text(out, "mended: ledger.head, from the proven ledger\n");
    if (r->index)
        buf_text(out, "mended: the index was folded anew\n");
    if (r->contents + r->documents > 0)
        buf_fmt(out, "mended: %llu contents and %llu documents from the copy\n",
                (unsigned long long)r->contents, (unsigned long long)r->documents);
    if (r->packs > 0)
        buf_fmt(out, "mended: %llu packs written anew\n", (unsigned long long)r->packs);
    if (r->lost > 0)
        buf_fmt(out,
                "lost: %llu contents are registered; a good copy brings them back: assay fsck "
                "--repair --from PATH\n",
                (unsigned long long)r->lost);
}

enum status cmd_fsck(struct cli *c, struct err *e)
{
    struct repaired r;
    if (opt_given(&c->args, OPT_REBUILD_INDEX))
        return rebuild(c, e);
    if (!opt_given(&c->args, OPT_REPAIR))
        return cmd_verify(c, e);
    enum status st = repair_store(c, &r, e);
    if (st != ST_OK)
        return err_subject(e, "%s", c->home.store);
    if (!c->json)
        tell(c, &r);
    return verify_mended(c, &r, e);
}
