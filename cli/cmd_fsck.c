#include "base/text.h"
#include "cli/command.h"
#include "cli/print.h"
#include "store/check.h"

enum status cmd_fsck(struct cli *c, struct err *e)
{
    if (!opt_given(&c->args, OPT_REBUILD_INDEX))
        return err_set(e, ST_USAGE, "words",
                       "fsck needs --rebuild-index; to look for damage, use: assay verify");
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
