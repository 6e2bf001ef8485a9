#include "store/fold.h"
#include "base/canon.h"
#include "base/text.h"
#include "store/catalog_write.h"
#include "store/head.h"
#include "store/needs.h"
#include "store/recipe.h"
#include "store/seat.h"
#include <fcntl.h>

#define FOLD_BATCH 8192u /* records or entries a transaction of the index */

void fold_release(struct fold *f)
{
    index_abort(f->w);
    buf_release(&f->live);
    pack_set_scope(&f->set);
}

enum status fold_begin(struct fold *f, struct store *s, struct index *index,
                       struct progress *progress, struct err *e)
{
    *f = (struct fold){.s = s, .index = index, .progress = progress};
    SCOPED(index_view_scope) struct index_view *v = NULL;
    enum status st = index_view_open(index, &v, e);
    if (st == ST_OK)
        st = catalog_mark_get(v, &f->mark, e);
    if (st == ST_OK)
        st = pack_set_open(s->packs, &f->set, e);
    return st;
}

enum status fold_write(struct fold *f, struct err *e)
{
    return f->w != NULL ? ST_OK : index_begin(f->index, &f->w, e);
}

/* Writes the mark and commits, when enough has gathered or `now`. */
enum status fold_settle(struct fold *f, bool now, struct err *e)
{
    if (f->w == NULL || f->trial || (!now && f->pending < FOLD_BATCH))
        return ST_OK;
    enum status st = needs_flush(f, e);
    if (st == ST_OK)
        st = catalog_mark_put(f->w, &f->mark, e);
    if (st != ST_OK)
        return st;
    f->pending = 0;
    struct index_write *w = index_write_take(&f->w);
    return index_commit(w, e);
}

/* -- packs ---------------------------------------------------------------------------------------
 */

/* What a check is going to name must not stop a fold: the rest of the store is still good. */
static bool is_damage(enum status st)
{
    return st == ST_CORRUPT || st == ST_FORMAT || st == ST_NOT_FOUND || st == ST_MISMATCH;
}

static enum status fold_root(struct fold *f, const struct pack_entry *entry, struct err *e)
{
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    struct err why = ERR_NONE;
    struct recipe_root root;
    enum status st = pack_read_buf(f->set, &entry->at, &entry->digest, &bytes, &why);
    if (st == ST_OK)
        st = recipe_root_decode(buf_span(&bytes), &root, &why);
    if (st == ST_OK)
        return needs_learn_root(f, &root.content, &entry->digest, root.bytes, e);
    if (is_damage(st))
        return ST_OK;
    *e = why;
    return st;
}

/* Behind a damaged header the bytes of a chunk may look like a record: such are read first. */
static enum status is_record(struct fold *f, const struct pack_entry *entry, bool *sound,
                             struct err *e)
{
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    struct err why = ERR_NONE;
    enum status st = pack_read_buf(f->set, &entry->at, &entry->digest, &bytes, &why);
    *sound = st == ST_OK;
    if (st == ST_OK || is_damage(st))
        return ST_OK;
    *e = why;
    return st;
}

static enum status learn(struct fold *f, const struct pack_entry *entry, struct err *e)
{
    enum status st = needs_learn(f, entry, e);
    return st == ST_OK && entry->at.kind == PACK_RECIPE_ROOT ? fold_root(f, entry, e) : st;
}

static enum status fold_records(struct fold *f, struct pack_walk *walk, uint64_t *records,
                                struct err *e)
{
    bool damaged = false;
    *records = 0;
    for (;;) {
        enum pack_step step = PACK_STEP_END;
        struct pack_entry entry;
        struct err damage = ERR_NONE;
        bool sound = true;
        enum status st = pack_walk_next(walk, &step, &entry, &damage, e);
        if (st != ST_OK || step == PACK_STEP_END)
            return st;
        damaged = damaged || step == PACK_STEP_DAMAGE;
        if (step == PACK_STEP_RECORD && damaged)
            st = is_record(f, &entry, &sound, e);
        bool take = step == PACK_STEP_RECORD && sound;
        if (st == ST_OK && take)
            st = learn(f, &entry, e);
        if (st != ST_OK)
            return st;
        *records += take;
    }
}

/* What the records told already is in the sums. */
static enum status learn_facts(struct fold *f, uint64_t id, uint64_t bytes, uint64_t records,
                               struct err *e)
{
    struct catalog_pack p;
    bool found = false;
    enum status st = needs_flush(f, e);
    if (st == ST_OK)
        st = catalog_pack_get(f->w, id, &found, &p, e);
    p.bytes = bytes;
    p.records = records;
    return st == ST_OK ? catalog_pack_put(f->w, &p, e) : st;
}

static enum status fold_pack(struct fold *f, uint64_t id, struct err *e)
{
    SCOPED(pack_walk_scope) struct pack_walk *walk = NULL;
    uint64_t records = 0;
    enum status st = pack_walk_open(f->s->packs, id, &walk, e);
    if (st == ST_OK)
        st = fold_write(f, e);
    if (st == ST_OK)
        st = fold_records(f, walk, &records, e);
    if (st != ST_OK)
        return st;
    uint64_t bytes = pack_walk_size(walk);
    st = learn_facts(f, id, bytes, records, e);
    f->mark.stored_bytes += bytes;
    f->mark.next_pack = id + 1;
    f->pending += records + 1;
    progress_add(f->progress, bytes);
    return st == ST_OK ? fold_settle(f, false, e) : st;
}

/* Syncs the pack; *there tells whether there is one. */
static enum status sync_pack(struct store *s, uint64_t id, bool *there, struct err *e)
{
    SCOPED(fd_release) int fd = -1;
    char name[PACK_NAME];
    pack_name(id, name);
    struct err why = ERR_NONE;
    enum status st = seat_open(s->packs, name, O_RDONLY, 0, &fd, &why);
    *there = st == ST_OK;
    if (st == ST_NOT_FOUND || st == ST_CORRUPT) /* what lies in its place is none: fsck names it */
        return ST_OK;
    if (st == ST_OK)
        st = io_sync(fd, &why);
    if (st != ST_OK) {
        *e = why;
        return store_poison(s, st);
    }
    return ST_OK;
}

/* Every pack from the mark on, without a gap. */
enum status fold_packs(struct fold *f, struct err *e)
{
    for (bool first = true;; first = false) {
        bool there = false;
        uint64_t id = f->mark.next_pack;
        enum status st = sync_pack(f->s, id, &there, e);
        if (st == ST_OK && there && first)
            st = store_poison(f->s, io_sync(f->s->packs, e));
        if (st == ST_OK && there)
            st = fold_pack(f, id, e);
        if (st != ST_OK || !there)
            return st;
    }
}

enum status fold_named(void *fold, const char *name, struct err *e)
{
    struct fold *f = fold;
    uint64_t id = 0;
    bool there = false;
    if (!pack_name_parse(name, &id) || id < f->mark.next_pack)
        return ST_OK;
    enum status st = sync_pack(f->s, id, &there, e);
    return st == ST_OK && there ? fold_pack(f, id, e) : st;
}

/* -- ledger --------------------------------------------------------------------------------------
 */

/* Entry 1 repeats the format file, so that a changed bit in that file shows. */
static enum status fold_genesis(const struct fold *f, const struct ledger_entry *entry,
                                struct err *e)
{
    SCOPED(buf_release) struct buf body = BUF_EMPTY;
    enum status st = canon_write(entry->body, &body, e);
    if (st != ST_OK)
        return st;
    struct digest d = digest_of(buf_span(&body));
    if (digest_equal(&d, &f->s->charter.digest))
        return ST_OK;
    (void)err_set(
        e, ST_CORRUPT, "store-format",
        "the format file is not what entry 1 of the ledger says; write that entry's body to it");
    return err_subject(e, CHARTER_FILE);
}

static enum status fold_entry(void *ctx, const struct ledger_entry *entry, struct err *e)
{
    struct fold *f = ctx;
    if (entry->seq == 1) {
        enum status first = fold_genesis(f, entry, e);
        if (first != ST_OK)
            return first;
    }
    if (!entry->verified) {
        (void)err_at(e, ST_CORRUPT, "ledger", "ledger-signature", f->mark.ledger_offset,
                     "entry %llu is not signed by the store's log key",
                     (unsigned long long)entry->seq);
        return err_subject(e, STORE_LEDGER);
    }
    enum status st = fold_write(f, e);
    if (st == ST_OK)
        st = needs_entry(f, entry, e);
    if (st == ST_OK)
        st = catalog_apply(f->w, entry, e);
    if (st != ST_OK)
        return st;
    f->mark.ledger_line = f->mark.ledger_offset;
    f->mark.ledger_offset = entry->end;
    f->mark.seq = entry->seq;
    f->mark.head = entry->hash;
    f->pending += 1 + json_count(entry->set);
    return fold_settle(f, false, e);
}

enum status fold_ledger(struct fold *f, struct err *e)
{
    SCOPED(fd_release) int fd = -1;
    uint64_t size = 0;
    enum status st = io_open(f->s->dir, STORE_LEDGER, IO_FILE, 0, &fd, e);
    if (st == ST_NOT_FOUND)
        return err_set(e, ST_SET_BACK, "ledger-cut",
                       "the ledger is gone; bring it back from a copy");
    if (st == ST_OK)
        st = io_size(fd, &size, e);
    if (st == ST_OK && size > f->mark.ledger_offset)
        st = store_poison(f->s, io_sync(fd, e));
    if (st != ST_OK)
        return st;
    struct ledger_place at = {
        .offset = f->mark.ledger_offset, .seq = f->mark.seq, .hash = f->mark.head};
    bool torn = false;
    struct err why = ERR_NONE;
    if (f->mark.seq > 0 && size > f->mark.ledger_offset) {
        /* What is added may not be older; an unreadable line is for a check to find. */
        SCOPED(ledger_entry_release) struct ledger_entry last = {0};
        if (ledger_line_at(f->s->dir, f->mark.ledger_line, &last, &why) == ST_OK)
            text_fmt(at.time, sizeof at.time, "%s", last.time);
        why = ERR_NONE;
    }
    st = ledger_read(f->s->dir, &f->s->charter.log_key, &at, fold_entry, f, &why);
    if (st == ST_OK)
        return ST_OK;
    enum status told = head_tears(f->s, at.offset, at.seq, &why, &torn, e);
    if (told != ST_OK || torn)
        return told;
    *e = why;
    return err_subject(e, STORE_LEDGER);
}
