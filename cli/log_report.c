#include "cli/log_report.h"
#include "base/text.h"
#include "cli/print.h"
#include "store/envelope.h"
#include <string.h>

/* ---- who signed ---- */

/* Members of a body that name an envelope by its digest. */
static const char *const named[] = {"decision", "evidence", "envelope", "manifest",       "digest",
                                    "approval", "waiver",   "freeze",   "policy_envelope"};

typedef void (*signer_fn)(void *ctx, const struct trust_signer *s);

static void signers_of(struct cli *c, const char *hex, signer_fn each, void *ctx)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(envelope_release) struct envelope v = {0};
    struct err ignored = ERR_NONE; /* what cannot be read has no signer to tell */
    struct digest d;
    struct trust_signer s;
    if (hex == NULL || !digest_parse(hex, &d) ||
        store_document(c->store, &d, &text, &ignored) != ST_OK ||
        envelope_parse(buf_span(&text), &v, &ignored) != ST_OK)
        return;
    for (size_t k = 0; trust_signer_at(c->trust, &v, &k, &s);)
        each(ctx, &s);
}

/* Who leaves a channel, or all of them, does so by a decision each: one person signed them. */
static void each_signer(struct cli *c, const struct ledger_entry *entry, signer_fn each, void *ctx)
{
    const struct json *first = json_at(json_get(entry->body, "decisions"), 0);
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        signers_of(c, json_as_string(json_get(entry->body, named[i])), each, ctx);
    signers_of(c, json_as_string(json_get(first, "decision")), each, ctx);
}

static void put_json(void *ctx, const struct trust_signer *s)
{
    struct json_out *j = ctx;
    json_object(j);
    member_text(j, "key", s->id);
    member_text(j, "owner", s->owner);
    member_bool(j, "revoked", s->revoked);
    json_close(j);
}

void log_signers_json(struct cli *c, const struct ledger_entry *entry, struct json_out *j)
{
    json_key(j, "signed_by");
    json_array(j);
    each_signer(c, entry, put_json, j);
    json_close(j);
}

struct phrase {
    struct buf *out;
    const char *before, *between;
    size_t count;
};

static void put_text(void *ctx, const struct trust_signer *s)
{
    struct phrase *p = ctx;
    buf_text(p->out, p->count++ == 0 ? p->before : p->between);
    if (s->owner != NULL)
        buf_fmt(p->out, "%s (%s)", s->owner, s->id);
    else
        buf_fmt(p->out, "%s, revoked", s->id);
}

void log_signers_text(struct cli *c, const struct ledger_entry *entry, struct buf *out)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    struct phrase p = {.out = &text, .before = " by ", .between = ", "};
    each_signer(c, entry, put_text, &p);
    text_escape(out, buf_span(&text), false);
}

/* ---- a spreadsheet ---- */

static const char *const columns[] = {"seq",      "time",      "type",   "name",     "version",
                                      "channel",  "target",    "gate",   "check",    "verdict",
                                      "allowed",  "until",     "reason", "artifact", "previous",
                                      "decision", "signed_by", "hash"};
#define COLUMNS (sizeof columns / sizeof *columns)

static void put_cell(struct buf *out, size_t column, const char *text)
{
    SCOPED(buf_release) struct buf safe = BUF_EMPTY;
    if (column > 0)
        buf_byte(out, ',');
    if (text == NULL || text[0] == '\0')
        return;
    text_escape(&safe, span_text(text), false);
    bool formula = strchr("=+-@", text[0]) != NULL;
    buf_byte(out, '"');
    if (formula)
        buf_byte(out, '\'');
    for (size_t i = 0; i < safe.n; i++) {
        if (safe.p[i] == '"')
            buf_byte(out, '"');
        buf_byte(out, safe.p[i]);
    }
    buf_byte(out, '"');
    out->failed = out->failed || safe.failed;
}

void log_csv_head(struct cli *c)
{
    for (size_t i = 0; i < COLUMNS; i++)
        put_cell(&c->out, i, columns[i]);
    buf_text(&c->out, "\r\n");
}

void log_csv(struct cli *c, const struct ledger_entry *entry)
{
    SCOPED(buf_release) struct buf who = BUF_EMPTY;
    char seq[24], hash[DIGEST_TEXT];
    struct phrase p = {.out = &who, .before = "", .between = "; "};
    text_fmt(seq, sizeof seq, "%llu", (unsigned long long)entry->seq);
    digest_text(&entry->hash, hash);
    each_signer(c, entry, put_text, &p);
    buf_byte(&who, 0);
    const char *const own[] = {seq, entry->time, entry->type};
    for (size_t i = 0; i < COLUMNS; i++) {
        const struct json *member = i < 3 ? NULL : json_get(entry->body, columns[i]);
        const char *text = i < 3 ? own[i] : json_as_string(member);
        bool truth = false;
        if (json_as_bool(member, &truth))
            text = truth ? "yes" : "no";
        if (i == COLUMNS - 2)
            text = who.failed ? "?" : (const char *)who.p;
        if (i == COLUMNS - 1)
            text = hash;
        put_cell(&c->out, i, text);
    }
    buf_text(&c->out, "\r\n");
}
