#include "store/pack.h"

#include "base/hash64.h"
#include "base/heap.h"
#include "store/chunker.h"
#include "store/seat.h"
#include <fcntl.h>
#include <string.h>

#define OPEN_PACKS 16
#define BUFFER     (PACK_RECORD + CHUNK_MAX) /* larger records get memory of their own */

struct pack_slot {
    uint64_t pack, used; /* used: tick of the last use, 0 for an empty slot */
    int fd;
};

struct pack_set {
    int dir;
    uint64_t tick;
    struct pack_slot slots[OPEN_PACKS];
    struct codec *codec;
    uint8_t *buffer; /* [BUFFER] */
};

void pack_set_close(struct pack_set *s)
{
    for (unsigned i = 0; i < OPEN_PACKS; i++)
        fd_release(&s->slots[i].fd);
    if (s->codec != NULL)
        codec_close(s->codec);
    heap_free(s->buffer);
    heap_free(s);
}

enum status pack_set_open(int packs, struct pack_set **out, struct err *e)
{
    SCOPED(pack_set_scope) struct pack_set *s = heap_zero(1, sizeof *s);
    if (s == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for reading packs");
    s->dir = packs;
    for (unsigned i = 0; i < OPEN_PACKS; i++)
        s->slots[i].fd = -1;
    s->buffer = heap_alloc(BUFFER);
    if (s->buffer == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for reading packs");
    enum status st = codec_open(&s->codec, e);
    if (st != ST_OK)
        return st;
    *out = pack_set_take(&s);
    return ST_OK;
}

enum status pack_set_get(struct pack_set *s, uint64_t pack, int *fd, struct err *e)
{
    struct pack_slot *oldest = &s->slots[0];
    for (unsigned i = 0; i < OPEN_PACKS; i++) {
        struct pack_slot *slot = &s->slots[i];
        if (slot->used != 0 && slot->pack == pack) {
            slot->used = ++s->tick;
            *fd = slot->fd;
            return ST_OK;
        }
        if (slot->used < oldest->used)
            oldest = slot;
    }
    char name[PACK_NAME];
    pack_name(pack, name);
    int opened = -1;
    enum status st = seat_open(s->dir, name, O_RDONLY, 0, &opened, e);
    if (st == ST_NOT_FOUND) {
        *e = ERR_NONE;
        st = err_set(e, st, "pack-gone", "the pack %s is not there", name);
    }
    if (st != ST_OK)
        return st;
    fd_release(&oldest->fd);
    *oldest = (struct pack_slot){.pack = pack, .used = ++s->tick, .fd = opened};
    *fd = opened;
    return ST_OK;
}

/* Names the pack and, where the failure itself did not, the place in it. */
static enum status blame(struct err *e, const struct pack_location *at)
{
    e->offset = e->offset == ERR_NO_OFFSET ? at->offset : at->offset + e->offset;
    return err_subject(e, "pack %016llx", (unsigned long long)at->pack);
}

static const char *pack_kind_word(uint8_t kind)
{
    return kind == PACK_CHUNK ? "chunk" : kind == PACK_DOCUMENT ? "document" : "recipe";
}

static enum status place_differs(const char *what, struct err *e)
{
    return err_at(e, ST_CORRUPT, "record", "pack-place", 0,
                  "the record here has another %s than the index says", what);
}

/* The record's header, checked, and its stored bytes. */
static enum status open_record(struct span record, const struct pack_location *at,
                               const struct digest *expect, struct span *stored, struct err *e)
{
    if (record.n < PACK_RECORD || record.n - PACK_RECORD != at->stored)
        return err_at(e, ST_CORRUPT, "record", "pack-record-short", 0,
                      "%zu bytes are no record of %u", record.n, at->stored);
    struct pack_record r;
    enum status st = pack_record_decode(record.p, &r, e);
    if (st != ST_OK)
        return st;
    if (!digest_equal(&r.digest, expect))
        return place_differs("digest", e);
    if (r.stored != at->stored || r.length != at->length)
        return place_differs("length", e);
    if ((uint8_t)r.kind != at->kind || (uint8_t)r.encoding != at->encoding)
        return place_differs("kind", e);
    *stored = SPAN(record.p + PACK_RECORD, r.stored);
    if (hash64(*stored, 0) == r.check)
        return ST_OK;
    char hex[DIGEST_TEXT];
    digest_text(expect, hex);
    return err_at(e, ST_CORRUPT, "record", "pack-stored-check", PACK_RECORD,
                  "the %u stored bytes of %s %.16s do not match their check", r.stored,
                  pack_kind_word(at->kind), hex);
}

enum status pack_decode(struct codec *c, struct span record, const struct pack_location *at,
                        const struct digest *expect, uint8_t *scratch, struct span *bytes,
                        struct err *e)
{
    struct span stored = {0};
    enum status st = open_record(record, at, expect, &stored, e);
    *bytes = stored;
    if (st == ST_OK && at->encoding != ENCODING_RAW) {
        *bytes = SPAN(scratch, at->length);
        st = codec_decode(c, (enum encoding)at->encoding, stored, scratch, at->length, e);
    }
    return st == ST_OK ? ST_OK : blame(e, at);
}

enum status pack_judge(const struct pack_location *at, const struct digest *expect,
                       const struct digest *found, struct err *e)
{
    if (digest_equal(found, expect))
        return ST_OK;
    char hex[DIGEST_TEXT];
    digest_text(expect, hex);
    (void)err_at(e, ST_CORRUPT, "record", "chunk-hash", PACK_RECORD,
                 "the %u bytes of %s %.16s do not have the SHA-256 they are named by", at->length,
                 pack_kind_word(at->kind), hex);
    return blame(e, at);
}

enum status pack_unpack(struct codec *c, struct span record, const struct pack_location *at,
                        const struct digest *expect, uint8_t *out, struct err *e)
{
    struct span bytes;
    enum status st = pack_decode(c, record, at, expect, out, &bytes, e);
    if (st != ST_OK)
        return st;
    struct digest found = digest_of(bytes);
    st = pack_judge(at, expect, &found, e);
    if (st == ST_OK && bytes.p != out && bytes.n > 0)
        memcpy(out, bytes.p, bytes.n);
    return st;
}

/* Places come from the index, which may be damaged: nothing is allocated or read before this. */
static enum status place_sane(const struct pack_location *at, struct err *e)
{
    if (at->length <= CODEC_LENGTH_MAX && at->stored <= at->length && at->offset >= PACK_HEAD &&
        at->offset < PACK_BYTES_MAX)
        return ST_OK;
    return err_at(e, ST_CORRUPT, "record", "pack-place", 0,
                  "no record of %u bytes stored as %u can be there", at->length, at->stored);
}

/* Header and stored bytes, in the set's buffer or, when they are too long for it, in `own`. */
static enum status read_record(struct pack_set *s, const struct pack_location *at, struct buf *own,
                               struct span *record, struct err *e)
{
    enum status st = place_sane(at, e);
    int fd = -1;
    if (st == ST_OK)
        st = pack_set_get(s, at->pack, &fd, e);
    if (st != ST_OK)
        return blame(e, at);
    size_t n = PACK_RECORD + (size_t)at->stored;
    uint8_t *p = n <= BUFFER ? s->buffer : buf_space(own, n);
    if (p == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a record of %zu bytes", n);
    st = io_read_at(fd, p, n, at->offset, e);
    if (st != ST_OK) {
        e->offset =
            ERR_NO_OFFSET; /* the record's offset is what matters, not where the file ends */
        return blame(e, at);
    }
    *record = SPAN(p, n);
    return ST_OK;
}

enum status pack_read(struct pack_set *s, const struct pack_location *at,
                      const struct digest *expect, uint8_t *out, struct err *e)
{
    SCOPED(buf_release) struct buf own = BUF_EMPTY;
    struct span record = {0};
    enum status st = read_record(s, at, &own, &record, e);
    return st != ST_OK ? st : pack_unpack(s->codec, record, at, expect, out, e);
}

enum status pack_compare(struct pack_set *s, const struct pack_entry *stored, struct span bytes,
                         uint8_t *scratch, struct err *e)
{
    SCOPED(buf_release) struct buf own = BUF_EMPTY;
    struct span record = {0}, found = {0};
    const struct pack_location *at = &stored->at;
    enum status st = read_record(s, at, &own, &record, e);
    if (st == ST_OK && at->length != bytes.n) {
        (void)place_differs("length", e);
        return blame(e, at);
    }
    if (st == ST_OK)
        st = pack_decode(s->codec, record, at, &stored->digest, scratch, &found, e);
    if (st != ST_OK || span_equal(found, bytes))
        return st;
    (void)err_at(e, ST_CORRUPT, "record", "chunk-hash", PACK_RECORD,
                 "the %u bytes stored are not those of their SHA-256", at->length);
    return blame(e, at);
}

enum status pack_read_buf(struct pack_set *s, const struct pack_location *at,
                          const struct digest *expect, struct buf *out, struct err *e)
{
    enum status st = place_sane(at, e);
    if (st != ST_OK)
        return blame(e, at);
    size_t before = out->n;
    uint8_t *space = buf_space(out, at->length);
    if (space == NULL && at->length > 0)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a record of %u bytes", at->length);
    st = pack_read(s, at, expect, space, e);
    if (st != ST_OK)
        out->n = before;
    return st;
}
