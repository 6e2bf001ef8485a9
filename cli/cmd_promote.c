/* promote, channels: decisions and who holds what. */
#include "base/text.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "cli/past.h"
#include "cli/print.h"
#include "cli/refs.h"
#include "cli/way_back.h"
#include <string.h>

static void tell_decision(struct cli *c, const struct artifact *a, const char *channel, bool dry,
                          const struct decision *d)
{
    if (c->json) {
        char soaked[TIME_TEXT_MAX];
        time_format(d->soaked_until, soaked);
        struct json_out j = answer_open(c, "assay.promote/1");
        member_text(&j, "name", a->manifest.name);
        member_text(&j, "version", a->manifest.version);
        member_digest(&j, "artifact", &a->digest);
        member_text(&j, "channel", channel);
        member_bool(&j, "allowed", d->allowed);
        member_bool(&j, "dry_run", dry);
        member_bool(&j, "held", d->held);
        json_key(&j, "rules");
        rules_json(&j, d);
        member_text(&j, "soaked_until", d->soaked_until > 0 ? soaked : NULL);
        member_digest(&j, "previous", &d->previous);
        member_digest(&j, "decision", &d->envelope);
        member_u64(&j, "seq", d->seq);
        answer_close(c, &j);
        return;
    }
    buf_fmt(&c->out, "%s@%s → %s: %s%s\n", a->manifest.name, a->manifest.version, channel,
            d->held      ? "holds it already"
            : d->allowed ? "granted"
                         : "refused",
            dry ? " (dry run, nothing recorded)" : "");
    rules_text(&c->out, d);
}

enum status cmd_promote(struct cli *c, struct err *e)
{
    SCOPED(artifact_release) struct artifact a = {0};
    struct promoter by;
    struct decision d = {0};
    const char *channel = c->args.value[OPT_TO];
    bool dry = opt_given(&c->args, OPT_DRY_RUN), emergency = opt_given(&c->args, OPT_EMERGENCY);
    const char *reason = c->args.value[OPT_REASON];
    if (channel == NULL)
        return err_set(e, ST_USAGE, "no-channel-given", "to which channel? say --to preview");
    if (emergency != (reason != NULL))
        return err_set(
            e, ST_USAGE, "no-reason",
            "an emergency needs its reason, and nothing else does: --emergency --reason TEXT");
    enum status st = cli_artifact(c, c->word[0], false, &a, e);
    if (st == ST_OK)
        st = cli_promoter(c, !dry, &by, e);
    if (st == ST_OK)
        st = promote(&by,
                     &(struct promotion){.artifact = &a,
                                         .channel = channel,
                                         .emergency = emergency ? reason : NULL,
                                         .dry_run = dry,
                                         .watch = {cli_watch, NULL}},
                     &d, e);
    if (st != ST_OK)
        return err_subject(e, "%s", c->word[0]);
    tell_decision(c, &a, channel, dry, &d);
    if (d.allowed)
        return ST_OK;
    c->answered = true;
    return ST_REFUSED;
}

/* ---- channels ---- */

static enum status collect(void *ctx, const struct holder *h, struct err *e)
{
    struct buf *list = ctx;
    buf_append(list, SPAN(h, sizeof *h));
    return list->failed ? err_set(e, ST_NO_MEMORY, NULL, "no memory for the list of holders")
                        : ST_OK;
}

static void tell_holder(struct listing *l, const struct holder *h, bool former)
{
    char ref[300] = "";
    bool vacant = digest_is_zero(&h->artifact);
    if (!vacant)
        refs_name(l->c, &h->artifact, ref, sizeof ref);
    if (l->j == NULL) {
        table_cell(&l->table, "%s@%s", h->name, h->channel);
        table_cell(&l->table, "%s", vacant ? "nobody" : ref);
        table_cell(&l->table, "since %s", h->since);
        table_cell(&l->table, "%s%s",
                   vacant   ? "stands empty"
                   : former ? "held it"
                            : "holds it",
                   former && h->withdrawn ? ", taken out" : "");
        return;
    }
    json_object(l->j);
    member_text(l->j, "name", h->name);
    member_text(l->j, "channel", h->channel);
    member_text(l->j, "holder", vacant ? NULL : ref);
    member_digest(l->j, "artifact", &h->artifact);
    member_text(l->j, "since", h->since);
    member_digest(l->j, "decision", &h->decision);
    member_u64(l->j, "seq", h->seq);
    if (former)
        member_bool(l->j, "withdrawn", h->withdrawn);
    json_close(l->j);
}

static void tell_holders(struct listing *l, struct span found, bool former)
{
    struct holder h;
    for (size_t at = 0; at + sizeof h <= found.n; at += sizeof h) {
        memcpy(&h, found.p + at, sizeof h);
        tell_holder(l, &h, former);
    }
}

/* Reading waits until the scan is over. */
static enum status all_channels(struct listing *l, struct err *e)
{
    SCOPED(buf_release) struct buf found = BUF_EMPTY;
    enum status st = channel_each(l->c->store, true, collect, &found, e);
    if (st == ST_OK)
        tell_holders(l, buf_span(&found), false);
    return st;
}

/* One that stands empty is told too: who held it may be asked for. */
static enum status one_channel(struct listing *l, const char *text, struct err *e)
{
    SCOPED(buf_release) struct buf found = BUF_EMPTY;
    char name[MANIFEST_NAME_MAX], channel[16], way[WAY_BACK];
    struct holder h;
    enum status st = refs_channel(text, name, channel, e);
    if (st == ST_OK)
        st = channel_seat(l->c->store, name, channel, &h, e);
    if (st != ST_OK)
        return err_subject(e, "%s", text);
    tell_holder(l, &h, false);
    st = channel_former(l->c->store, name, channel, collect, &found, e);
    if (st != ST_OK)
        return st;
    listing_rows(l, "former");
    tell_holders(l, buf_span(&found), true);
    if (!digest_is_zero(&h.artifact))
        return ST_OK;
    st = way_back(l->c, name, channel, way, e);
    if (st == ST_OK && way[0] != '\0')
        cli_hint(l->c, "to fill it again: %s", way);
    return st;
}

enum status cmd_channels(struct cli *c, struct err *e)
{
    if (opt_given(&c->args, OPT_AT))
        return channels_at(c, e);
    SCOPED(listing_release) struct listing l = listing_of(c, 4);
    enum status st = cli_trust(c, e);
    if (st != ST_OK)
        return st;
    listing_open(&l, "assay.channels/1");
    listing_rows(&l, "channels");
    st = c->words == 0 ? all_channels(&l, e) : one_channel(&l, c->word[0], e);
    if (st != ST_OK)
        return st;
    listing_close(&l);
    if (l.j == NULL && l.table.cell == 0)
        cli_hint(c, "no channel is held yet; next: assay promote REF --to preview");
    return ST_OK;
}
