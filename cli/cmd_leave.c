/* rollback, demote, retire: the ways back and out. */
#include "base/text.h"
#include "cli/ask_file.h"
#include "cli/command.h"
#include "cli/print.h"
#include "cli/refs.h"
#include "promote/leave.h"

/* The newest former holder whom a rollback without --to takes, and the newest of all. */
struct returning {
    const struct digest *present;
    bool found, any;
    struct holder last;
};

static enum status look(void *ctx, const struct holder *h, struct err *e)
{
    struct returning *r = ctx;
    (void)e;
    if (digest_equal(&h->artifact, r->present))
        return ST_OK;
    if (!r->any)
        r->last = *h;
    r->any = true;
    r->found = !h->withdrawn;
    return r->found ? ST_CANCELLED : ST_OK;
}

/* How NAME@CHANNEL is filled again, as a command; "" when nobody else held it. */
static enum status way_back(struct cli *c, const char *name, const char *channel, char out[700],
                            struct err *e)
{
    struct holder seat;
    char ref[300];
    out[0] = '\0';
    enum status st = channel_seat(c->store, name, channel, &seat, e);
    struct returning r = {.present = &seat.artifact};
    if (st == ST_OK)
        st = channel_former(c->store, name, channel, look, &r, e);
    if (st != ST_OK || !r.any)
        return st;
    refs_name(c, &r.last.artifact, ref, sizeof ref);
    text_fmt(out, 700, "assay rollback %s@%s%s%s --reason TEXT", name, channel,
             r.found ? "" : " --to ", r.found ? "" : ref);
    return ST_OK;
}

/* Nobody is left to go back to without being named: say who could be. */
static enum status name_former(struct cli *c, const char *name, const char *channel, struct err *e)
{
    char way[700];
    struct err why = ERR_NONE;
    if (way_back(c, name, channel, way, &why) != ST_OK)
        return e->status;
    *e = ERR_NONE;
    if (way[0] == '\0')
        return err_set(e, ST_NOT_FOUND, "no-former", "nobody else held %s@%s before", name,
                       channel);
    return err_set(e, ST_NOT_FOUND, "no-former",
                   "whoever held %s@%s before was taken out, and comes back only by name: %s", name,
                   channel, way);
}

enum status cmd_rollback(struct cli *c, struct err *e)
{
    SCOPED(artifact_release) struct artifact to = {0};
    struct promoter by;
    struct holder h;
    char name[MANIFEST_NAME_MAX], channel[16], now_name[300];
    const char *reason = NULL, *ref = c->args.value[OPT_TO];
    enum status st = ask_reason(c, &reason, e);
    if (st == ST_OK)
        st = refs_channel(c->word[0], name, channel, e);
    if (st == ST_OK)
        st = cli_promoter(c, true, &by, e);
    if (st == ST_OK && ref != NULL)
        st = cli_artifact(c, ref, false, &to, e);
    if (st == ST_OK)
        st = rollback(&by, name, channel, ref != NULL ? &to.digest : NULL, reason, &h, e);
    if (st == ST_NOT_FOUND && ref == NULL && text_equal(err_code(e), "no-former"))
        st = name_former(c, name, channel, e);
    if (st != ST_OK)
        return err_subject(e, "%s", c->word[0]);
    refs_name(c, &h.artifact, now_name, sizeof now_name);
    if (c->json) {
        struct json_out j = answer_open(c, "assay.rollback/1");
        member_text(&j, "name", name);
        member_text(&j, "channel", channel);
        member_digest(&j, "artifact", &h.artifact);
        member_text(&j, "holder", now_name);
        member_digest(&j, "decision", &h.decision);
        member_u64(&j, "seq", h.seq);
        answer_close(c, &j);
        return ST_OK;
    }
    buf_fmt(&c->out, "%s@%s is %s again\n", name, channel, now_name);
    return ST_OK;
}

enum status cmd_demote(struct cli *c, struct err *e)
{
    struct promoter by;
    struct holder h;
    char name[MANIFEST_NAME_MAX], channel[16], was[300], way[700];
    const char *reason = NULL;
    enum status st = ask_reason(c, &reason, e);
    if (st == ST_OK)
        st = refs_channel(c->word[0], name, channel, e);
    if (st == ST_OK)
        st = cli_promoter(c, true, &by, e);
    if (st == ST_OK)
        st = demote(&by, name, channel, reason, &h, e);
    if (st != ST_OK)
        return err_subject(e, "%s", c->word[0]);
    if ((st = way_back(c, name, channel, way, e)) != ST_OK)
        return st;
    refs_name(c, &h.artifact, was, sizeof was);
    cli_hint(c, "to fill it again: %s", way);
    if (c->json) {
        struct json_out j = answer_open(c, "assay.demote/1");
        member_text(&j, "name", name);
        member_text(&j, "channel", channel);
        member_digest(&j, "artifact", &h.artifact);
        member_text(&j, "left", was);
        member_digest(&j, "decision", &h.decision);
        member_u64(&j, "seq", h.seq);
        answer_close(c, &j);
        return ST_OK;
    }
    buf_fmt(&c->out, "%s left %s@%s, which nobody holds now\n", was, name, channel);
    return ST_OK;
}

enum status cmd_retire(struct cli *c, struct err *e)
{
    SCOPED(artifact_release) struct artifact a = {0};
    struct promoter by;
    const char *reason = NULL;
    unsigned left = 0;
    uint64_t seq = 0;
    enum status st = ask_reason(c, &reason, e);
    if (st == ST_OK)
        st = cli_artifact(c, c->word[0], false, &a, e);
    if (st == ST_OK)
        st = cli_promoter(c, true, &by, e);
    if (st == ST_OK)
        st = retire(&by, &a, reason, &left, &seq, e);
    if (st != ST_OK)
        return err_subject(e, "%s", c->word[0]);
    if (c->json) {
        struct json_out j = answer_open(c, "assay.retire/1");
        member_text(&j, "name", a.manifest.name);
        member_text(&j, "version", a.manifest.version);
        member_digest(&j, "artifact", &a.digest);
        member_u64(&j, "channels_left", left);
        member_u64(&j, "seq", seq);
        answer_close(c, &j);
        return ST_OK;
    }
    buf_fmt(&c->out, "%s@%s is retired; it held %u channel%s\n", a.manifest.name,
            a.manifest.version, left, left == 1 ? "" : "s");
    return ST_OK;
}
