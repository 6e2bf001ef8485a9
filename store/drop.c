#include "store/drop.h"
#include "base/text.h"
#include "store/catalog_write.h"
#include "store/recipe.h"
#include "store/recover.h"
#include <assert.h>
#include <string.h>

/* One drop under way. */
struct drop {
    struct store *s;
    struct index_write *w;
    struct catalog_mark mark;
    struct pack_set *set;
};

static void drop_release(struct drop *d)
{
    index_write_scope(&d->w);
    pack_set_scope(&d->set);
}

static bool is_damage(enum status st)
{
    return st == ST_CORRUPT || st == ST_FORMAT || st == ST_NOT_FOUND || st == ST_MISMATCH;
}

/* -- what the index knows of a pack --------------------------------------------------------------
 */

/* The content whose recipe a root is loses it, if it is the one in use. */
static enum status forget_root(struct drop *d, const struct digest *root,
                               const struct catalog_record *r, struct err *e)
{
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    struct err why = ERR_NONE;
    struct recipe_root list;
    struct catalog_content c;
    bool found = false;
    enum status st = pack_read_buf(d->set, &r->at, root, &bytes, &why);
    if (st == ST_OK)
        st = recipe_root_decode(buf_span(&bytes), &list, &why);
    if (is_damage(st))
        return ST_OK;
    if (st != ST_OK) {
        *e = why;
        return st;
    }
    st = catalog_content_get(d->w, &list.content, &found, &c, e);
    if (st != ST_OK || !found || !digest_equal(&c.root, root))
        return st;
    c.root = (struct digest){{0}};
    return catalog_content_put(d->w, &list.content, &c, e);
}

static enum status forget_record(struct drop *d, enum pack_kind kind, const struct digest *digest,
                                 uint64_t pack, struct err *e)
{
    struct catalog_record r;
    bool found = false;
    enum status st = catalog_record_get(d->w, kind, digest, &found, &r, e);
    if (st != ST_OK || !found || r.at.pack != pack)
        return st;
    assert(r.refs == 0 && kind != PACK_DOCUMENT); /* the pack's sum said so */
    if (kind == PACK_RECIPE_ROOT)
        st = forget_root(d, digest, &r, e);
    return st == ST_OK ? catalog_record_delete(d->w, kind, digest, e) : st;
}

struct search {
    uint64_t pack;
    struct buf found; /* u8 kind · digest each */
};

static void search_release(struct search *s)
{
    buf_release(&s->found);
}

static enum status look(void *ctx, struct span key, struct span record, struct err *e)
{
    struct search *s = ctx;
    struct digest digest;
    struct catalog_record r;
    enum status st = catalog_record_decode(key, record, &digest, &r, e);
    if (st == ST_OK && r.at.pack == s->pack)
        buf_append(&s->found, key);
    return st;
}

/* For a pack that cannot be walked: every place in the index is looked at. */
static enum status forget_all(struct drop *d, uint64_t pack, struct err *e)
{
    SCOPED(index_view_scope) struct index_view *v = NULL;
    SCOPED(search_release) struct search s = {.pack = pack};
    enum status st = index_view_open(d->s->index, &v, e);
    if (st == ST_OK)
        st = index_view_each(v, INDEX_CHUNKS, SPAN(NULL, 0), look, &s, e);
    if (st == ST_OK)
        st = index_view_each(v, INDEX_RECORDS, SPAN(NULL, 0), look, &s, e);
    if (st == ST_OK && buf_status(&s.found) != ST_OK)
        st = err_set(e, ST_NO_MEMORY, NULL, "no memory to drop a pack");
    for (size_t at = 0; st == ST_OK && at < s.found.n; at += 1 + DIGEST_BYTES) {
        struct digest digest;
        memcpy(digest.b, s.found.p + at + 1, DIGEST_BYTES);
        st = forget_record(d, (enum pack_kind)s.found.p[at], &digest, pack, e);
    }
    return st;
}

static enum status forget_walked(struct drop *d, uint64_t pack, bool *whole, struct err *e)
{
    SCOPED(pack_walk_scope) struct pack_walk *walk = NULL;
    struct err why = ERR_NONE;
    enum status st = pack_walk_open(d->s->packs, pack, &walk, &why);
    *whole = st == ST_OK;
    if (is_damage(st))
        return ST_OK;
    if (st != ST_OK)
        *e = why;
    for (;;) {
        enum pack_step step = PACK_STEP_END;
        struct pack_entry entry;
        struct err damage = ERR_NONE;
        if (st == ST_OK)
            st = pack_walk_next(walk, &step, &entry, &damage, e);
        if (st != ST_OK || step == PACK_STEP_END)
            return st;
        if (step == PACK_STEP_DAMAGE)
            *whole = false;
        else
            st = forget_record(d, (enum pack_kind)entry.at.kind, &entry.digest, pack, e);
    }
}

/* -- dropping ------------------------------------------------------------------------------------
 */

static enum status forget_pack(struct drop *d, const struct catalog_pack *p, struct err *e)
{
    uint8_t key[CATALOG_DROP], bytes[8];
    bool whole = true;
    enum status st = forget_walked(d, p->id, &whole, e);
    if (st == ST_OK && !whole)
        st = forget_all(d, p->id, e);
    if (st == ST_OK)
        st = catalog_pack_delete(d->w, p->id, e);
    catalog_drop_key(p->id, key);
    put_le64(bytes, p->bytes);
    if (st == ST_OK)
        st = index_put(d->w, INDEX_META, SPAN(key, sizeof key), SPAN(bytes, sizeof bytes), e);
    d->mark.stored_bytes -= p->bytes;
    d->mark.drops++;
    d->mark.drop_bytes += p->bytes;
    return st;
}

static enum status begin(struct drop *d, struct err *e)
{
    enum status st = store_mark(d->s, &d->mark, e);
    if (st == ST_OK)
        st = pack_set_open(d->s->packs, &d->set, e);
    return st == ST_OK ? index_begin(d->s->index, &d->w, e) : st;
}

static enum status commit(struct drop *d, struct err *e)
{
    enum status st = catalog_mark_put(d->w, &d->mark, e);
    if (st != ST_OK)
        return st;
    return store_poison(d->s, index_commit(index_write_take(&d->w), e));
}

/* With gate and lock held: a hit in one of these packs is either leased, or was looked up before
 * the lease and will be looked up again. */
static enum status forget(struct store *s, const uint64_t *ids, size_t n, struct drop_result *out,
                          struct err *e)
{
    SCOPED(fd_release) int gate = -1;
    SCOPED(leases_release) struct leases all = {0};
    SCOPED(drop_release) struct drop d = {.s = s};
    uint64_t forgotten = 0;
    enum status st = lease_gate(s, &gate, e);
    if (st == ST_OK)
        st = leases_read(s, &all, e);
    if (st == ST_OK)
        st = begin(&d, e);
    for (size_t i = 0; st == ST_OK && i < n; i++) {
        struct catalog_pack p;
        bool found = false;
        st = catalog_pack_get(d.w, ids[i], &found, &p, e);
        if (st != ST_OK || !found)
            continue;
        if (p.live > 0 || leases_pack(&all, p.id)) {
            out->kept++;
            continue;
        }
        st = forget_pack(&d, &p, e);
        forgotten++;
        out->packs++;
        out->bytes += p.bytes;
    }
    return st == ST_OK && forgotten > 0 ? commit(&d, e) : st;
}

/* -- removing files ------------------------------------------------------------------------------
 */

static enum status list_drop(void *ctx, struct span key, struct span record, struct err *e)
{
    (void)record;
    (void)e;
    if (key.n == CATALOG_DROP)
        buf_append(ctx, SPAN(key.p + 4, 8));
    return ST_OK;
}

static enum status remove_files(struct store *s, const struct buf *ids, struct err *e)
{
    enum status st = ST_OK;
    for (size_t at = 0; st == ST_OK && at < ids->n; at += 8) {
        char name[PACK_NAME];
        struct err why = ERR_NONE;
        pack_name(catalog_id(ids->p + at), name);
        st = io_unlink(s->packs, name, false, &why);
        if (st == ST_NOT_FOUND)
            st = ST_OK;
        else if (st != ST_OK)
            *e = why;
    }
    return st == ST_OK ? store_poison(s, io_sync(s->packs, e)) : st;
}

enum status drop_finish(struct store *s, struct err *e)
{
    SCOPED(index_view_scope) struct index_view *v = NULL;
    SCOPED(buf_release) struct buf ids = BUF_EMPTY;
    SCOPED(drop_release) struct drop d = {.s = s};
    enum status st = index_view_open(s->index, &v, e);
    if (st == ST_OK)
        st = index_view_each(v, INDEX_META, span_text("drop"), list_drop, &ids, e);
    if (st == ST_OK && buf_status(&ids) != ST_OK)
        st = err_set(e, ST_NO_MEMORY, NULL, "no memory to drop packs");
    if (st == ST_OK)
        st = remove_files(s, &ids, e);
    if (st == ST_OK)
        st = begin(&d, e);
    for (size_t at = 0; st == ST_OK && at < ids.n; at += 8) {
        uint8_t key[CATALOG_DROP];
        catalog_drop_key(catalog_id(ids.p + at), key);
        st = index_delete(d.w, INDEX_META, SPAN(key, sizeof key), e);
    }
    d.mark.drops = d.mark.drop_bytes = 0;
    return st == ST_OK ? commit(&d, e) : st;
}

enum status drop_packs(struct store *s, const uint64_t *ids, size_t n, struct drop_result *out,
                       struct err *e)
{
    SCOPED(fd_release) int lock = -1;
    const uint64_t before = out->packs;
    bool fenced = false;
    assert(n <= DROP_MAX);
    enum status st = store_writable(s, e);
    if (st == ST_OK)
        st = store_lock(s, STORE_LOCK_WAIT, &lock, e);
    if (st == ST_OK)
        st = recover_fold(s, e);
    if (st == ST_OK)
        st = store_fence(s, &fenced, e);
    if (st == ST_OK)
        st = forget(s, ids, n, out, e);
    return st == ST_OK && out->packs > before ? drop_finish(s, e) : st;
}
