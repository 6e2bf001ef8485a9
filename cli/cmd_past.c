/* channels --at T: who held what at a time that is past, from the ledger itself. */
#include "base/text.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "cli/past.h"
#include "cli/print.h"
#include "cli/refs.h"
#include "promote/history.h"
#include <string.h>

static enum status tell(void *ctx, const struct tenure *h, struct err *e)
{
    struct listing *t = ctx;
    size_t *count = t->with;
    char ref[300];
    (void)e;
    refs_name(t->c, &h->artifact, ref, sizeof ref);
    ++*count;
    if (t->j == NULL) {
        table_cell(&t->table, "%s@%s", h->name, h->channel);
        table_cell(&t->table, "%s", ref);
        table_cell(&t->table, "since %s", h->since);
        table_cell(&t->table, "%s%s", h->until[0] != '\0' ? "until " : "holds it still", h->until);
        table_cell(&t->table, "%s, entry %llu", h->type, (unsigned long long)h->seq);
        return ST_OK;
    }
    json_object(t->j);
    member_text(t->j, "name", h->name);
    member_text(t->j, "channel", h->channel);
    member_text(t->j, "holder", ref);
    member_digest(t->j, "artifact", &h->artifact);
    member_text(t->j, "since", h->since);
    member_text(t->j, "until", h->until[0] != '\0' ? h->until : NULL);
    member_digest(t->j, "decision", &h->decision);
    member_text(t->j, "by", h->type);
    member_u64(t->j, "seq", h->seq);
    json_close(t->j);
    return ST_OK;
}

enum status read_moment(const char *option, const char *text, int64_t *out, struct err *e)
{
    char full[64];
    text_fmt(full, sizeof full, strlen(text) == 10 ? "%.40sT00:00:00Z" : "%.40s", text);
    return time_parse(full, out) ? ST_OK
                                 : err_set(e, ST_USAGE, "option-value",
                                           "%s %s: a date such as 2026-01-02, or a time such as "
                                           "2026-01-02T03:04:05Z, is wanted",
                                           option, text);
}

enum status channels_at(struct cli *c, struct err *e)
{
    SCOPED(listing_release) struct listing l = listing_of(c, 5);
    size_t count = 0;
    char name[MANIFEST_NAME_MAX], channel[16], when[TIME_TEXT_MAX];
    bool one = c->words > 0;
    int64_t at = 0;
    enum status st = read_moment("--at", c->args.value[OPT_AT], &at, e);
    if (st == ST_OK && one)
        st = refs_channel(c->word[0], name, channel, e);
    if (st == ST_OK)
        st = cli_trust(c, e);
    if (st != ST_OK)
        return st;
    time_format(at, when);
    l.with = &count;
    listing_open(&l, "assay.channels-at/1");
    if (l.j != NULL)
        member_text(l.j, "at", when);
    listing_rows(&l, "channels");
    st = history_at(c->store, one ? name : NULL, one ? channel : NULL, at, tell, &l, e);
    if (st == ST_OK && one && count == 0)
        st = err_set(e, ST_NOT_FOUND, "no-holder", "nobody held %s at %s", c->word[0], when);
    if (st != ST_OK)
        return one ? err_subject(e, "%s", c->word[0]) : st;
    listing_close(&l);
    if (l.j == NULL && count == 0)
        cli_hint(c, "nobody held a channel at %s", when);
    return ST_OK;
}
