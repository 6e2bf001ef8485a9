/* Every byte of every pack, and the index against them. */
#include "base/text.h"
#include "store/check_inside.h"
#include "store/seat.h"
#include <stdlib.h>
#include <string.h>

/* Where headers are damaged: the records of [from, to) cannot be told any more. */
struct hole {
    uint64_t pack, from, to;
    struct err why;
};

struct pack_check {
    struct check *c;
    struct pack_set *set;
    struct pack_walk *walk;
    uint64_t next;             /* pack to open, at least */
    struct catalog_pack known; /* the present pack, as the index learnt it */
    uint64_t records;          /* met in the present pack */
    uint64_t end;              /* of the newest of them */
    bool damaged;              /* the present pack */
    bool incomplete;           /* some pack: the counts cannot agree */
    bool open_hole;            /* the newest hole still waits for its end */
    struct buf holes;          /* struct hole each */
    uint64_t matched[INDEX_TABLES];
};

static void pack_check_release(struct pack_check *p)
{
    pack_walk_scope(&p->walk);
    pack_set_scope(&p->set);
    buf_release(&p->holes);
}

static void pack_object(uint64_t id, char out[64])
{
    text_fmt(out, 64, "pack %016llx", (unsigned long long)id);
}

static void tell_pack(struct pack_check *p, const struct err *why, uint64_t id,
                      const struct digest *d)
{
    char object[64];
    pack_object(id, object);
    check_tell(p->c, why, object, d);
}

static void tell_stale(struct pack_check *p, const struct pack_entry *entry)
{
    struct err why = ERR_NONE;
    (void)err_at(&why, ST_CORRUPT, "index", "index-stale", entry->at.offset,
                 "the index does not know a record of pack %016llx; delete the index folder, it is "
                 "folded again",
                 (unsigned long long)entry->at.pack);
    check_tell(p->c, &why, "index", &entry->digest);
}

/* -- the plan: every record of every pack --------------------------------------------------------
 */

static void end_hole(struct pack_check *p, uint64_t at)
{
    if (!p->open_hole)
        return;
    struct hole h;
    uint8_t *last = p->holes.p + p->holes.n - sizeof h;
    memcpy(&h, last, sizeof h);
    h.to = at;
    memcpy(last, &h, sizeof h);
    p->open_hole = false;
}

static enum status begin_hole(struct pack_check *p, const struct err *why, struct err *e)
{
    const struct hole h = {.pack = p->known.id, .from = p->end, .to = UINT64_MAX, .why = *why};
    if (p->open_hole)
        return ST_OK; /* it goes on */
    buf_append(&p->holes, SPAN(&h, sizeof h));
    p->open_hole = true;
    return buf_status(&p->holes) == ST_OK ? ST_OK
                                          : err_set(e, ST_NO_MEMORY, NULL, "checking packs");
}

static enum status take_damage(struct pack_check *p, const struct err *damage, struct err *e)
{
    p->damaged = p->incomplete = true;
    if (strncmp(err_code(damage), "pack-record", 11) == 0)
        return begin_hole(p, damage, e); /* a finding only if the index still points there */
    tell_pack(p, damage, p->known.id, NULL);
    return ST_OK;
}

static enum status compare_pack(struct pack_check *p)
{
    const struct catalog_pack *k = &p->known;
    p->matched[INDEX_PACKS]++;
    if (k->bytes == pack_walk_size(p->walk) && (p->damaged || k->records == p->records))
        return ST_OK;
    struct err why = ERR_NONE;
    (void)err_set(&why, ST_CORRUPT, "pack-size",
                  "the pack has not the size or the records that the index learnt");
    tell_pack(p, &why, k->id, NULL);
    return ST_OK;
}

static enum status close_pack(struct pack_check *p)
{
    end_hole(p, UINT64_MAX);
    enum status st = compare_pack(p);
    p->c->report->packs++;
    p->c->report->bytes += pack_walk_size(p->walk);
    pack_walk_scope(&p->walk);
    p->walk = NULL;
    return st;
}

/* Does the index as it is now know the pack? A sweep may have taken it since the check began. */
static enum status known_now(struct pack_check *p, uint64_t id, bool *known, struct err *e)
{
    SCOPED(index_view_scope) struct index_view *v = NULL;
    struct catalog_pack now = {0};
    enum status st = index_view_open(p->c->s->index, &v, e);
    if (st == ST_OK)
        st = catalog_pack_from(v, id, known, &now, e);
    *known = *known && now.id == id;
    return st;
}

static enum status open_pack(struct pack_check *p, struct err *e)
{
    char object[64];
    struct err why = ERR_NONE;
    bool known = true;
    p->records = 0;
    p->end = PACK_HEAD;
    p->damaged = false;
    pack_object(p->known.id, object);
    enum status st = pack_walk_open(p->c->s->packs, p->known.id, &p->walk, &why);
    if (st == ST_OK)
        return ST_OK;
    p->walk = NULL;
    p->incomplete = true;
    if (text_equal(err_code(&why), SEAT_WRONG))
        return ST_OK; /* told with the places */
    if (st == ST_NOT_FOUND) {
        (void)err_set(&why, ST_NOT_FOUND, "pack-gone",
                      "the pack is gone; adding what it held brings it back");
        enum status asked = known_now(p, p->known.id, &known, e);
        if (asked != ST_OK || !known)
            return asked;
    }
    return check_absorb(p->c, st, &why, object, NULL, e);
}

/* The next pack that the index knows; none ends the plan. */
static enum status next_pack(struct pack_check *p, bool *more, struct err *e)
{
    struct err why = ERR_NONE;
    enum status st = catalog_pack_from(p->c->v, p->next, more, &p->known, &why);
    if (st != ST_OK) {
        *more = false;
        p->incomplete = true;
        return check_absorb(p->c, st, &why, "index", NULL, e);
    }
    p->next = p->known.id + 1;
    return *more ? open_pack(p, e) : ST_OK;
}

static enum status step(struct pack_check *p, struct fetch_item *item, bool *got, struct err *e)
{
    enum pack_step step = PACK_STEP_END;
    struct err damage = ERR_NONE;
    *got = false;
    enum status st = pack_walk_next(p->walk, &step, &item->entry, &damage, e);
    if (st != ST_OK)
        return st;
    if (step == PACK_STEP_END)
        return close_pack(p);
    if (step == PACK_STEP_DAMAGE)
        return take_damage(p, &damage, e);
    end_hole(p, item->entry.at.offset);
    p->end = item->entry.at.offset + PACK_RECORD + item->entry.at.stored;
    item->position = 0;
    p->records++;
    *got = true;
    return ST_OK;
}

static enum status plan_next(void *ctx, struct fetch_item *items, size_t cap, size_t *got,
                             struct err *e)
{
    struct pack_check *p = ctx;
    enum status st = ST_OK;
    *got = 0;
    while (st == ST_OK && *got < cap) {
        bool one = false, more = true;
        st = p->walk == NULL ? next_pack(p, &more, e) : step(p, &items[*got], &one, e);
        if (!more)
            return st;
        *got += one;
    }
    return st;
}

/* -- each record ---------------------------------------------------------------------------------
 */

static bool same_place(const struct pack_location *a, const struct pack_location *b)
{
    return a->pack == b->pack && a->offset == b->offset;
}

static bool later(const struct pack_location *a, const struct pack_location *b)
{
    return a->pack > b->pack || (a->pack == b->pack && a->offset > b->offset);
}

/* A sweep may have moved the record since the check began. */
static enum status moved(struct pack_check *p, const struct pack_entry *entry, bool *out,
                         struct err *e)
{
    SCOPED(index_view_scope) struct index_view *v = NULL;
    struct pack_location now;
    bool found = false;
    enum status st = index_view_open(p->c->s->index, &v, e);
    if (st == ST_OK)
        st = catalog_find(v, (enum pack_kind)entry->at.kind, &entry->digest, &found, &now, e);
    *out = !found || !same_place(&now, &entry->at);
    return st;
}

/* A sound root must be in the table of recipes, or be replaced there. */
static enum status check_root(struct pack_check *p, const struct pack_entry *entry, struct err *e)
{
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    struct recipe_root root;
    struct digest now;
    uint64_t n = 0;
    bool found = false;
    struct err why = ERR_NONE;
    enum status st = pack_read_buf(p->set, &entry->at, &entry->digest, &bytes, &why);
    if (st == ST_OK)
        st = recipe_root_decode(buf_span(&bytes), &root, &why);
    bool gone = false;
    enum status asked = st == ST_NOT_FOUND ? moved(p, entry, &gone, e) : ST_OK;
    if (asked != ST_OK || gone)
        return asked;
    if (st != ST_OK) {
        char object[64];
        pack_object(entry->at.pack, object);
        return check_absorb(p->c, st, &why, object, &entry->digest, e);
    }
    st = catalog_recipe(p->c->v, &root.content, &found, &now, &n, &why);
    if (st == ST_OK && !found)
        tell_stale(p, entry);
    return check_absorb(p->c, st, &why, "index", NULL, e);
}

static enum status check_current(struct pack_check *p, const struct pack_entry *entry,
                                 const struct pack_location *at, const struct err *verdict,
                                 struct err *e)
{
    p->matched[catalog_table((enum pack_kind)entry->at.kind)]++;
    if (at->stored != entry->at.stored || at->length != entry->at.length ||
        at->encoding != entry->at.encoding)
        tell_stale(p, entry);
    if (verdict == NULL)
        return entry->at.kind == PACK_RECIPE_ROOT ? check_root(p, entry, e) : ST_OK;
    bool gone = false;
    enum status st = verdict->status == ST_NOT_FOUND ? moved(p, entry, &gone, e) : ST_OK;
    if (st != ST_OK || gone)
        return st;
    struct err why = *verdict;
    if (why.offset == ERR_NO_OFFSET || why.offset < entry->at.offset)
        why.offset = entry->at.offset;
    tell_pack(p, &why, entry->at.pack, &entry->digest);
    if (entry->at.kind == PACK_CHUNK && p->c->damaged.n < CHECK_DAMAGED_MAX * sizeof entry->digest)
        buf_append(&p->c->damaged, SPAN(&entry->digest, sizeof entry->digest));
    return buf_status(&p->c->damaged) == ST_OK ? ST_OK
                                               : err_set(e, ST_NO_MEMORY, NULL, "checking packs");
}

static enum status each(void *ctx, const struct fetch_item *item, const struct err *verdict,
                        struct err *e)
{
    struct pack_check *p = ctx;
    const struct pack_entry *entry = &item->entry;
    struct pack_location at;
    bool found = false;
    struct err why = ERR_NONE;
    p->c->report->records++;
    enum status st =
        catalog_find(p->c->v, (enum pack_kind)entry->at.kind, &entry->digest, &found, &at, &why);
    if (st != ST_OK)
        return check_absorb(p->c, st, &why, "index", &entry->digest, e);
    if (found && same_place(&at, &entry->at))
        return check_current(p, entry, &at, verdict, e);
    /* Two adders may have written it, and the pack with the later copy went when nobody needed it
     * any more; were it needed, the index would know it by that. Documents never go. */
    if (!found && entry->at.kind != PACK_DOCUMENT)
        return ST_OK;
    /* Behind a damaged header the bytes of a chunk may look like a record. */
    if ((!found || !later(&at, &entry->at)) && !p->incomplete)
        tell_stale(p, entry);
    return ST_OK;
}

/* -- what the index has beyond -------------------------------------------------------------------
 */

/* Does the place lie where a header is damaged? Then that is what became of the record. */
static enum status in_hole(void *ctx, struct span key, struct span record, struct err *e)
{
    struct pack_check *p = ctx;
    struct catalog_record r;
    struct pack_entry entry;
    enum status st = catalog_record_decode(key, record, &entry.digest, &r, e);
    if (st != ST_OK)
        return st;
    entry.at = r.at;
    for (size_t at = 0; at < p->holes.n; at += sizeof(struct hole)) {
        struct hole h;
        memcpy(&h, p->holes.p + at, sizeof h);
        if (entry.at.pack != h.pack || entry.at.offset < h.from || entry.at.offset >= h.to)
            continue;
        h.why.offset = entry.at.offset;
        tell_pack(p, &h.why, h.pack, &entry.digest);
        if (entry.at.kind == PACK_CHUNK &&
            p->c->damaged.n < CHECK_DAMAGED_MAX * sizeof entry.digest)
            buf_append(&p->c->damaged, SPAN(&entry.digest, sizeof entry.digest));
        break;
    }
    return ST_OK;
}

static enum status check_holes(struct pack_check *p, struct err *e)
{
    const enum index_table tables[] = {INDEX_CHUNKS, INDEX_RECORDS};
    enum status st = ST_OK;
    for (size_t i = 0; i < 2 && st == ST_OK; i++) {
        struct err why = ERR_NONE;
        st = index_view_each(p->c->v, tables[i], SPAN(NULL, 0), in_hole, p, &why);
        st = check_absorb(p->c, st, &why, "index", NULL, e);
    }
    return st;
}

static enum status check_counts(struct pack_check *p, struct err *e)
{
    const enum index_table tables[] = {INDEX_CHUNKS, INDEX_RECORDS, INDEX_PACKS};
    for (size_t i = 0; i < 3; i++) {
        uint64_t n = 0;
        if (tables[i] != INDEX_PACKS && p->c->mark.unplaced > 0)
            continue; /* entries without a place: a recipe names what is missing */
        enum status st = index_view_count(p->c->v, tables[i], &n, e);
        if (st != ST_OK)
            return st;
        if (n == p->matched[tables[i]])
            continue;
        struct err why = ERR_NONE;
        (void)err_set(&why, ST_CORRUPT, "index-stale",
                      "the index has %llu entries where the packs have %llu; delete the index "
                      "folder, it is folded again",
                      (unsigned long long)n, (unsigned long long)p->matched[tables[i]]);
        check_tell(p->c, &why, "index", NULL);
    }
    return ST_OK;
}

static enum status look_only(void *ctx, struct span key, struct span record, struct err *e)
{
    (void)ctx;
    (void)key;
    (void)record;
    (void)e;
    return ST_OK;
}

/* Its mark and sums: read, each value's hash is compared. */
static enum status check_meta(struct pack_check *p, struct err *e)
{
    struct err why = ERR_NONE;
    enum status st = index_view_each(p->c->v, INDEX_META, SPAN(NULL, 0), look_only, NULL, &why);
    return check_absorb(p->c, st, &why, "index", NULL, e);
}

static int by_digest(const void *a, const void *b)
{
    const struct fetch_item *x = a, *y = b;
    return memcmp(&x->entry.digest, &y->entry.digest, sizeof x->entry.digest);
}

/* The plan alone: every record's header was read, no record's bytes. Many are looked up together,
 * in the index's own order: a page of it is met once a pass, not once a record. */
static enum status each_header(struct pack_check *p, struct err *e)
{
    SCOPED(buf_release) struct buf room = BUF_EMPTY;
    struct fetch_item *items = (void *)buf_space(&room, CHECK_TOGETHER * sizeof *items);
    if (items == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "checking the index");
    for (;;) {
        size_t got = 0;
        enum status st = plan_next(p, items, CHECK_TOGETHER, &got, e);
        qsort(items, got, sizeof *items, by_digest);
        for (size_t i = 0; st == ST_OK && i < got; i++)
            st = each(p, &items[i], NULL, e);
        if (st != ST_OK || got == 0)
            return st;
    }
}

enum status check_packs_part(struct check *c, struct err *e)
{
    SCOPED(pack_check_release) struct pack_check p = {.c = c, .next = 1};
    uint64_t told = c->report->findings;
    enum status st = pack_set_open(c->s->packs, &p.set, e);
    if (st == ST_OK && c->headers_only)
        st = each_header(&p, e);
    else if (st == ST_OK)
        st = fetch_check(c->s->packs, (struct fetch_plan){.next = plan_next, .ctx = &p}, each, &p,
                         c->progress, e);
    if (st == ST_OK && p.holes.n > 0)
        st = check_holes(&p, e);
    if (st == ST_OK && !p.incomplete && told == c->report->findings)
        st = check_counts(&p, e);
    if (st == ST_OK)
        st = check_meta(&p, e);
    return st;
}
