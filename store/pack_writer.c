#include "store/pack_writer.h"

#include "base/heap.h"
#include "base/pending.h"
#include "store/digest_map.h"
#include <assert.h>
#include <string.h>

#define BUFFER (1u << 20) /* smaller appends are gathered into writes of this size */

struct pack_writer {
    struct pending file;
    uint64_t written; /* bytes in the file */
    uint8_t *buffer;  /* [BUFFER], of which `held` wait to be written behind them */
    size_t held;
    struct pack_entry *entries; /* [count] of [room] */
    size_t count, room;
    struct digest_map index; /* digest → number of its newest entry */
    uint64_t chain;
    bool sealed;
    struct codec *codec; /* for reading back; had when first needed */
    enum status failed;  /* ST_OK, or the first failure: no later call succeeds */
};

void pack_writer_close(struct pack_writer *w)
{
    pending_release(&w->file);
    heap_free(w->buffer);
    heap_free(w->entries);
    digest_map_release(&w->index);
    if (w->codec != NULL)
        codec_close(w->codec);
    heap_free(w);
}

enum status pack_writer_open(int staging, struct pack_writer **out, struct err *e)
{
    SCOPED(pack_writer_scope) struct pack_writer *w = heap_zero(1, sizeof *w);
    if (w == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to write a pack");
    w->file = PENDING_NONE;
    w->buffer = heap_alloc(BUFFER);
    if (w->buffer == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to write a pack");
    enum status st = pending_open(staging, 0400, &w->file, e);
    if (st != ST_OK)
        return st;
    pack_head_encode(w->buffer);
    w->held = PACK_HEAD;
    *out = pack_writer_take(&w);
    return ST_OK;
}

/* What every call begins with. */
static enum status usable(const struct pack_writer *w, struct err *e)
{
    if (w->failed == ST_OK)
        return ST_OK;
    return err_set(e, w->failed, "pack-poisoned",
                   "writing this pack failed before: nothing of it can be trusted");
}

/* Keeps a failure for good. */
static enum status poison(struct pack_writer *w, enum status st)
{
    if (st != ST_OK && w->failed == ST_OK)
        w->failed = st;
    return st;
}

static enum status write_out(struct pack_writer *w, struct span bytes, struct err *e)
{
    if (bytes.n == 0)
        return ST_OK;
    const bool large = bytes.n >= BUFFER;
    /* Blocks that are there spare the kernel to promise each page one: 40 % of its work. */
    enum status st = large ? io_reserve(w->file.fd, w->written + bytes.n, e) : ST_OK;
    if (st == ST_OK)
        st = io_write_at(w->file.fd, bytes, w->written, e);
    if (st != ST_OK)
        return poison(w, st);
    if (large) /* so that the seal finds little to wait for */
        io_write_behind(w->file.fd, w->written, bytes.n);
    w->written += bytes.n;
    return ST_OK;
}

static enum status flush(struct pack_writer *w, struct err *e)
{
    enum status st = write_out(w, SPAN(w->buffer, w->held), e);
    if (st == ST_OK)
        w->held = 0;
    return st;
}

static bool room_for_entry(struct pack_writer *w)
{
    if (w->count < w->room)
        return true;
    size_t room = w->room == 0 ? 64 : w->room * 2;
    struct pack_entry *grown = heap_grow(w->entries, room * sizeof *grown);
    if (grown == NULL)
        return false;
    w->entries = grown;
    w->room = room;
    return true;
}

/* Notes the records in `records`, which begins at `offset` of the file. */
static enum status note(struct pack_writer *w, struct span records, uint64_t offset, struct err *e)
{
    for (size_t at = 0; at < records.n;) {
        struct pack_record r;
        assert(records.n - at >= PACK_RECORD);
        enum status st = pack_record_decode(records.p + at, &r, e);
        assert(st == ST_OK && r.stored <= records.n - at - PACK_RECORD);
        if (!room_for_entry(w) || !digest_map_put(&w->index, &r.digest, (uint32_t)w->count))
            return poison(w, err_set(e, ST_NO_MEMORY, NULL, "no memory to list a pack's records"));
        w->entries[w->count++] = (struct pack_entry){.digest = r.digest,
                                                     .at = {.offset = offset + at,
                                                            .stored = r.stored,
                                                            .length = r.length,
                                                            .kind = (uint8_t)r.kind,
                                                            .encoding = (uint8_t)r.encoding}};
        w->chain = pack_chain(w->chain, records.p + at);
        at += PACK_RECORD + (size_t)r.stored;
    }
    return ST_OK;
}

enum status pack_append(struct pack_writer *w, struct span records, struct err *e)
{
    assert(!w->sealed);
    enum status st = usable(w, e);
    if (st != ST_OK)
        return st;
    st = note(w, records, w->written + w->held, e);
    if (st != ST_OK)
        return st;
    if (records.n > BUFFER - w->held) {
        st = flush(w, e);
        if (st == ST_OK && records.n >= BUFFER)
            return write_out(w, records, e);
        if (st != ST_OK)
            return st;
    }
    if (records.n > 0)
        memcpy(w->buffer + w->held, records.p, records.n);
    w->held += records.n;
    return ST_OK;
}

uint64_t pack_writer_bytes(const struct pack_writer *w)
{
    return w->written + w->held;
}

bool pack_writer_full(const struct pack_writer *w)
{
    return pack_writer_bytes(w) >= PACK_AIM || w->count >= PACK_RECORDS_MAX;
}

const struct pack_entry *pack_writer_entries(const struct pack_writer *w, size_t *count)
{
    *count = w->count;
    return w->entries;
}

const struct pack_entry *pack_writer_find(const struct pack_writer *w, const struct digest *d,
                                          enum pack_kind kind)
{
    uint32_t at;
    if (!digest_map_get(&w->index, d, &at))
        return NULL;
    /* The same bytes under another kind are rare: then look at every record. */
    for (size_t i = at + (size_t)1; i > 0; i--) {
        const struct pack_entry *entry = &w->entries[i - 1];
        if ((uint8_t)kind == entry->at.kind && digest_equal(&entry->digest, d))
            return entry;
    }
    return NULL;
}

enum status pack_writer_read(struct pack_writer *w, const struct pack_entry *entry, struct buf *out,
                             struct err *e)
{
    enum status st = usable(w, e);
    if (st == ST_OK)
        st = flush(w, e);
    if (st == ST_OK && w->codec == NULL)
        st = codec_open(&w->codec, e);
    if (st != ST_OK)
        return st;
    SCOPED(buf_release) struct buf record = BUF_EMPTY;
    size_t n = PACK_RECORD + (size_t)entry->at.stored, before = out->n;
    uint8_t *p = buf_space(&record, n), *space = buf_space(out, entry->at.length);
    if (p == NULL || (space == NULL && entry->at.length > 0))
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a record of %zu bytes", n);
    st = io_read_at(w->file.fd, p, n, entry->at.offset, e);
    if (st == ST_OK)
        st = pack_unpack(w->codec, SPAN(p, n), &entry->at, &entry->digest, space, e);
    if (st != ST_OK)
        out->n = before;
    return st;
}

enum status pack_seal(struct pack_writer *w, struct err *e)
{
    assert(!w->sealed);
    enum status st = usable(w, e);
    if (st != ST_OK)
        return st;
    struct pack_trailer trailer = {
        .records = (uint32_t)w->count, .bytes = pack_writer_bytes(w), .chain = w->chain};
    uint8_t bytes[PACK_TRAILER];
    pack_trailer_encode(&trailer, bytes);
    st = flush(w, e);
    if (st == ST_OK)
        st = write_out(w, SPAN(bytes, sizeof bytes), e);
    if (st == ST_OK)
        st = poison(w, io_sync_data(w->file.fd, e));
    w->sealed = st == ST_OK;
    return st;
}

enum status pack_publish(struct pack_writer *w, int packs, uint64_t id, struct err *e)
{
    assert(w->sealed);
    enum status st = usable(w, e);
    if (st != ST_OK)
        return st;
    char name[PACK_NAME];
    pack_name(id, name);
    st = pending_publish_to(&w->file, packs, name, e);
    if (st == ST_EXISTS)
        return st; /* the file is still ours: another id may be free */
    if (st != ST_OK)
        return poison(w, st);
    for (size_t i = 0; i < w->count; i++)
        w->entries[i].at.pack = id;
    return ST_OK;
}
