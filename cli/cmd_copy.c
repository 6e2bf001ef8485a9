/* copy: the store moves to another place. */
#include "base/text.h"
#include "cli/command.h"
#include "cli/print.h"
#include "store/move.h"

enum status cmd_copy(struct cli *c, struct err *e)
{
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
