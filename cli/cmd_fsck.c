/* fsck: what can be made again from the rest of the store. */
#include "base/text.h"
#include "cli/command.h"
#include "cli/print.h"
#include "store/check.h"

static enum status work(struct cli *c, bool *head, struct err *e)
{
    SCOPED(progress_scope)
    struct progress *progress = NULL;
    bool index = opt_given(&c->args, OPT_REBUILD_INDEX);
    enum status st = opt_given(&c->args, OPT_REPAIR) ? head_mend(c->home.store, head, e) : ST_OK;
    if (st == ST_OK && index) {
        progress = progress_start("fold the index", "B", 0, c->quiet);
        st = index_rebuild(c->home.store, progress, e);
    }
    return st == ST_OK ? cli_store(c, e) : st;
}

enum status cmd_fsck(struct cli *c, struct err *e)
{
    bool head = false, index = opt_given(&c->args, OPT_REBUILD_INDEX);
    if (!index && !opt_given(&c->args, OPT_REPAIR))
        return err_set(e, ST_USAGE, "words",
                       "fsck needs --repair or --rebuild-index; to look for damage, use: assay "
                       "verify");
    enum status st = cli_home(c, e);
    if (st == ST_OK)
        st = work(c, &head, e);
    if (st != ST_OK)
        return err_subject(e, "%s", c->home.store);
    if (c->json) {
        struct json_out j = answer_open(c, "assay.fsck/1");
        member_text(&j, "store", c->home.store);
        member_u64(&j, "seq", c->facts.seq);
        member_u64(&j, "chunks", c->facts.chunks);
        member_bool(&j, "head_mended", head);
        member_bool(&j, "index_rebuilt", index);
        answer_close(c, &j);
        return ST_OK;
    }
    if (opt_given(&c->args, OPT_REPAIR))
        buf_text(&c->out, head ? "ledger.head is made again from the ledger, which holds\n"
                               : "ledger.head needs no repair\n");
    if (index)
        buf_fmt(&c->out, "the index is new: %llu ledger entries, %llu chunks\n",
                (unsigned long long)c->facts.seq, (unsigned long long)c->facts.chunks);
    return ST_OK;
}
