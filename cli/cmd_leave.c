/* rollback, demote, retire: the ways back and out. */
#include "base/text.h"
#include "cli/ask_file.h"
#include "cli/command.h"
#include "cli/print.h"
#include "cli/refs.h"
#include "cli/way_back.h"
#include "promote/leave.h"

/* Nobody is left to go back to without being named: say who could be. */
static enum status name_former(struct cli *c, const char *name, const char *channel, struct err *e)
{
    char way[WAY_BACK];
    struct err why = ERR_NONE;
    if (way_back(c, name, channel, way, &why) != ST_OK)
        return e->status;
    *e = ERR_NONE;
    if (way[0] == '\0')
        return err_set(e, ST_NOT_FOUND, "no-former",
                       "nobody else held %s@%s before who could come back", name, channel);
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
    char name[MANIFEST_NAME_MAX], channel[16], was[300], way[WAY_BACK];
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
    if (way[0] != '\0')
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
