#include "store/gc.h"
#include "base/heap.h"
#include "base/json_write.h"
#include "base/process.h"
#include "base/text.h"
#include "store/commit.h"
#include "store/drop.h"
#include "store/needs.h"
#include "store/reserve.h"
#include <string.h>

#define SMALL        (PACK_AIM / 8) /* bytes under which a pack is small */
#define SMALL_MANY   16u            /* and how many of them are worth merging */
#define WRITTEN_LATE (1u << 20)     /* bytes that a pack writer holds back at most */
#define FREE_SHARE   4u             /* a pack is rewritten when one part in so many is free */

/* A pack that goes. */
struct going {
    uint64_t id, bytes, live;
    bool copied; /* all its needed records are in packs that were published */
};

struct gc {
    struct store *s;
    const struct gc_options *o;
    struct gc_report *report;
    struct progress *progress;
    struct lease *lease;
    struct reserve_use reserve;
    struct buf empty, partly; /* struct going each */
    struct leases held;
    /* Copying. In a dry run only the sizes are kept. */
    struct pack_set *set;
    struct codec *codec;
    struct pack_writer *pack;
    uint64_t bytes, records; /* of the pack being filled; 0 bytes: none */
    size_t at, done;         /* in partly: being copied; up to here dropped */
    struct buf raw, scratch; /* one record as it is, and decoded */
};

static void gc_release(struct gc *g)
{
    pack_writer_scope(&g->pack); /* before the lease that has reserved for it */
    lease_scope(&g->lease);
    buf_release(&g->empty);
    buf_release(&g->partly);
    buf_release(&g->raw);
    buf_release(&g->scratch);
    leases_release(&g->held);
    pack_set_scope(&g->set);
    codec_scope(&g->codec);
    reserve_use_release(&g->reserve); /* last: all the rest may have its room */
}

static struct going get_going(const struct buf *list, size_t i)
{
    struct going one;
    memcpy(&one, list->p + i * sizeof one, sizeof one);
    return one;
}

static size_t count(const struct buf *list)
{
    return list->n / sizeof(struct going);
}

/* -- the plan ------------------------------------------------------------------------------------
 */

static bool is_damage(enum status st)
{
    return st == ST_CORRUPT || st == ST_FORMAT || st == ST_NOT_FOUND || st == ST_MISMATCH;
}

/* Head and trailer as they should be? A pack of another version is not ours to touch. */
static enum status frame_sound(struct gc *g, const struct catalog_pack *p, bool *sound,
                               struct err *e)
{
    uint8_t head[PACK_HEAD], end[PACK_TRAILER];
    struct pack_trailer t;
    struct err why = ERR_NONE;
    int fd = -1;
    enum status st = pack_set_get(g->set, p->id, &fd, &why);
    if (st == ST_OK && p->bytes >= PACK_HEAD + PACK_TRAILER)
        st = io_read_at(fd, head, sizeof head, 0, &why);
    if (st == ST_OK)
        st = pack_head_decode(head, &why);
    if (st == ST_OK)
        st = io_read_at(fd, end, sizeof end, p->bytes - PACK_TRAILER, &why);
    if (st == ST_OK)
        st = pack_trailer_decode(end, &t, &why);
    *sound = st == ST_OK || st == ST_UNSUPPORTED;
    if (*sound || is_damage(st))
        return ST_OK;
    *e = why;
    return st;
}

struct planning {
    struct gc *g;
    size_t small;
    struct buf packs; /* struct catalog_pack each */
    struct buf merge; /* struct going each: small ones */
};

static void planning_release(struct planning *p)
{
    buf_release(&p->packs);
    buf_release(&p->merge);
}

static enum status take_pack(void *ctx, struct span key, struct span record, struct err *e)
{
    struct planning *p = ctx;
    struct catalog_pack one;
    enum status st = catalog_pack_decode(key, record, &one, e);
    if (st != ST_OK)
        return st;
    if (leases_pack(&p->g->held, one.id)) {
        p->g->report->leased += one.live == 0;
        return ST_OK;
    }
    p->small += one.live > 0 && one.bytes < SMALL;
    buf_append(&p->packs, SPAN(&one, sizeof one));
    return buf_status(&p->packs) == ST_OK ? ST_OK : err_set(e, ST_NO_MEMORY, NULL, "sweeping");
}

static enum status judge(struct planning *p, const struct catalog_pack *one, struct err *e)
{
    struct gc *g = p->g;
    const uint64_t need = one->live + PACK_HEAD + PACK_TRAILER;
    const uint64_t idle = one->bytes > need ? one->bytes - need : 0;
    const struct going it = {.id = one->id, .bytes = one->bytes, .live = one->live};
    bool sound = true;
    if (one->live == 0) {
        buf_append(&g->empty, SPAN(&it, sizeof it));
        return ST_OK;
    }
    const bool goes = idle > one->bytes / FREE_SHARE;
    const bool merges = !goes && one->bytes < SMALL && p->small >= SMALL_MANY;
    enum status st = goes || merges ? ST_OK : frame_sound(g, one, &sound, e);
    if (st == ST_OK && (goes || !sound))
        buf_append(&g->partly, SPAN(&it, sizeof it));
    if (st == ST_OK && merges) /* last, since it frees next to nothing */
        buf_append(&p->merge, SPAN(&it, sizeof it));
    return st;
}

static enum status plan(struct gc *g, struct err *e)
{
    SCOPED(planning_release) struct planning p = {.g = g};
    SCOPED(index_view_scope) struct index_view *v = NULL;
    SCOPED(fd_release) int gate = -1;
    enum status st = lease_gate(g->s, &gate, e);
    if (st == ST_OK)
        st = leases_read(g->s, &g->held, e);
    fd_release(&gate);
    if (st == ST_OK)
        st = index_view_open(g->s->index, &v, e);
    if (st == ST_OK)
        st = index_view_each(v, INDEX_PACKS, SPAN(NULL, 0), take_pack, &p, e);
    for (size_t at = 0; st == ST_OK && at < p.packs.n; at += sizeof(struct catalog_pack)) {
        struct catalog_pack one;
        memcpy(&one, p.packs.p + at, sizeof one);
        st = judge(&p, &one, e);
    }
    buf_append(&g->partly, buf_span(&p.merge));
    if (st == ST_OK && (buf_status(&p.merge) != ST_OK || buf_status(&g->empty) != ST_OK ||
                        buf_status(&g->partly) != ST_OK))
        st = err_set(e, ST_NO_MEMORY, NULL, "sweeping");
    return st;
}

/* -- dropping ------------------------------------------------------------------------------------
 */

struct gone {
    struct gc *g;
    const uint64_t *ids;
    size_t n;
    struct buf body, set;
};

static void gone_release(struct gone *l)
{
    buf_release(&l->body);
    buf_release(&l->set);
}

/* The next pack's number, as it is under the lock, goes with the entry. */
static enum status prepare(void *ctx, uint64_t seq, struct change_entry *entry, struct err *e)
{
    struct gone *l = ctx;
    struct catalog_mark m;
    char text[24], hex[PACK_NAME];
    (void)seq;
    enum status st = store_mark(l->g->s, &m, e);
    if (st != ST_OK)
        return st;
    struct json_out j = json_out(&l->body);
    json_object(&j);
    json_key(&j, "packs");
    json_array(&j);
    for (size_t i = 0; i < l->n; i++) {
        pack_name(l->ids[i], hex);
        hex[16] = '\0';
        json_string(&j, hex);
    }
    json_close(&j);
    json_close(&j);
    j = json_out(&l->set);
    text_fmt(text, sizeof text, "%llu", (unsigned long long)m.next_pack);
    json_object(&j);
    json_key(&j, PACKS_NEXT);
    json_string(&j, text);
    json_close(&j);
    if (buf_status(&l->body) != ST_OK || buf_status(&l->set) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "sweeping");
    entry->body = buf_span(&l->body);
    entry->set = buf_span(&l->set);
    return ST_OK;
}

static enum status drop(struct gc *g, const uint64_t *ids, size_t n, struct err *e)
{
    SCOPED(gone_release) struct gone l = {.g = g, .ids = ids, .n = n};
    struct drop_result r = {0};
    uint64_t seq = 0;
    const struct change_entry entry = {
        .type = "gc", .room = ENTRY_LENT, .clock = g->o->clock, .log = g->o->log};
    if (n == 0)
        return ST_OK;
    enum status st = commit_entry(g->s, &entry, (struct commit_hook){prepare, &l}, &seq, e);
    pack_set_scope(&g->set); /* a removed file keeps its room as long as it is open */
    g->set = NULL;
    if (st == ST_OK)
        st = drop_packs(g->s, ids, n, &r, e);
    if (st == ST_OK)
        st = pack_set_open(g->s->packs, &g->set, e);
    g->report->dropped += r.packs;
    g->report->freed += r.bytes;
    return st;
}

static enum status drop_empty(struct gc *g, struct err *e)
{
    uint64_t ids[DROP_MAX];
    size_t n = 0;
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < count(&g->empty); i++) {
        const struct going it = get_going(&g->empty, i);
        if (g->o->dry_run) {
            g->report->freed += it.bytes;
            g->report->dropped++;
            continue;
        }
        ids[n++] = it.id;
        if (n < DROP_MAX)
            continue;
        st = drop(g, ids, n, e);
        n = 0;
    }
    return st == ST_OK ? drop(g, ids, n, e) : st;
}

/* Those whose needed records are all published. */
static enum status drop_copied(struct gc *g, struct err *e)
{
    uint64_t ids[DROP_MAX];
    size_t n = 0;
    enum status st = ST_OK;
    for (; st == ST_OK && g->done < g->at; g->done++) {
        const struct going it = get_going(&g->partly, g->done);
        if (!it.copied)
            continue;
        if (g->o->dry_run) {
            g->report->freed += it.bytes;
            g->report->dropped++;
            continue;
        }
        ids[n++] = it.id;
        if (n < DROP_MAX)
            continue;
        st = drop(g, ids, n, e);
        n = 0;
    }
    return st == ST_OK ? drop(g, ids, n, e) : st;
}

/* -- copying -------------------------------------------------------------------------------------
 */

/* The pack being filled is published and what it replaces dropped. */
static enum status finish_pack(struct gc *g, struct err *e)
{
    if (g->bytes == 0)
        return drop_copied(g, e);
    const uint64_t bytes = g->bytes + PACK_TRAILER;
    enum status st = g->pack != NULL ? pack_seal(g->pack, e) : ST_OK;
    if (st == ST_OK && g->pack != NULL)
        st = commit_pack(g->s, g->pack, g->lease, e);
    if (st != ST_OK)
        return st;
    pack_writer_scope(&g->pack);
    g->pack = NULL;
    g->report->written++;
    g->report->written_bytes += bytes;
    g->bytes = g->records = 0;
    return drop_copied(g, e);
}

/* A failed sync is more than want of room. */
static bool no_room(enum status st, const struct err *why)
{
    return (st == ST_QUOTA || st == ST_NO_SPACE) && !text_equal(err_code(why), IO_SYNC_FAILED);
}

/* On the disk too: a pack's last bytes are written late, and a ledger entry has to follow. */
static enum status ask_room(struct gc *g, uint64_t bytes, struct err *e)
{
    const uint64_t late = g->bytes < WRITTEN_LATE ? g->bytes : WRITTEN_LATE;
    if (reserve_free(g->s) < late + bytes + RESERVE_ENTRY)
        return err_set(e, ST_NO_SPACE, "disk-full",
                       "the disk has no room to write a pack anew; evict more, so that whole packs "
                       "go");
    return lease_reserve_last(g->lease, bytes, e);
}

/* Room for `bytes`; if there is none, what was copied so far may make some. */
static enum status make_room(struct gc *g, uint64_t bytes, struct err *e)
{
    struct err why = ERR_NONE;
    if (g->o->dry_run)
        return ST_OK;
    enum status st = ask_room(g, bytes, &why);
    if (no_room(st, &why) && g->done < g->at && g->bytes > 0) {
        why = ERR_NONE;
        st = finish_pack(g, &why);
        bytes += PACK_HEAD + PACK_TRAILER;
        if (st == ST_OK)
            st = ask_room(g, bytes, &why);
    }
    if (st != ST_OK)
        *e = why;
    return st;
}

/* Verified as it lies in the old pack. */
static enum status read_record(struct gc *g, const struct pack_entry *entry, struct span *out,
                               struct err *e)
{
    int fd = -1;
    g->raw.n = g->scratch.n = 0;
    uint8_t *raw = buf_space(&g->raw, PACK_RECORD + (size_t)entry->at.stored);
    uint8_t *scratch = buf_space(&g->scratch, entry->at.length);
    if (raw == NULL || (scratch == NULL && entry->at.length > 0))
        return err_set(e, ST_NO_MEMORY, NULL, "sweeping");
    enum status st = pack_set_get(g->set, entry->at.pack, &fd, e);
    if (st == ST_OK)
        st = io_read_at(fd, raw, g->raw.n, entry->at.offset, e);
    if (st == ST_OK)
        st = pack_unpack(g->codec, buf_span(&g->raw), &entry->at, &entry->digest, scratch, e);
    *out = buf_span(&g->raw);
    return st;
}

static enum status copy_record(struct gc *g, const struct pack_entry *entry, struct span record,
                               struct err *e)
{
    uint64_t bytes = PACK_RECORD + (uint64_t)entry->at.stored;
    const uint64_t frame = g->bytes == 0 ? PACK_HEAD + PACK_TRAILER : 0;
    enum status st = ST_OK;
    if (!g->o->dry_run) {
        st = make_room(g, bytes + frame, e);
        if (st == ST_OK && g->pack == NULL)
            st = pack_writer_open(g->s->staging, &g->pack, e);
        if (st == ST_OK)
            st = pack_append(g->pack, record, e);
    }
    if (st != ST_OK)
        return st;
    g->bytes += bytes + (g->bytes == 0 ? PACK_HEAD : 0);
    g->records++;
    const bool full = g->bytes >= PACK_AIM || g->records >= PACK_RECORDS_MAX;
    return full ? finish_pack(g, e) : ST_OK;
}

/* Is the record needed, and here? */
static enum status is_needed(struct gc *g, const struct pack_entry *entry, bool *needed,
                             struct err *e)
{
    SCOPED(index_view_scope) struct index_view *v = NULL;
    struct catalog_record r;
    bool found = false;
    enum status st = index_view_open(g->s->index, &v, e);
    if (st == ST_OK)
        st = catalog_record(v, (enum pack_kind)entry->at.kind, &entry->digest, &found, &r, e);
    *needed = found && r.at.pack == entry->at.pack && r.at.offset == entry->at.offset &&
              (r.refs > 0 || entry->at.kind == PACK_DOCUMENT);
    return st;
}

/* A needed record that cannot be read stays where it is. */
static enum status take_record(struct gc *g, const struct pack_entry *entry, bool *whole,
                               struct err *e)
{
    struct span record = {0};
    struct err why = ERR_NONE;
    enum status st = g->o->dry_run ? ST_OK : read_record(g, entry, &record, &why);
    if (st == ST_OK)
        return copy_record(g, entry, record, e);
    *whole = false;
    if (is_damage(st))
        return ST_OK;
    *e = why;
    return st;
}

/* *whole: every needed record was copied. */
static enum status copy_pack(struct gc *g, uint64_t id, bool *whole, struct err *e)
{
    SCOPED(pack_walk_scope) struct pack_walk *walk = NULL;
    struct err why = ERR_NONE;
    enum status st = pack_walk_open(g->s->packs, id, &walk, &why);
    *whole = st == ST_OK;
    if (st == ST_NOT_FOUND) /* somebody else swept it, or it is lost */
        return ST_OK;
    if (st != ST_OK)
        *e = why;
    for (;;) {
        enum pack_step step = PACK_STEP_END;
        struct pack_entry entry;
        struct err damage = ERR_NONE;
        bool needed = false;
        if (st == ST_OK)
            st = pack_walk_next(walk, &step, &entry, &damage, e);
        if (st != ST_OK || step == PACK_STEP_END)
            return st;
        if (step == PACK_STEP_DAMAGE)
            continue; /* what it hides stays in the pack's sum, which then keeps the pack */
        st = is_needed(g, &entry, &needed, e);
        if (st == ST_OK && needed)
            st = take_record(g, &entry, whole, e);
        if (st == ST_OK && process_interrupted())
            st = err_set(e, ST_INTERRUPTED, NULL, "interrupted while sweeping");
    }
}

static enum status copy_all(struct gc *g, struct err *e)
{
    enum status st = ST_OK;
    for (; st == ST_OK && g->at < count(&g->partly); g->at++) {
        struct going it = get_going(&g->partly, g->at);
        bool whole = false;
        st = copy_pack(g, it.id, &whole, e);
        if (no_room(st, e))
            break;
        g->report->damaged += !whole;
        it.copied = whole && st == ST_OK;
        memcpy(g->partly.p + g->at * sizeof it, &it, sizeof it);
        progress_add(g->progress, it.bytes);
    }
    return st == ST_OK ? finish_pack(g, e) : st;
}

/* -- the call ------------------------------------------------------------------------------------
 */

static enum status may_sweep(struct store *s, struct err *e)
{
    struct catalog_mark m;
    enum status st = store_mark(s, &m, e);
    if (st != ST_OK)
        return st;
    if (m.uncounted > 0)
        return err_set(e, ST_CORRUPT, "gc-uncounted",
                       "%llu recipes are damaged, so it is not known what they need; nothing was "
                       "touched: run `assay fsck --repair`",
                       (unsigned long long)m.uncounted);
    if (m.unlisted > 0)
        return err_set(e, ST_UNSUPPORTED, "gc-unlisted",
                       "%llu artifacts were admitted by an earlier version, which did not say what "
                       "they need; nothing was touched",
                       (unsigned long long)m.unlisted);
    return ST_OK;
}

/* What is left for want of room. */
static enum status give_up(struct gc *g, const struct err *why, struct err *e)
{
    g->report->left = count(&g->partly) - g->at;
    g->report->wanted = get_going(&g->partly, g->at).live;
    pack_writer_scope(&g->pack);
    g->pack = NULL;
    g->bytes = g->records = 0;
    if (g->report->dropped > 0) {
        enum status st = store_usable(g->s, e); /* not after half a publication */
        return st == ST_OK ? drop_copied(g, e) : st;
    }
    *e = *why;
    return e->status;
}

static enum status sweep(struct gc *g, struct err *e)
{
    struct err why = ERR_NONE;
    uint64_t largest = 0, all = 0;
    for (size_t i = 0; i < count(&g->partly); i++) {
        const struct going it = get_going(&g->partly, i);
        largest = it.live > largest ? it.live : largest;
        all += it.live;
    }
    const uint64_t one = all < PACK_AIM ? all : PACK_AIM, pack = one > largest ? one : largest;
    enum status st =
        g->o->dry_run ? ST_OK : reserve_use_packs(g->s, pack + RESERVE_MORE, &g->reserve, e);
    if (st == ST_OK)
        st = drop_empty(g, e);
    if (st != ST_OK)
        return st;
    st = copy_all(g, &why);
    if (no_room(st, &why))
        return give_up(g, &why, e);
    if (st != ST_OK)
        *e = why;
    return st;
}

enum status gc_run(struct store *s, const struct gc_options *o, struct progress *progress,
                   struct gc_report *out, struct err *e)
{
    SCOPED(gc_release) struct gc g = {.s = s, .o = o, .report = out, .progress = progress};
    *out = (struct gc_report){0};
    enum status st = store_writable(s, e);
    if (st == ST_OK)
        st = index_clear_readers(s->index, e);
    if (st == ST_OK)
        st = may_sweep(s, e);
    if (st == ST_OK)
        st = pack_set_open(s->packs, &g.set, e);
    if (st == ST_OK)
        st = codec_open(&g.codec, e);
    if (st == ST_OK)
        st = plan(&g, e);
    if (st == ST_OK && !o->dry_run)
        st = lease_open(s, "gc", &g.lease, e);
    if (st == ST_OK)
        st = sweep(&g, e);
    out->freed -= out->written_bytes < out->freed ? out->written_bytes : out->freed;
    return st;
}
