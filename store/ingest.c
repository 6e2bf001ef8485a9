#include "store/ingest.h"

#include "base/hash64.h"
#include "base/heap.h"
#include "base/process.h"
#include "store/chunker.h"
#include "store/digest_map.h"
#include "store/ring.h"
#include "store/sealer.h"
#include <assert.h>
#include <errno.h>
#include <string.h>

/* Six slabs of 2 MiB, before and after encoding: 28 MiB, whatever the stream. */
#define SLABS      6
#define SLAB_BYTES ((2u << 20) + CHUNK_MAX)
#define PIECES_OWN (SLAB_BYTES / CHUNK_MIN + 2)
#define PIECES     (3 * PIECES_OWN) /* with what is cut on advice */
#define SLAB_OUT   (SLAB_BYTES + PIECES * PACK_RECORD)

enum known {
    KNOWN_NOT,     /* to be encoded and written */
    KNOWN_WAITING, /* an earlier piece of a pack under way: nothing to do */
    KNOWN_STORED,  /* in a published pack, if that copy is sound */
};

/* One chunk of a slab. */
struct piece {
    struct pack_entry entry; /* entry.at: of the stored copy */
    uint32_t offset, length; /* in the slab */
    enum known known;
};

struct slab {
    uint8_t *in;        /* [SLAB_BYTES] */
    size_t filled, cut; /* bytes in it; of them in whole chunks: the rest opens the next slab */
    struct piece pieces[PIECES];
    size_t count;
    uint8_t *out; /* [SLAB_OUT] records, ready to be appended */
    size_t out_n;
};

struct ingest {
    int staging;
    struct ingest_calls calls;
    enum status failed; /* ST_OK, or the first failure */
    struct slab slabs[SLABS];

    /* The caller's thread. */
    const uint64_t *cuts; /* [cut_count] advice for the content that is going in */
    size_t cut_at, cut_count;

    /* The hashing stage. */
    struct hasher *whole;
    struct digest_map
        waiting; /* digests of chunks whose pack is not handed over: find cannot know them */

    /* The encoding stage. */
    struct codec *codec;
    struct pack_set *set;
    struct digest_map healed; /* rewritten already: not again for the next hit */
    uint8_t scratch[CHUNK_MAX];
    struct ingest_result result;

    /* The writing stage. */
    struct pack_writer *pack; /* being filled; NULL until the first record */
    struct sealer *sealer;    /* takes full packs; NULL while no content is going in */
    struct progress *progress;
};

void ingest_close(struct ingest *g)
{
    pack_writer_scope(&g->pack);
    codec_scope(&g->codec);
    pack_set_scope(&g->set);
    hasher_scope(&g->whole);
    digest_map_release(&g->waiting);
    digest_map_release(&g->healed);
    for (unsigned i = 0; i < SLABS; i++) {
        heap_free(g->slabs[i].in);
        heap_free(g->slabs[i].out);
    }
    heap_free(g);
}

enum status ingest_open(int staging, int packs, const struct ingest_calls *calls,
                        struct ingest **out, struct err *e)
{
    SCOPED(ingest_scope) struct ingest *g = heap_zero(1, sizeof *g);
    if (g == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to take in content");
    g->staging = staging;
    g->calls = *calls;
    enum status st = codec_open(&g->codec, e);
    if (st == ST_OK)
        st = pack_set_open(packs, &g->set, e);
    if (st == ST_OK)
        st = hasher_open(&g->whole, e);
    if (st == ST_OK)
        *out = ingest_take(&g);
    return st;
}

static enum status usable(const struct ingest *g, struct err *e)
{
    if (g->failed == ST_OK)
        return ST_OK;
    return err_set(e, g->failed, "ingest-poisoned",
                   "taking in content failed before: this change must be dropped");
}

static enum status poison(struct ingest *g, enum status st)
{
    if (st != ST_OK && g->failed == ST_OK)
        g->failed = st;
    return st;
}

/* -- hashing -- */

/* find knows them now. */
static void forget(struct ingest *g, const struct pack_writer *pack)
{
    size_t count;
    const struct pack_entry *entries = pack_writer_entries(pack, &count);
    for (size_t i = 0; i < count; i++)
        digest_map_remove(&g->waiting, &entries[i].digest);
}

static void collect(struct ingest *g)
{
    struct pack_writer *pack;
    while ((pack = sealer_collect(g->sealer)) != NULL) {
        forget(g, pack);
        pack_writer_close(pack);
    }
}

static enum status look_up(struct ingest *g, enum pack_kind kind, struct piece *p, struct err *e)
{
    p->known = KNOWN_WAITING;
    if (kind == PACK_CHUNK && digest_map_get(&g->waiting, &p->entry.digest, NULL))
        return ST_OK;
    bool found = false;
    enum status st = g->calls.find(g->calls.ctx, kind, &p->entry.digest, &found, &p->entry.at, e);
    if (st != ST_OK)
        return st;
    p->known = found ? KNOWN_STORED : KNOWN_NOT;
    if (!found && kind == PACK_CHUNK && !digest_map_put(&g->waiting, &p->entry.digest, 0))
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to remember a chunk");
    return ST_OK;
}

static enum status hash_slab(void *ctx, unsigned worker, void *slot, struct err *e)
{
    (void)worker;
    struct ingest *g = ctx;
    struct slab *s = slot;
    enum status st = ST_OK;
    collect(g);
    for (size_t i = 0; st == ST_OK && i < s->count; i++) {
        struct piece *p = &s->pieces[i];
        p->entry.digest = hasher_add_piece(g->whole, SPAN(s->in + p->offset, p->length));
        st = look_up(g, PACK_CHUNK, p, e);
        if (st == ST_OK)
            st = g->calls.chunk(g->calls.ctx, &p->entry.digest, p->length, e);
    }
    return st;
}

/* -- encoding -- */

/* Encodes one record to out, which has room for PACK_RECORD + bytes.n. Returns its size. */
static size_t make_record(struct ingest *g, enum pack_kind kind, const struct digest *d,
                          struct span bytes, uint8_t *out)
{
    size_t stored;
    enum encoding how = codec_encode(g->codec, bytes, out + PACK_RECORD, &stored);
    struct pack_record r = {.kind = kind,
                            .encoding = how,
                            .stored = (uint32_t)stored,
                            .length = (uint32_t)bytes.n,
                            .digest = *d,
                            .check = hash64(SPAN(out + PACK_RECORD, stored), 0)};
    pack_record_encode(&r, out);
    return PACK_RECORD + stored;
}

/* Damaged, gone, or on a sector that cannot be read. Want of memory or of descriptors is ours. */
static bool is_lost(enum status st, const struct err *why)
{
    return st == ST_CORRUPT || st == ST_FORMAT || st == ST_NOT_FOUND || st == ST_MISMATCH ||
           (st == ST_IO && why->sys == EIO);
}

/* Is the stored copy what the bytes in hand are? If it is lost, *write says to write a fresh
 * record. */
static enum status judge_stored(struct ingest *g, const struct pack_entry *stored,
                                struct span bytes, uint8_t *scratch, bool *write, struct err *e)
{
    *write = false;
    if (digest_map_get(&g->healed, &stored->digest, NULL))
        return ST_OK;
    struct err why = ERR_NONE;
    enum status st = pack_compare(g->set, stored, bytes, scratch, &why);
    if (st == ST_OK)
        return ST_OK;
    if (!is_lost(st, &why)) {
        *e = why;
        return st;
    }
    if (!digest_map_put(&g->healed, &stored->digest, 0))
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to compare with what is stored");
    *write = true;
    g->result.healed++;
    return ST_OK;
}

static enum status encode_slab(void *ctx, unsigned worker, void *slot, struct err *e)
{
    (void)worker;
    struct ingest *g = ctx;
    struct slab *s = slot;
    s->out_n = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct piece *p = &s->pieces[i];
        struct span bytes = SPAN(s->in + p->offset, p->length);
        bool write = p->known == KNOWN_NOT;
        enum status st = ST_OK;
        if (p->known == KNOWN_STORED)
            st = judge_stored(g, &p->entry, bytes, g->scratch, &write, e);
        if (st != ST_OK)
            return st;
        if (!write)
            continue;
        size_t n = make_record(g, PACK_CHUNK, &p->entry.digest, bytes, s->out + s->out_n);
        s->out_n += n;
        g->result.new_bytes += bytes.n;
        g->result.stored_bytes += n;
    }
    return ST_OK;
}

/* -- writing -- */

/* Seals the open pack and hands it over: by the sealer, or at once. */
static enum status seal(struct ingest *g, struct err *e)
{
    SCOPED(pack_writer_scope) struct pack_writer *pack = pack_writer_take(&g->pack);
    if (g->sealer != NULL)
        return sealer_put(g->sealer, pack_writer_take(&pack), e);
    enum status st = pack_seal(pack, e);
    if (st == ST_OK)
        st = g->calls.sealed(g->calls.ctx, pack, e);
    if (st == ST_OK)
        forget(g, pack);
    return st;
}

/* A pack in work counts twice for a moment, as reserved and as stored: a refusal holds only when
 * there is none. */
static enum status reserve(struct ingest *g, uint64_t bytes, struct err *e)
{
    struct err why = ERR_NONE;
    enum status st = g->calls.reserve(g->calls.ctx, bytes, &why);
    if ((st == ST_QUOTA || st == ST_NO_SPACE) && g->sealer != NULL) {
        st = sealer_wait(g->sealer, e);
        if (st != ST_OK)
            return st;
        why = ERR_NONE;
        st = g->calls.reserve(g->calls.ctx, bytes, &why);
    }
    if (st != ST_OK)
        *e = why;
    return st;
}

static enum status append(struct ingest *g, struct span records, struct err *e)
{
    enum status st = ST_OK;
    if (records.n == 0)
        return ST_OK;
    uint64_t more = records.n + (g->pack == NULL ? PACK_HEAD + PACK_TRAILER : 0);
    if (g->calls.reserve != NULL)
        st = reserve(g, more, e);
    if (st == ST_OK && g->pack == NULL)
        st = pack_writer_open(g->staging, &g->pack, e);
    if (st == ST_OK)
        st = pack_append(g->pack, records, e);
    if (st == ST_OK && pack_writer_full(g->pack))
        st = seal(g, e);
    return st;
}

static enum status write_slab(void *ctx, unsigned worker, void *slot, struct err *e)
{
    (void)worker;
    struct ingest *g = ctx;
    const struct slab *s = slot;
    enum status st = append(g, SPAN(s->out, s->out_n), e);
    if (st == ST_OK)
        progress_add(g->progress, s->cut);
    return st;
}

/* -- the caller's thread -- */

static enum status make_room(struct slab *s, struct err *e)
{
    if (s->in == NULL)
        s->in = heap_alloc(SLAB_BYTES);
    if (s->out == NULL)
        s->out = heap_alloc(SLAB_OUT);
    if (s->in == NULL || s->out == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a slab of %u bytes", SLAB_BYTES);
    return ST_OK;
}

/* Fills the slab: first what the one before left uncut, then from the source. */
static enum status fill(struct slab *s, const struct slab *before, struct source from, bool *ended,
                        struct err *e)
{
    s->filled = 0;
    s->cut = 0;
    s->count = 0;
    if (before != NULL && before->filled > before->cut) {
        s->filled = before->filled - before->cut;
        memcpy(s->in, before->in + before->cut, s->filled);
    }
    while (s->filled < SLAB_BYTES) {
        size_t got = 0;
        enum status st = from.read(from.ctx, s->in + s->filled, SLAB_BYTES - s->filled, &got, e);
        if (st != ST_OK)
            return st;
        assert(got <= SLAB_BYTES - s->filled);
        if (got == 0) {
            *ended = true;
            return ST_OK;
        }
        s->filled += got;
    }
    return ST_OK;
}

void ingest_cuts(struct ingest *g, const uint64_t *offsets, size_t count)
{
    g->cuts = offsets;
    g->cut_at = 0;
    g->cut_count = count;
}

/* Bytes from `position` to the next advised cut. */
static uint64_t advised(struct ingest *g, uint64_t position)
{
    while (g->cut_at < g->cut_count && g->cuts[g->cut_at] <= position)
        g->cut_at++;
    return g->cut_at < g->cut_count ? g->cuts[g->cut_at] - position : UINT64_MAX;
}

/* The next chunk's length; 0 when more bytes are needed to tell. */
static size_t next_chunk(struct ingest *g, const struct slab *s, bool ended)
{
    size_t have = s->filled - s->cut;
    uint64_t most = advised(g, g->result.bytes + s->cut);
    if (most < have && s->count + PIECES_OWN < PIECES)
        return chunker_cut(SPAN(s->in + s->cut, (size_t)most));
    return ended || have >= CHUNK_MAX ? chunker_cut(SPAN(s->in + s->cut, have)) : 0;
}

static void cut(struct ingest *g, struct slab *s, bool ended)
{
    for (size_t n; (n = next_chunk(g, s, ended)) > 0; s->cut += n, s->count++) {
        assert(s->count < PIECES);
        s->pieces[s->count] = (struct piece){.offset = (uint32_t)s->cut, .length = (uint32_t)n};
    }
}

/* Sends every slab of the stream on its way. */
static enum status run(struct ingest *g, struct ring *ring, struct source from, struct err *e)
{
    const struct slab *before = NULL;
    bool ended = false;
    enum status st = ST_OK;
    while (st == ST_OK && !ended) {
        if (process_interrupted())
            return err_set(e, ST_INTERRUPTED, NULL, "interrupted while taking in content");
        void *slot = ring_vacant(ring);
        if (slot == NULL) {
            st = ring_wait(ring, &slot, e);
            if (st != ST_OK)
                return st;
            slot = ring_vacant(ring);
        }
        struct slab *s = slot;
        st = make_room(s, e);
        if (st == ST_OK)
            st = fill(s, before, from, &ended, e);
        if (st != ST_OK)
            return st;
        cut(g, s, ended);
        g->result.bytes += s->cut;
        g->result.chunks += s->count;
        st = ring_submit(ring, ended, e);
        before = s;
    }
    void *through = ring;
    while (st == ST_OK && through != NULL)
        st = ring_wait(ring, &through, e);
    if (st == ST_OK)
        st = sealer_wait(g->sealer, e);
    collect(g);
    return st;
}

/* With the threads that it takes, and without them again. */
static enum status take_in(struct ingest *g, struct source from, struct err *e)
{
    static const struct ring_stage stages[] = {{hash_slab, 1}, {encode_slab, 1}, {write_slab, 1}};
    SCOPED(sealer_scope) struct sealer *sealer = NULL;
    SCOPED(ring_scope) struct ring *ring = NULL;
    void *slots[SLABS];
    for (unsigned i = 0; i < SLABS; i++)
        slots[i] = &g->slabs[i];
    enum status st = sealer_open(g->calls.sealed, g->calls.ctx, &sealer, e);
    g->sealer = sealer;
    if (st == ST_OK)
        st = ring_open(slots, SLABS, stages, 3, g, &ring, e);
    return st == ST_OK ? run(g, ring, from, e) : st;
}

enum status ingest_content(struct ingest *g, struct source from, struct progress *progress,
                           struct ingest_result *out, struct err *e)
{
    enum status st = usable(g, e);
    if (st != ST_OK)
        return st;
    g->progress = progress;
    g->result = (struct ingest_result){0};
    st = take_in(g, from, e);
    g->sealer = NULL;
    ingest_cuts(g, NULL, 0);
    if (st != ST_OK)
        return poison(g, st);
    g->result.sha256 = hasher_end(g->whole);
    *out = g->result;
    return ST_OK;
}

/* Writes a record of any kind, without the ring: nothing is in flight between two calls. */
static enum status write_record(struct ingest *g, enum pack_kind kind, const struct digest *d,
                                struct span bytes, struct err *e)
{
    SCOPED(buf_release) struct buf record = BUF_EMPTY;
    uint8_t *p = buf_space(&record, PACK_RECORD + bytes.n);
    if (p == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a record of %zu bytes", bytes.n);
    size_t n = make_record(g, kind, d, bytes, p);
    return append(g, SPAN(p, n), e);
}

static enum status record(struct ingest *g, enum pack_kind kind, const struct digest *d,
                          struct span bytes, struct err *e)
{
    if (g->pack != NULL && pack_writer_find(g->pack, d, kind) != NULL)
        return ST_OK;
    struct piece p = {.entry = {.digest = *d}};
    enum status st = look_up(g, kind, &p, e);
    bool write = p.known == KNOWN_NOT;
    if (st == ST_OK && p.known == KNOWN_STORED) {
        SCOPED(buf_release) struct buf scratch = BUF_EMPTY;
        uint8_t *space = buf_space(&scratch, bytes.n);
        if (space == NULL && bytes.n > 0)
            return err_set(e, ST_NO_MEMORY, NULL, "no memory for a record of %zu bytes", bytes.n);
        st = judge_stored(g, &p.entry, bytes, space, &write, e);
    }
    return st == ST_OK && write ? write_record(g, kind, d, bytes, e) : st;
}

enum status ingest_record(struct ingest *g, enum pack_kind kind, struct span bytes,
                          struct digest *out, struct err *e)
{
    enum status st = usable(g, e);
    if (st != ST_OK)
        return st;
    if (bytes.n > CODEC_LENGTH_MAX)
        return err_set(e, ST_INVALID_LENGTH, "record-length",
                       "a record of %zu bytes, at most %u fit", bytes.n, CODEC_LENGTH_MAX);
    *out = digest_of(bytes);
    return poison(g, record(g, kind, out, bytes, e));
}

enum status ingest_read(struct ingest *g, enum pack_kind kind, const struct digest *d,
                        struct buf *out, struct err *e)
{
    enum status st = usable(g, e);
    if (st != ST_OK)
        return st;
    const struct pack_entry *staged = g->pack == NULL ? NULL : pack_writer_find(g->pack, d, kind);
    if (staged != NULL)
        return pack_writer_read(g->pack, staged, out, e);
    bool found = false;
    struct pack_location at;
    st = g->calls.find(g->calls.ctx, kind, d, &found, &at, e);
    if (st == ST_OK && !found) {
        char text[DIGEST_TEXT];
        digest_text(d, text);
        return err_set(e, ST_NOT_FOUND, "no-record", "no record sha256:%s", text);
    }
    return st == ST_OK ? pack_read_buf(g->set, &at, d, out, e) : st;
}

enum status ingest_flush(struct ingest *g, struct err *e)
{
    enum status st = usable(g, e);
    if (st == ST_OK && g->pack != NULL)
        st = seal(g, e);
    return poison(g, st);
}
