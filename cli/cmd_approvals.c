/* approvals add, approvals ls: other people's word, in the store. */
#include "base/files.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/given.h"
#include "cli/listing.h"
#include "cli/print.h"
#include "promote/tally.h"
#include <fcntl.h>

static void tell_added(struct cli *c, const char *path, const struct approval *a, uint64_t seq)
{
    SCOPED(buf_release) struct buf what = BUF_EMPTY;
    ask_text(&a->ask, &what);
    buf_byte(&what, '\0');
    if (c->json) {
        struct json_out j = answer_open(c, "assay.approval-added/1");
        member_text(&j, "file", path);
        member_bool(&j, "approve", a->approve);
        member_digest(&j, "approval", &a->digest);
        member_digest(&j, "artifact", &a->ask.artifact);
        member_text(&j, "channel", a->ask.channel);
        member_bool(&j, "existed", seq == 0);
        member_u64(&j, "seq", seq);
        answer_close(c, &j);
        return;
    }
    buf_fmt(&c->out, "%s: %s%s\n", a->approve ? "agreed" : "rejected",
            what.failed ? "?" : (const char *)what.p, seq == 0 ? " (was here already)" : "");
}

enum status cmd_approvals_add(struct cli *c, struct err *e)
{
    struct promoter by;
    enum status st = cli_promoter(c, false, &by, e);
    if (st == ST_OK)
        st = cli_key(c, "log", &by.log, e);
    for (size_t i = 0; st == ST_OK && i < c->words; i++) {
        SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
        struct approval a;
        uint64_t seq = 0;
        st = given_read(c->word[i], APPROVAL_MAX, &bytes, e);
        if (st == ST_OK)
            st = approval_add(&by, buf_span(&bytes), &a, &seq, e);
        if (st != ST_OK)
            return err_subject(e, "%s", c->word[i]);
        tell_added(c, c->word[i], &a, seq);
        st = cli_flush(c, e);
    }
    return st;
}

/* ---- listing ---- */

static void tell_line(struct listing *l, const struct tallied *t, const char *what)
{
    table_cell(&l->table, "%s", t->owner[0] != '\0' ? t->owner : "?");
    table_cell(&l->table, "%s", !t->read ? "?" : t->approval.approve ? "agrees" : "rejects");
    table_cell(&l->table, "%s", t->read ? what : "?");
    table_cell(&l->table, "%s", t->approval.time);
    table_cell(&l->table, "%s%s", t->holds ? "holds" : "void: ", t->holds ? "" : t->why);
}

static enum status tell_one(void *ctx, const struct tallied *t, struct err *e)
{
    struct listing *l = ctx;
    const struct approval *a = &t->approval;
    SCOPED(buf_release) struct buf what = BUF_EMPTY;
    ask_text(&a->ask, &what);
    buf_byte(&what, '\0');
    const char *text = what.failed ? "?" : (const char *)what.p;
    if (l->j == NULL) {
        tell_line(l, t, text);
        return cli_alive(e);
    }
    bool waiver = a->ask.kind == ASK_WAIVE;
    json_object(l->j);
    member_text(l->j, "owner", t->owner[0] != '\0' ? t->owner : NULL);
    json_key(l->j, "approve");
    if (t->read)
        json_bool(l->j, a->approve);
    else
        json_null(l->j);
    member_text(l->j, "asks", t->read ? text : NULL);
    member_text(l->j, "kind", t->read ? ask_kind_name(a->ask.kind) : NULL);
    member_text(l->j, "channel", t->read && !waiver ? a->ask.channel : NULL);
    member_text(l->j, "gate", waiver ? gate_name(a->ask.gate) : NULL);
    member_text(l->j, "check", waiver ? a->ask.check : NULL);
    member_text(l->j, "until", waiver ? a->ask.until : NULL);
    member_text(l->j, "time", t->read ? a->time : NULL);
    member_text(l->j, "expires", t->read ? a->ask.expires : NULL);
    member_text(l->j, "reason", t->read ? a->reason : NULL);
    member_digest(l->j, "approval", &a->digest);
    member_u64(l->j, "seq", t->seq);
    member_bool(l->j, "holds", t->holds);
    member_text(l->j, "code", t->holds ? NULL : t->code);
    member_text(l->j, "why", t->holds ? NULL : t->why);
    json_close(l->j);
    return cli_alive(e);
}

enum status cmd_approvals_ls(struct cli *c, struct err *e)
{
    SCOPED(artifact_release) struct artifact a = {0};
    SCOPED(listing_release) struct listing l = listing_of(c, 5);
    struct promoter by;
    enum status st = cli_artifact(c, c->word[0], false, &a, e);
    if (st == ST_OK)
        st = cli_promoter(c, false, &by, e);
    if (st != ST_OK)
        return st;
    listing_open(&l, "assay.approvals/1");
    if (l.j != NULL)
        member_digest(l.j, "artifact", &a.digest);
    listing_rows(&l, "approvals");
    st = tally_each(&by, &a, tell_one, &l, e);
    if (st != ST_OK)
        return st;
    listing_close(&l);
    if (l.j == NULL && l.table.cell == 0)
        cli_hint(c, "nobody was asked yet; next: assay request %s --to stable -o FILE", c->word[0]);
    return ST_OK;
}
