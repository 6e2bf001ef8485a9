/* approvals add, approvals ls: other people's word, in the store. */
#include "base/files.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/print.h"
#include "promote/approval.h"
#include "promote/ballot.h"
#include "promote/shelf.h"
#include "store/envelope.h"
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
        st = file_read(AT_FDCWD, c->word[i], APPROVAL_MAX, &bytes, e);
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

struct listing {
    struct cli *c;
    struct promoter by;
    struct json_out *j; /* NULL: the table */
    struct table table;
};

static void listing_release(struct listing *l)
{
    table_release(&l->table);
}

/* Does it hold against the channel as it stands now? */
static enum status judge(struct listing *l, const struct approval *a, const struct envelope *v,
                         struct voter *who, struct err *why, struct err *e)
{
    SCOPED(standing_release) struct standing on = {.held = false};
    struct ballot_now now;
    enum status st = ballot_voter(l->by.trust, v, who, why);
    if (st != ST_OK)
        return ST_OK;
    st = standing_read(l->by.store, a->ask.name,
                       a->ask.channel[0] != '\0' ? a->ask.channel : "preview", &on, e);
    if (st != ST_OK)
        return st;
    ballot_now(&l->by, &on, &now);
    st = ballot_valid(a, &now, why); /* what it says is in *why */
    return st == ST_OK || why->status != ST_OK ? ST_OK : st;
}

static void tell_one(struct listing *l, const struct approval *a, const struct voter *who,
                     const struct err *why)
{
    SCOPED(buf_release) struct buf what = BUF_EMPTY;
    ask_text(&a->ask, &what);
    buf_byte(&what, '\0');
    const char *text = what.failed ? "?" : (const char *)what.p;
    bool holds = why->status == ST_OK;
    if (l->j == NULL) {
        table_cell(&l->table, "%s", who->owner[0] != '\0' ? who->owner : "?");
        table_cell(&l->table, "%s", a->approve ? "agrees" : "rejects");
        table_cell(&l->table, "%s", text);
        table_cell(&l->table, "%s", a->time);
        table_cell(&l->table, "%s%s", holds ? "holds" : "void: ", holds ? "" : why->detail);
        return;
    }
    json_object(l->j);
    member_text(l->j, "owner", who->owner);
    member_bool(l->j, "approve", a->approve);
    member_text(l->j, "asks", text);
    member_text(l->j, "kind", ask_kind_name(a->ask.kind));
    member_text(l->j, "channel", a->ask.channel);
    member_text(l->j, "time", a->time);
    member_text(l->j, "expires", a->ask.expires);
    member_text(l->j, "reason", a->reason);
    member_digest(l->j, "approval", &a->digest);
    member_bool(l->j, "holds", holds);
    member_text(l->j, "code", holds ? NULL : err_code(why));
    member_text(l->j, "why", holds ? NULL : why->detail);
    json_close(l->j);
}

static enum status list_one(void *ctx, const struct shelved *d, struct err *e)
{
    struct listing *l = ctx;
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    SCOPED(envelope_release) struct envelope v = {0};
    struct approval a;
    struct voter who = {.key = 0};
    struct err why = ERR_NONE;
    enum status st = store_document(l->by.store, &d->envelope, &bytes, e);
    if (st == ST_OK)
        st = approval_open(buf_span(&bytes), &v, &a, e);
    if (st == ST_OK)
        st = judge(l, &a, &v, &who, &why, e);
    if (st == ST_OK)
        tell_one(l, &a, &who, &why);
    return st;
}

enum status cmd_approvals_ls(struct cli *c, struct err *e)
{
    SCOPED(artifact_release) struct artifact a = {0};
    SCOPED(listing_release) struct listing l = {.c = c, .table = table_of(5)};
    struct json_out j;
    enum status st = cli_artifact(c, c->word[0], false, &a, e);
    if (st == ST_OK)
        st = cli_promoter(c, false, &l.by, e);
    if (st != ST_OK)
        return st;
    if (c->json) {
        j = answer_open(c, "assay.approvals/1");
        member_digest(&j, "artifact", &a.digest);
        json_key(&j, "approvals");
        json_array(&j);
        l.j = &j;
    }
    st = shelf_each(c->store, APPROVAL_SHELF, &a.digest, APPROVALS_MAX, list_one, &l, e);
    if (st != ST_OK)
        return st;
    if (c->json) {
        json_close(&j);
        answer_close(c, &j);
        return ST_OK;
    }
    table_put(&l.table, &c->out);
    if (l.table.cell == 0)
        cli_hint(c, "nobody was asked yet; next: assay request %s --to stable -o FILE", c->word[0]);
    return ST_OK;
}
