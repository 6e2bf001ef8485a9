/* freeze, thaw: what lets nothing in for a while. */
#include "base/text.h"
#include "cli/ask_file.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "cli/print.h"
#include "cli/refs.h"
#include "promote/exception.h"
#include <string.h>

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
    SCOPED(listing_release) struct listing l = listing_of(c, 3);
    enum status st = cli_trust(c, e);
    if (st != ST_OK)
        return st;
    listing_open(&l, "assay.freezes/1");
    listing_rows(&l, "freezes");
    st = freeze_each(c->store, c->trust, list_one, &l, e);
    if (st != ST_OK)
        return st;
    listing_close(&l);
    if (l.j == NULL && l.table.cell == 0)
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
