#include "base/heap.h"
#include "store/pack.h"
#include "store/seat.h"

#include <fcntl.h>

#define WINDOW (1u << 20) /* bytes searched at a time */

enum walk_state { WALK_HEAD, WALK_RECORDS, WALK_TRAILER, WALK_DONE };

struct pack_walk {
    uint64_t pack;
    int fd;
    enum walk_state state;
    uint64_t size;
    uint64_t at, end;          /* next record; where records end: the trailer, or the file's end */
    struct err trailer_defect; /* ST_OK: the trailer is sound */
    struct pack_trailer trailer;
    uint32_t records; /* met so far, and their chain; compared only if nothing was damaged */
    uint64_t chain;
    bool damaged;
    uint8_t *window; /* [WINDOW], had at the first search */
};

void pack_walk_close(struct pack_walk *w)
{
    fd_release(&w->fd);
    heap_free(w->window);
    heap_free(w);
}

uint64_t pack_walk_size(const struct pack_walk *w)
{
    return w->size;
}

/* Looks at the trailer first: it says where records end. A defect is kept, to be told in its turn.
 */
static enum status read_trailer(struct pack_walk *w, struct err *e)
{
    w->trailer_defect = ERR_NONE;
    if (w->size < PACK_HEAD + PACK_TRAILER) {
        (void)err_at(&w->trailer_defect, ST_CORRUPT, "trailer", "pack-short", w->size,
                     "%llu bytes are too short for a pack", (unsigned long long)w->size);
        return ST_OK;
    }
    uint8_t bytes[PACK_TRAILER];
    uint64_t at = w->size - PACK_TRAILER;
    enum status st = io_read_at(w->fd, bytes, sizeof bytes, at, e);
    if (st != ST_OK)
        return st;
    st = pack_trailer_decode(bytes, &w->trailer, &w->trailer_defect);
    if (st != ST_OK) {
        w->trailer_defect.offset += at;
    } else if (w->trailer.bytes != at) {
        (void)err_at(&w->trailer_defect, ST_CORRUPT, "trailer", "pack-trailer-place", at,
                     "the trailer belongs behind %llu bytes: the pack was spliced",
                     (unsigned long long)w->trailer.bytes);
    } else {
        w->end = at;
    }
    return ST_OK;
}

static enum status open_walk(int packs, struct pack_walk *w, struct err *e)
{
    char name[PACK_NAME];
    pack_name(w->pack, name);
    enum status st = seat_open(packs, name, O_RDONLY, 0, &w->fd, e);
    if (st != ST_OK)
        return st;
    st = io_size(w->fd, &w->size, e);
    if (st != ST_OK)
        return st;
    if (w->size > PACK_BYTES_MAX)
        return err_set(e, ST_CORRUPT, "pack-size", "%llu bytes are more than a pack may have",
                       (unsigned long long)w->size);
    w->end = w->size;
    return read_trailer(w, e);
}

enum status pack_walk_open(int packs, uint64_t pack, struct pack_walk **out, struct err *e)
{
    SCOPED(pack_walk_scope) struct pack_walk *w = heap_zero(1, sizeof *w);
    if (w == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to walk a pack");
    w->pack = pack;
    w->fd = -1;
    if (open_walk(packs, w, e) != ST_OK)
        return err_subject(e, "pack %016llx", (unsigned long long)pack);
    *out = pack_walk_take(&w);
    return ST_OK;
}

static enum status walk_head(struct pack_walk *w, enum pack_step *step, struct err *damage,
                             struct err *e)
{
    w->state = WALK_RECORDS;
    w->at = PACK_HEAD;
    if (w->size < PACK_HEAD + PACK_TRAILER) {
        w->state = WALK_TRAILER;
        return ST_OK;
    }
    uint8_t bytes[PACK_HEAD];
    enum status st = io_read_at(w->fd, bytes, sizeof bytes, 0, e);
    if (st != ST_OK)
        return st;
    st = pack_head_decode(bytes, damage);
    if (st == ST_OK)
        return ST_OK;
    w->damaged = true;
    *step = PACK_STEP_DAMAGE;
    if (st == ST_UNSUPPORTED)
        w->state = WALK_DONE; /* what another version wrote is not ours to judge */
    return ST_OK;
}

/* Sets w->at to the first sound header behind `from`, or to the end of the records. */
static enum status resync(struct pack_walk *w, uint64_t from, struct err *e)
{
    if (w->window == NULL)
        w->window = heap_alloc(WINDOW);
    if (w->window == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to search a pack");
    while (w->end - from >= PACK_RECORD) {
        size_t n = w->end - from < WINDOW ? (size_t)(w->end - from) : WINDOW;
        enum status st = io_read_at(w->fd, w->window, n, from, e);
        if (st != ST_OK)
            return st;
        size_t found = pack_record_search(SPAN(w->window, n));
        if (found < n) {
            w->at = from + found;
            return ST_OK;
        }
        from += n - (PACK_RECORD - 1); /* a header may lie across two windows */
    }
    w->at = w->end;
    return ST_OK;
}

/* The header at w->at, if it is sound and its record lies before the end. */
static enum status read_header(struct pack_walk *w, struct pack_record *r,
                               uint8_t bytes[PACK_RECORD], struct err *damage, struct err *e)
{
    if (w->end - w->at < PACK_RECORD) {
        (void)err_at(damage, ST_CORRUPT, "record", "pack-record-short", 0,
                     "%u bytes are too short for a record", (unsigned)(w->end - w->at));
        return ST_OK;
    }
    enum status st = io_read_at(w->fd, bytes, PACK_RECORD, w->at, e);
    if (st != ST_OK || pack_record_decode(bytes, r, damage) != ST_OK)
        return st;
    if (r->stored > w->end - w->at - PACK_RECORD)
        (void)err_at(damage, ST_CORRUPT, "record", "pack-record-cut", 0,
                     "a record of %u stored bytes reaches past the end of the records", r->stored);
    return ST_OK;
}

static enum status walk_record(struct pack_walk *w, enum pack_step *step, struct pack_entry *entry,
                               struct err *damage, struct err *e)
{
    uint64_t left = w->end - w->at;
    if (left == 0 || (w->trailer_defect.status != ST_OK && left == PACK_TRAILER)) {
        w->state = WALK_TRAILER;
        return ST_OK;
    }
    struct pack_record r = {0};
    uint8_t bytes[PACK_RECORD];
    enum status st = read_header(w, &r, bytes, damage, e);
    if (st != ST_OK)
        return st;
    uint64_t at = w->at;
    if (damage->status != ST_OK) {
        *step = PACK_STEP_DAMAGE;
        w->damaged = true;
        damage->offset += at;
        return resync(w, at + 1, e);
    }
    *step = PACK_STEP_RECORD;
    *entry = (struct pack_entry){.digest = r.digest,
                                 .at = {.pack = w->pack,
                                        .offset = at,
                                        .stored = r.stored,
                                        .length = r.length,
                                        .kind = (uint8_t)r.kind,
                                        .encoding = (uint8_t)r.encoding}};
    w->records++;
    w->chain = pack_chain(w->chain, bytes);
    w->at = at + PACK_RECORD + r.stored;
    return ST_OK;
}

static void walk_trailer(struct pack_walk *w, enum pack_step *step, struct err *damage)
{
    w->state = WALK_DONE;
    if (w->trailer_defect.status != ST_OK)
        *damage = w->trailer_defect;
    else if (!w->damaged && (w->records != w->trailer.records || w->chain != w->trailer.chain))
        (void)err_at(damage, ST_CORRUPT, "trailer", "pack-chain", w->end,
                     "the trailer was written for other records than these %u", w->records);
    if (damage->status != ST_OK)
        *step = PACK_STEP_DAMAGE;
}

enum status pack_walk_next(struct pack_walk *w, enum pack_step *step, struct pack_entry *entry,
                           struct err *damage, struct err *e)
{
    *step = PACK_STEP_END;
    *damage = ERR_NONE;
    enum status st = ST_OK;
    while (st == ST_OK && *step == PACK_STEP_END && w->state != WALK_DONE) {
        if (w->state == WALK_HEAD)
            st = walk_head(w, step, damage, e);
        else if (w->state == WALK_RECORDS)
            st = walk_record(w, step, entry, damage, e);
        else
            walk_trailer(w, step, damage);
    }
    if (damage->status != ST_OK)
        (void)err_subject(damage, "pack %016llx", (unsigned long long)w->pack);
    return st == ST_OK ? ST_OK : err_subject(e, "pack %016llx", (unsigned long long)w->pack);
}
