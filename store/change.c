#include "store/change.h"
#include "base/heap.h"
#include "base/pending.h"
#include "store/change_inside.h"
#include "store/content.h"
#include "store/recipe_writer.h"
#include "store/recover.h"
#include "store/reserve.h"
#include <string.h>

/* A content staged so far. */
struct staged {
    struct digest content, root;
    uint64_t bytes;
};

struct change {
    struct store *s;
    struct ingest *g;
    struct lease *lease;          /* had with g, and with room for quarantine */
    struct recipe_writer *recipe; /* of the content that is going in */
    uint64_t spilled;             /* bytes reserved for its pages in staging */
    struct buf staged;            /* struct staged each */
    const uint64_t *cuts;         /* [cut_count] for the next content */
    size_t cut_count;
    struct reserve_use reserve; /* with last */
    bool used, last;
};

/* -- what the ingest asks ------------------------------------------------------------------------
 */

static enum status look_up(struct store *s, enum pack_kind kind, const struct digest *d,
                           bool *found, struct pack_location *at, struct err *e)
{
    SCOPED(index_view_scope) struct index_view *v = NULL;
    enum status st = index_view_open(s->index, &v, e);
    return st == ST_OK ? catalog_find(v, kind, d, found, at, e) : st;
}

/* What is found is relied on until the commit: so its pack is held, and what was found before it
 * was held is looked up again. */
static enum status find(void *ctx, enum pack_kind kind, const struct digest *d, bool *found,
                        struct pack_location *at, struct err *e)
{
    struct change *c = ctx;
    bool fresh = true;
    enum status st = ST_OK;
    while (st == ST_OK && fresh) {
        fresh = false;
        st = look_up(c->s, kind, d, found, at, e);
        if (st == ST_OK && *found)
            st = lease_pack(c->lease, at->pack, &fresh, e);
    }
    return st;
}

static enum status room(void *ctx, uint64_t bytes, struct err *e)
{
    struct change *c = ctx;
    return c->last ? lease_reserve_last(c->lease, bytes, e)
                   : lease_reserve(c->lease, LEASE_STORE, bytes, e);
}

static enum status sealed(void *ctx, struct pack_writer *pack, struct err *e)
{
    struct change *c = ctx;
    return commit_pack(c->s, pack, c->lease, e);
}

static enum status chunk(void *ctx, const struct digest *d, uint32_t length, struct err *e)
{
    struct change *c = ctx;
    const bool spills = recipe_page_count(&c->recipe->page) + 1 == RECIPE_PAGE_ENTRIES;
    enum status st = spills ? lease_reserve(c->lease, LEASE_STORE, RECIPE_PAGE_MAX, e) : ST_OK;
    c->spilled += spills && st == ST_OK ? RECIPE_PAGE_MAX : 0;
    return st == ST_OK ? recipe_writer_add(c->recipe, d, length, e) : st;
}

/* -- beginning and ending ------------------------------------------------------------------------
 */

/* What the dead left; the living hold locks on theirs. */
static enum status sweep(struct store *s, struct err *e)
{
    enum status st = pending_sweep(s->staging, e);
    if (st == ST_OK)
        st = pending_sweep(s->quarantine, e);
    return st == ST_OK ? recover_sweep(s, e) : st;
}

static enum status hold_lease(struct change *c, struct err *e)
{
    return c->lease == NULL ? lease_open(c->s, "change", &c->lease, e) : ST_OK;
}

static enum status open_ingest(struct change *c, struct err *e)
{
    const struct ingest_calls calls = {
        .find = find, .sealed = sealed, .chunk = chunk, .reserve = room, .ctx = c};
    enum status st = hold_lease(c, e);
    return st == ST_OK ? ingest_open(c->s->staging, c->s->packs, &calls, &c->g, e) : st;
}

enum status change_begin(struct store *s, struct change **out, struct err *e)
{
    SCOPED(change_scope) struct change *c = heap_zero(1, sizeof *c);
    if (c == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "beginning a change");
    c->s = s;
    enum status st = store_writable(s, e);
    if (st == ST_OK)
        st = sweep(s, e);
    if (st == ST_OK)
        *out = change_take(&c);
    return st;
}

void change_release(struct change *c)
{
    if (c == NULL)
        return;
    ingest_scope(&c->g); /* first what the lease protects */
    lease_scope(&c->lease);
    reserve_use_release(&c->reserve);
    buf_release(&c->staged);
    heap_free(c);
}

struct store *change_store(struct change *c)
{
    return c->s;
}

enum status change_last(struct change *c, struct err *e)
{
    c->last = true;
    return reserve_use_packs(c->s, RESERVE_MORE, &c->reserve, e);
}

/* Used up or not, and with an ingest at hand (an entry alone needs none). */
static enum status ready(struct change *c, bool ingest, struct err *e)
{
    if (c->used)
        return err_set(e, ST_USAGE, "change-used", "this change was committed already");
    enum status st = store_writable(c->s, e);
    return st == ST_OK && ingest && c->g == NULL ? open_ingest(c, e) : st;
}

/* What was staged and is wanted lies in packs. */
static enum status enter(struct change *c, const struct change_entry *entry,
                         struct commit_hook hook, uint64_t *seq, struct err *e)
{
    struct change_entry mine = *entry;
    mine.room = c->last ? ENTRY_LENT : c->g != NULL ? ENTRY_FILLS : ENTRY_SMALL;
    ingest_scope(&c->g); /* its memory is not needed any more, the index may need some */
    c->g = NULL;
    return commit_entry(c->s, &mine, hook, seq, e);
}

enum status change_commit(struct change *c, const struct change_entry *entry, uint64_t *seq,
                          struct err *e)
{
    enum status st = ready(c, false, e);
    if (st == ST_OK && c->g != NULL)
        st = ingest_flush(c->g, e);
    if (st == ST_OK)
        st = enter(c, entry, entry->hook, seq, e);
    c->used = st == ST_OK;
    return st;
}

enum status change_reserve(struct change *c, uint64_t bytes, struct err *e)
{
    enum status st = hold_lease(c, e); /* without one nothing would be reserved */
    return st == ST_OK ? lease_reserve(c->lease, LEASE_QUARANTINE, bytes, e) : st;
}

enum status change_commit_without(struct change *c, const struct change_entry *entry,
                                  struct commit_hook hook, uint64_t *seq, struct err *e)
{
    enum status st = ready(c, false, e);
    if (st == ST_OK)
        st = enter(c, entry, hook, seq, e);
    c->used = true;
    return st;
}

/* -- staging -------------------------------------------------------------------------------------
 */

static void settle_spill(struct change *c)
{
    if (c->spilled > 0)
        lease_settle(c->lease, LEASE_STORE, c->spilled);
    c->spilled = 0;
}

void change_cuts(struct change *c, const uint64_t *offsets, size_t count)
{
    c->cuts = offsets;
    c->cut_count = count;
}

enum status change_content(struct change *c, struct source from, struct progress *progress,
                           struct content *out, struct err *e)
{
    SCOPED(recipe_writer_release) struct recipe_writer recipe = {.spill = PENDING_NONE};
    struct ingest_result r = {0};
    struct staged staged;
    enum status st = ready(c, true, e);
    if (st != ST_OK)
        return st;
    recipe_writer_begin(&recipe, c->s->staging);
    c->recipe = &recipe;
    ingest_cuts(c->g, c->cuts, c->cut_count);
    lease_adding(c->lease, true);
    st = ingest_content(c->g, from, progress, &r, e);
    lease_adding(c->lease, false);
    change_cuts(c, NULL, 0);
    c->recipe = NULL;
    staged.content = r.sha256;
    staged.bytes = r.bytes;
    if (st == ST_OK)
        st = recipe_writer_end(&recipe, c->g, &r.sha256, &staged.root, e);
    if (st != ST_OK)
        return st;
    recipe_writer_release(&recipe);
    settle_spill(c);
    buf_append(&c->staged, SPAN(&staged, sizeof staged));
    if (buf_status(&c->staged) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "staging a content");
    *out = (struct content){.sha256 = r.sha256,
                            .bytes = r.bytes,
                            .new_bytes = r.new_bytes,
                            .stored_bytes = r.stored_bytes,
                            .chunks = r.chunks,
                            .healed = r.healed};
    return ST_OK;
}

enum status change_document(struct change *c, struct span bytes, struct digest *out, struct err *e)
{
    if (bytes.n > STORE_DOCUMENT_MAX)
        return err_set(e, ST_INVALID_LENGTH, "document-length",
                       "a document has at most %u bytes, this %zu", STORE_DOCUMENT_MAX, bytes.n);
    enum status st = ready(c, true, e);
    return st == ST_OK ? ingest_record(c->g, PACK_DOCUMENT, bytes, out, e) : st;
}

/* -- reading back --------------------------------------------------------------------------------
 */

static enum status load(void *ctx, enum pack_kind kind, const struct digest *d, struct buf *out,
                        struct err *e)
{
    return ingest_read(ctx, kind, d, out, e);
}

static enum status find_staged(const struct change *c, const struct digest *content,
                               struct staged *out, struct err *e)
{
    for (size_t at = 0; at < c->staged.n; at += sizeof *out) {
        memcpy(out, c->staged.p + at, sizeof *out);
        if (digest_equal(&out->content, content))
            return ST_OK;
    }
    return err_set(e, ST_NOT_FOUND, "no-content", "this change has no such content staged");
}

enum status change_staged(struct change *c, const struct digest *content, uint64_t *bytes,
                          struct err *e)
{
    struct staged one;
    enum status st = find_staged(c, content, &one, e);
    *bytes = st == ST_OK ? one.bytes : 0;
    return st;
}

static enum status read_chunks(struct change *c, struct recipe_reader *r, struct hasher *h,
                               struct sink to, struct err *e)
{
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    for (;;) {
        struct recipe_entry entry;
        uint64_t position = 0;
        bool more = false;
        bytes.n = 0;
        enum status st = recipe_next(r, &entry, &position, &more, e);
        if (st != ST_OK || !more)
            return st;
        st = ingest_read(c->g, PACK_CHUNK, &entry.digest, &bytes, e);
        if (st != ST_OK)
            return st;
        hasher_add(h, buf_span(&bytes));
        st = to.write(to.ctx, buf_span(&bytes), e);
        if (st != ST_OK)
            return st;
    }
}

enum status change_read_back(struct change *c, const struct digest *content, struct sink to,
                             struct err *e)
{
    SCOPED(recipe_close) struct recipe_reader r = {0};
    SCOPED(hasher_scope) struct hasher *h = NULL;
    struct staged one;
    enum status st = ready(c, true, e);
    if (st == ST_OK)
        st = find_staged(c, content, &one, e);
    if (st == ST_OK)
        st = recipe_open(&r, (struct recipe_loader){load, c->g}, &one.root, content, e);
    if (st == ST_OK)
        st = hasher_open(&h, e);
    if (st == ST_OK)
        st = read_chunks(c, &r, h, to, e);
    if (st != ST_OK)
        return content_subject(e, content);
    struct digest whole = hasher_end(h);
    if (digest_equal(&whole, content))
        return ST_OK;
    (void)err_set(e, ST_CORRUPT, "content-hash", "what was staged reads back as another content");
    return content_subject(e, content);
}
