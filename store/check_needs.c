/* Which records are needed, counted a second time: from the recipes of what is installed, without
 * holding them in memory. Two sums of the same multiset are equal, so each side adds up hashes of
 * what it counts, as often as it counts it. */
#include "base/hash64.h"
#include "store/check_inside.h"
#include "store/install.h"
#include <string.h>

enum side { SIDE_CONTENT, SIDE_ROOT, SIDE_PAGE, SIDE_CHUNK, SIDE_LIVE, SIDES };

struct needs_check {
    struct check *c;
    struct pack_set *set;
    uint64_t index[SIDES]; /* what the index says */
    uint64_t again[SIDES]; /* what was counted again */
};

static void needs_check_release(struct needs_check *n)
{
    pack_set_scope(&n->set);
}

static uint64_t hash_of(const struct digest *d)
{
    return hash64(SPAN(d->b, DIGEST_BYTES), 0x6e656564);
}

static uint64_t hash_pack(uint64_t pack)
{
    uint8_t id[8];
    put_le64(id, pack);
    return hash64(SPAN(id, sizeof id), 0x7061636b);
}

/* -- what lists what ----------------------------------------------------------------------------
 */

static void add_page(struct needs_check *n, struct span page)
{
    struct err ignored = ERR_NONE;
    uint32_t entries = 0;
    uint64_t bytes = 0;
    if (recipe_page_decode(page, &entries, &bytes, &ignored) != ST_OK)
        return;
    for (uint32_t i = 0; i < entries; i++) {
        const struct recipe_entry entry = recipe_page_entry(page, i);
        n->again[SIDE_CHUNK] += hash_of(&entry.digest);
    }
}

static void add_root(struct needs_check *n, struct span bytes)
{
    struct err ignored = ERR_NONE;
    struct recipe_root root;
    if (recipe_root_decode(bytes, &root, &ignored) != ST_OK)
        return;
    for (uint32_t i = 0; i < root.pages; i++) {
        uint64_t length = 0;
        const struct digest page = recipe_root_page(&root, i, &length);
        n->again[SIDE_PAGE] += hash_of(&page);
    }
}

static enum status add_list(struct needs_check *n, const struct digest *d,
                            const struct catalog_record *r, struct err *e)
{
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    struct err why = ERR_NONE;
    enum status st = pack_read_buf(n->set, &r->at, d, &bytes, &why);
    if (st != ST_OK && check_is_damage(st))
        return ST_OK; /* moved or damaged meanwhile: named elsewhere */
    if (st != ST_OK) {
        *e = why;
        return st;
    }
    if (r->at.kind == PACK_RECIPE_PAGE)
        add_page(n, buf_span(&bytes));
    else
        add_root(n, buf_span(&bytes));
    return ST_OK;
}

/* -- the tables ----------------------------------------------------------------------------------
 */

static enum status each_record(void *ctx, struct span key, struct span record, struct err *e)
{
    struct needs_check *n = ctx;
    struct digest d;
    struct catalog_record r;
    enum status st = catalog_record_decode(key, record, &d, &r, e);
    if (st != ST_OK)
        return st;
    const enum side side = r.at.kind == PACK_CHUNK         ? SIDE_CHUNK
                           : r.at.kind == PACK_RECIPE_PAGE ? SIDE_PAGE
                                                           : SIDE_ROOT;
    if (r.at.pack != 0 && (r.refs > 0 || r.at.kind == PACK_DOCUMENT))
        n->again[SIDE_LIVE] += (PACK_RECORD + (uint64_t)r.at.stored) * hash_pack(r.at.pack);
    if (r.at.kind == PACK_DOCUMENT)
        return ST_OK;
    n->index[side] += r.refs * hash_of(&d);
    return r.refs > 0 && r.counted ? add_list(n, &d, &r, e) : ST_OK;
}

static enum status each_pack(void *ctx, struct span key, struct span record, struct err *e)
{
    struct needs_check *n = ctx;
    struct catalog_pack p;
    enum status st = catalog_pack_decode(key, record, &p, e);
    n->index[SIDE_LIVE] += p.live * hash_pack(p.id);
    return st;
}

static enum status each_content(void *ctx, struct span key, struct span record, struct err *e)
{
    struct needs_check *n = ctx;
    struct digest content, root;
    uint64_t bytes = 0;
    uint32_t refs = 0;
    enum status st = catalog_recipe_decode(record, &root, &bytes, &refs, e);
    if (st != ST_OK || key.n != DIGEST_BYTES)
        return st;
    memcpy(content.b, key.p, DIGEST_BYTES);
    n->index[SIDE_CONTENT] += refs * hash_of(&content);
    if (refs > 0 && !digest_is_zero(&root))
        n->again[SIDE_ROOT] += hash_of(&root);
    return ST_OK;
}

static enum status each_state(void *ctx, struct span key, struct span record, struct err *e)
{
    struct needs_check *n = ctx;
    SCOPED(install_release) struct install i = {0};
    struct span value = {0};
    bool found = false;
    uint64_t seq = 0;
    (void)key;
    enum status st = catalog_state_decode(record, &value, &found, &seq, e);
    if (st == ST_OK && found)
        st = install_decode(value, &i, e);
    for (size_t at = 0; st == ST_OK && at < install_count(&i); at++) {
        const struct digest d = install_content(&i, at);
        n->again[SIDE_CONTENT] += hash_of(&d);
    }
    return st;
}

/* -- the part ------------------------------------------------------------------------------------
 */

static enum status count_again(struct needs_check *n, struct err *e)
{
    struct index_view *v = n->c->v;
    enum status st = index_view_each(v, INDEX_CHUNKS, SPAN(NULL, 0), each_record, n, e);
    if (st == ST_OK)
        st = index_view_each(v, INDEX_RECORDS, SPAN(NULL, 0), each_record, n, e);
    if (st == ST_OK)
        st = index_view_each(v, INDEX_PACKS, SPAN(NULL, 0), each_pack, n, e);
    if (st == ST_OK)
        st = index_view_each(v, INDEX_RECIPES, SPAN(NULL, 0), each_content, n, e);
    if (st == ST_OK)
        st = index_view_each(v, INDEX_STATE, span_text(INSTALL_PREFIX), each_state, n, e);
    return st;
}

/* While an entry is being counted, or lists cannot be read, the sums say nothing. */
static bool settled(const struct catalog_mark *m)
{
    return m->step == 0 && m->page == 0 && m->uncounted == 0 && m->unlisted == 0;
}

/* A sweep that moved recipes while they were read leaves the sum short: it is made again as things
 * are now. */
static enum status try_again(struct check *c, bool *same, struct err *e)
{
    SCOPED(index_view_scope) struct index_view *v = NULL;
    SCOPED(needs_check_release) struct needs_check n = {.c = c};
    struct catalog_mark now;
    struct index_view *held = c->v;
    enum status st = index_view_open(c->s->index, &v, e);
    if (st == ST_OK)
        st = catalog_mark_get(v, &now, e);
    if (st == ST_OK)
        st = pack_set_open(c->s->packs, &n.set, e);
    c->v = v;
    if (st == ST_OK)
        st = count_again(&n, e);
    c->v = held;
    *same = st == ST_OK && (!settled(&now) || memcmp(n.index, n.again, sizeof n.index) == 0);
    return st;
}

enum status check_needs_part(struct check *c, struct err *e)
{
    struct err why = ERR_NONE;
    bool same = !settled(&c->mark);
    enum status st = ST_OK;
    for (unsigned i = 0; st == ST_OK && !same && i < 5; i++)
        st = try_again(c, &same, &why);
    if (st != ST_OK)
        return check_absorb(c, st, &why, "index", NULL, e);
    if (same)
        return ST_OK;
    (void)err_set(&why, ST_CORRUPT, "index-needs",
                  "the index counts wrongly which records are needed; `assay fsck --rebuild-index` "
                  "counts again");
    check_tell(c, &why, "index", NULL);
    return ST_OK;
}
