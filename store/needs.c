#include "store/needs.h"
#include "base/text.h"
#include "store/catalog_write.h"
#include "store/install.h"
#include "store/quarantine_facts.h"
#include "store/recipe.h"
#include <string.h>

/* -- bytes that are needed, a pack -------------------------------------------------------------
 */

#define LIVE_GATHERED 256u /* packs whose sums wait for the transaction's end */

struct live {
    uint64_t pack;
    int64_t change;
};

enum status needs_flush(struct fold *f, struct err *e)
{
    for (size_t at = 0; at < f->live.n; at += sizeof(struct live)) {
        struct live l;
        struct catalog_pack p;
        bool found = false;
        memcpy(&l, f->live.p + at, sizeof l);
        enum status st = catalog_pack_get(f->w, l.pack, &found, &p, e);
        p.live += (uint64_t)l.change;
        if (st == ST_OK) /* the pack that is being learnt has no facts yet but these */
            st = catalog_pack_put(f->w, &p, e);
        if (st != ST_OK)
            return st;
    }
    f->live.n = 0;
    return ST_OK;
}

static enum status add_live(struct fold *f, const struct catalog_record *r, bool more,
                            struct err *e)
{
    if (r->at.pack == 0)
        return ST_OK;
    const int64_t bytes = (int64_t)PACK_RECORD + r->at.stored;
    f->mark.live += (uint64_t)(more ? bytes : -bytes);
    const struct live one = {r->at.pack, more ? bytes : -bytes};
    for (size_t at = f->live.n; at > 0; at -= sizeof one) {
        struct live l;
        memcpy(&l, f->live.p + at - sizeof l, sizeof l);
        if (l.pack != one.pack)
            continue;
        l.change += one.change;
        memcpy(f->live.p + at - sizeof l, &l, sizeof l);
        return ST_OK;
    }
    enum status st = f->live.n >= LIVE_GATHERED * sizeof one ? needs_flush(f, e) : ST_OK;
    buf_append(&f->live, SPAN(&one, sizeof one));
    if (st == ST_OK && buf_status(&f->live) != ST_OK)
        st = err_set(e, ST_NO_MEMORY, NULL, "no memory to fold");
    return st;
}

/* Documents are always needed. */
static bool needed(const struct catalog_record *r)
{
    return r->refs > 0 || r->at.kind == PACK_DOCUMENT;
}

/* -- counting ------------------------------------------------------------------------------------
 */

static bool is_damage(enum status st)
{
    return st == ST_CORRUPT || st == ST_FORMAT || st == ST_NOT_FOUND || st == ST_MISMATCH;
}

/* Reads a recipe's record; *read is false when that cannot be. */
static enum status read_list(struct fold *f, const struct digest *d, const struct catalog_record *r,
                             struct buf *out, bool *read, struct err *e)
{
    struct err why = ERR_NONE;
    *read = false;
    if (r->at.pack == 0)
        return ST_OK;
    enum status st = pack_read_buf(f->set, &r->at, d, out, &why);
    *read = st == ST_OK;
    if (st == ST_OK || is_damage(st))
        return ST_OK;
    *e = why;
    return st;
}

static void uncounted(struct fold *f, struct catalog_record *r, bool more, bool read)
{
    if (more && !read)
        f->mark.uncounted++;
    if (!more && !r->counted && f->mark.uncounted > 0)
        f->mark.uncounted--;
    r->counted = more && read;
}

/* One reference more or less to a record. *turned: it became needed, or free. */
static enum status count_one(struct fold *f, enum pack_kind kind, const struct digest *d, bool more,
                             struct catalog_record *r, bool *turned, struct err *e)
{
    bool found = false;
    *turned = false;
    enum status st = catalog_record_get(f->w, kind, d, &found, r, e);
    if (st != ST_OK || (!more && r->refs == 0))
        return st;
    r->refs += more ? 1u : UINT32_MAX;
    *turned = more ? r->refs == 1 : r->refs == 0;
    f->pending++;
    if (*turned && r->at.pack == 0)
        f->mark.unplaced += more ? 1u : UINT64_MAX;
    return *turned ? add_live(f, r, more, e) : ST_OK;
}

static enum status count_chunk(struct fold *f, const struct digest *d, bool more, struct err *e)
{
    struct catalog_record r;
    bool turned = false;
    enum status st = count_one(f, PACK_CHUNK, d, more, &r, &turned, e);
    return st == ST_OK ? catalog_record_put(f->w, d, &r, e) : st;
}

static enum status count_chunks(struct fold *f, struct span page, uint32_t entries, bool more,
                                struct err *e)
{
    enum status st = ST_OK;
    for (uint32_t i = 0; st == ST_OK && i < entries; i++) {
        struct recipe_entry entry = recipe_page_entry(page, i);
        st = count_chunk(f, &entry.digest, more, e);
    }
    return st;
}

/* What a page that became needed or free lists. */
static enum status turn_page(struct fold *f, const struct digest *d, struct catalog_record *r,
                             bool more, struct err *e)
{
    SCOPED(buf_release) struct buf page = BUF_EMPTY;
    struct err why = ERR_NONE;
    uint32_t entries = 0;
    uint64_t bytes = 0;
    bool read = false;
    enum status st = more || r->counted ? read_list(f, d, r, &page, &read, e) : ST_OK;
    if (st == ST_OK && read)
        read = recipe_page_decode(buf_span(&page), &entries, &bytes, &why) == ST_OK;
    if (st == ST_OK && read)
        st = count_chunks(f, buf_span(&page), entries, more, e);
    uncounted(f, r, more, read);
    return st;
}

static enum status count_page(struct fold *f, const struct digest *d, bool more, struct err *e)
{
    struct catalog_record r;
    bool turned = false;
    enum status st = count_one(f, PACK_RECIPE_PAGE, d, more, &r, &turned, e);
    if (st == ST_OK && turned)
        st = turn_page(f, d, &r, more, e);
    return st == ST_OK ? catalog_record_put(f->w, d, &r, e) : st;
}

/* Pages from the mark's on. Only the counting of an entry may stop in between: `steps`. */
static enum status count_pages(struct fold *f, const struct recipe_root *root, bool more,
                               bool steps, struct err *e)
{
    enum status st = ST_OK;
    for (uint32_t i = steps ? (uint32_t)f->mark.page : 0; st == ST_OK && i < root->pages; i++) {
        uint64_t bytes = 0;
        struct digest page = recipe_root_page(root, i, &bytes);
        st = count_page(f, &page, more, e);
        if (st != ST_OK || !steps || i + 1 == root->pages)
            continue;
        f->mark.page = i + 1;
        st = fold_settle(f, false, e);
        if (st == ST_OK)
            st = fold_write(f, e);
    }
    return st;
}

/* What a root that became needed or free lists. */
static enum status turn_root(struct fold *f, const struct digest *root, bool more, bool steps,
                             struct err *e)
{
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    struct recipe_root list;
    struct catalog_record r;
    struct err why = ERR_NONE;
    bool turned = false, read = false, resumed = steps && f->mark.page > 0, found = false;
    enum status st = resumed ? catalog_record_get(f->w, PACK_RECIPE_ROOT, root, &found, &r, e)
                             : count_one(f, PACK_RECIPE_ROOT, root, more, &r, &turned, e);
    const bool listed = more || r.counted || resumed;
    if (st == ST_OK && listed)
        st = read_list(f, root, &r, &bytes, &read, e);
    if (st == ST_OK && read)
        read = recipe_root_decode(buf_span(&bytes), &list, &why) == ST_OK;
    if (st != ST_OK)
        return st;
    if (!resumed) {
        uncounted(f, &r, more, read);
        st = catalog_record_put(f->w, root, &r, e);
    }
    return st == ST_OK && read ? count_pages(f, &list, more, steps, e) : st;
}

static enum status count_content(struct fold *f, const struct digest *content, bool more,
                                 struct err *e)
{
    struct catalog_content c;
    bool found = false;
    enum status st = catalog_content_get(f->w, content, &found, &c, e);
    if (st != ST_OK || (!more && c.refs == 0))
        return st;
    const bool turns = more ? c.refs == 0 : c.refs == 1;
    if (turns && !digest_is_zero(&c.root))
        st = turn_root(f, &c.root, more, true, e);
    c.refs += more ? 1u : UINT32_MAX;
    f->pending++;
    return st == ST_OK ? catalog_content_put(f->w, content, &c, e) : st;
}

/* -- learning ------------------------------------------------------------------------------------
 */

/* A list that was needed while no sound copy of it was there. */
static enum status count_late(struct fold *f, const struct digest *d, struct catalog_record *r,
                              struct err *e)
{
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    struct recipe_root list;
    struct err why = ERR_NONE;
    bool read = false;
    enum status st = ST_OK;
    f->mark.uncounted--;
    if (r->at.kind == PACK_RECIPE_PAGE)
        return turn_page(f, d, r, true, e);
    st = read_list(f, d, r, &bytes, &read, e);
    if (st == ST_OK && read)
        read = recipe_root_decode(buf_span(&bytes), &list, &why) == ST_OK;
    uncounted(f, r, true, read);
    return st == ST_OK && read ? count_pages(f, &list, true, false, e) : st;
}

enum status needs_learn(struct fold *f, const struct pack_entry *entry, struct err *e)
{
    struct catalog_record r;
    bool found = false;
    enum status st =
        catalog_record_get(f->w, (enum pack_kind)entry->at.kind, &entry->digest, &found, &r, e);
    if (st == ST_OK && needed(&r) && r.at.pack == 0 && found)
        f->mark.unplaced--;
    if (st == ST_OK && needed(&r) && r.at.pack != 0)
        st = add_live(f, &r, false, e);
    r.at = entry->at;
    if (st == ST_OK && needed(&r))
        st = add_live(f, &r, true, e);
    const bool list = r.at.kind == PACK_RECIPE_PAGE || r.at.kind == PACK_RECIPE_ROOT;
    if (st == ST_OK && list && r.refs > 0 && !r.counted)
        st = count_late(f, &entry->digest, &r, e);
    return st == ST_OK ? catalog_record_put(f->w, &entry->digest, &r, e) : st;
}

enum status needs_learn_root(struct fold *f, const struct digest *content,
                             const struct digest *root, uint64_t bytes, struct err *e)
{
    struct catalog_content c;
    bool found = false;
    enum status st = catalog_content_get(f->w, content, &found, &c, e);
    if (st == ST_OK && c.refs > 0 && !digest_equal(&c.root, root)) { /* cut otherwise than before */
        st = turn_root(f, root, true, false, e);
        if (st == ST_OK && !digest_is_zero(&c.root))
            st = turn_root(f, &c.root, false, false, e);
    }
    c.root = *root;
    c.bytes = bytes;
    return st == ST_OK ? catalog_content_put(f->w, content, &c, e) : st;
}

/* -- trying --------------------------------------------------------------------------------------
 */

enum status needs_forget(struct fold *f, const struct install *i, uint64_t *freed, struct err *e)
{
    const uint64_t before = f->mark.live;
    enum status st = fold_write(f, e);
    for (size_t n = 0; st == ST_OK && n < install_count(i); n++) {
        const struct digest d = install_content(i, n);
        f->mark.page = 0;
        st = count_content(f, &d, false, e);
    }
    *freed = before - f->mark.live;
    return st;
}

/* -- entries -------------------------------------------------------------------------------------
 */

/* The artifacts that a key installed before, and installs now. */
struct turn {
    struct install before, after;
    bool had;
};

static void turn_release(struct turn *t)
{
    install_release(&t->before);
    install_release(&t->after);
}

static enum status sum_name(struct fold *f, const struct install *i, bool more, struct err *e)
{
    const int64_t sign = more ? 1 : -1;
    f->mark.installed += (uint64_t)sign;
    f->mark.installed_bytes += (uint64_t)(sign * (int64_t)i->bytes);
    return catalog_name_add(f->w, i->name, sign, sign * (int64_t)i->bytes, e);
}

/* Contents first the new, then the old: what is in both never becomes free. Each is a step. */
static enum status count_installed(struct fold *f, struct turn *t, uint64_t *step, struct err *e)
{
    const size_t after = install_count(&t->after), before = install_count(&t->before);
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < after + before; i++) {
        if ((*step)++ < f->mark.step)
            continue;
        const struct digest d =
            i < after ? install_content(&t->after, i) : install_content(&t->before, i - after);
        st = count_content(f, &d, i < after, e);
        f->mark.step++;
        f->mark.page = 0;
    }
    return st;
}

static enum status read_turn(struct fold *f, const char *key, const char *value, struct turn *t,
                             struct err *e)
{
    SCOPED(buf_release) struct buf old = BUF_EMPTY;
    bool had = false;
    enum status st = catalog_state_now(f->w, key, &old, &had, e);
    if (st == ST_OK && had)
        st = install_decode(buf_span(&old), &t->before, e);
    if (st == ST_OK && value != NULL)
        st = install_decode(span_text(value), &t->after, e);
    t->had = had;
    return st;
}

static enum status turn_installed(struct fold *f, const char *key, const char *value,
                                  uint64_t *step, struct err *e)
{
    SCOPED(turn_release) struct turn t = {0};
    enum status st = read_turn(f, key, value, &t, e);
    return st == ST_OK ? count_installed(f, &t, step, e) : st;
}

static enum status sum_installed(struct fold *f, const char *key, const char *value, struct err *e)
{
    SCOPED(turn_release) struct turn t = {0};
    enum status st = read_turn(f, key, value, &t, e);
    if (st == ST_OK && t.had)
        st = sum_name(f, &t.before, false, e);
    if (st == ST_OK && value != NULL)
        st = sum_name(f, &t.after, true, e);
    return st;
}

/* Facts that cannot be read count as no bytes: a check names them. */
static enum status quarantine_size(struct span facts, uint64_t *bytes, struct err *e)
{
    SCOPED(quarantine_facts_release) struct quarantine_facts q = {0};
    struct err why = ERR_NONE;
    enum status st = quarantine_facts_read(facts, &q, &why);
    *bytes = st == ST_OK ? q.bytes : 0;
    return st == ST_NO_MEMORY ? err_set(e, st, NULL, "no memory to fold") : ST_OK;
}

static enum status sum_quarantine(struct fold *f, const char *key, const char *value, struct err *e)
{
    SCOPED(buf_release) struct buf old = BUF_EMPTY;
    uint64_t before = 0, after = 0;
    bool had = false;
    enum status st = catalog_state_now(f->w, key, &old, &had, e);
    if (st == ST_OK && had)
        st = quarantine_size(buf_span(&old), &before, e);
    if (st == ST_OK && value != NULL)
        st = quarantine_size(span_text(value), &after, e);
    f->mark.quarantined += (uint64_t)(value != NULL) - (uint64_t)had;
    f->mark.quarantined_bytes += after - before;
    return st;
}

/* An artifact whose entry does not say which contents it has: they cannot be told from free ones.
 */
static bool unlisted(const struct ledger_entry *entry, const char *key, const char *value)
{
    char other[STORE_KEY_MAX + 1];
    if (value == NULL || !text_begins(key, "artifact/"))
        return false;
    text_fmt(other, sizeof other, INSTALL_PREFIX "%s", key + strlen("artifact/"));
    return json_get(entry->set, other) == NULL;
}

/* What changes sums: in the entry's last transaction, so that nothing is added twice. */
static enum status sum_key(struct fold *f, const struct ledger_entry *entry, const char *key,
                           const char *value, struct err *e)
{
    uint64_t next = 0;
    f->mark.unlisted += unlisted(entry, key, value);
    if (text_begins(key, INSTALL_PREFIX))
        return sum_installed(f, key, value, e);
    if (text_begins(key, QUARANTINE_PREFIX))
        return sum_quarantine(f, key, value, e);
    if (text_equal(key, PACKS_NEXT) && value != NULL && text_u64(span_text(value), &next) &&
        next > f->mark.next_pack)
        f->mark.next_pack = next;
    return ST_OK;
}

enum status needs_entry(struct fold *f, const struct ledger_entry *entry, struct err *e)
{
    uint64_t step = 0;
    enum status st = ST_OK;
    for (size_t pass = 0; pass < 2; pass++) {
        for (size_t i = 0, n = json_count(entry->set); i < n && st == ST_OK; i++) {
            const struct json *v = NULL;
            const char *key = json_member(entry->set, i, &v), *value = json_as_string(v);
            if (strlen(key) > STORE_KEY_MAX)
                continue; /* refused when it is applied */
            if (pass == 1)
                st = sum_key(f, entry, key, value, e);
            else if (text_begins(key, INSTALL_PREFIX))
                st = turn_installed(f, key, value, &step, e);
        }
    }
    f->mark.step = f->mark.page = 0;
    return st;
}
