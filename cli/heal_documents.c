#include "cli/heal_documents.h"
#include "store/ledger.h"
#include <string.h>

#define HEX (DIGEST_TEXT - 1) /* digits of a digest */

struct search {
    struct store *here, *there;
    struct change *to;
    struct buf taken; /* struct digest each */
};

static void search_release(struct search *s)
{
    buf_release(&s->taken);
}

/* Digests of contents and artifacts are none of a document, and nobody has one of that name. */
static enum status try_digest(struct search *s, const struct digest *d, struct err *e)
{
    SCOPED(buf_release) struct buf ours = BUF_EMPTY;
    SCOPED(buf_release) struct buf theirs = BUF_EMPTY;
    struct err why = ERR_NONE;
    struct digest same;
    if (digest_listed(buf_span(&s->taken), d) || store_document(s->here, d, &ours, &why) == ST_OK ||
        store_document(s->there, d, &theirs, &why) != ST_OK)
        return ST_OK;
    enum status st = change_document(s->to, buf_span(&theirs), &same, e);
    if (st != ST_OK)
        return st;
    buf_append(&s->taken, SPAN(d, sizeof *d));
    return s->taken.failed ? err_set(e, ST_NO_MEMORY, NULL, "no memory for what was healed")
                           : ST_OK;
}

static bool is_hex(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* An entry names documents by 64 hex digits, whatever its type. */
static enum status each(void *ctx, const struct ledger_entry *entry, struct err *e)
{
    const struct span text = buf_span(&entry->canonical);
    enum status st = ST_OK;
    for (size_t at = 0, run = 0; st == ST_OK && at <= text.n; at++) {
        if (at < text.n && is_hex(text.p[at])) {
            run++;
            continue;
        }
        char hex[DIGEST_TEXT] = {0};
        struct digest d;
        if (run == HEX) {
            memcpy(hex, text.p + at - HEX, HEX);
            st = digest_parse(hex, &d) ? try_digest(ctx, &d, e) : ST_OK;
        }
        run = 0;
    }
    return st;
}

enum status heal_documents(struct store *here, struct store *there, struct change *to,
                           uint64_t *healed, struct err *e)
{
    SCOPED(search_release) struct search s = {.here = here, .there = there, .to = to};
    enum status st = store_entries(here, false, each, &s, e);
    *healed = s.taken.n / sizeof(struct digest);
    return st;
}
