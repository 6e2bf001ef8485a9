#include "store/pack.h"
#include "tests/store/packs_support.h"

#define RECORDS 5

/* A published pack 1 with one record of each encoding and an empty document; its bytes by number.
 */
struct sample {
    struct yard yard;
    struct span bytes[RECORDS];
    uint64_t size; /* of the file */
};

static void sample_open(struct sample *s)
{
    static const size_t lengths[RECORDS] = {300, 9000, 9000, 9000, 0};
    static const enum pack_kind kinds[RECORDS] = {PACK_CHUNK, PACK_CHUNK, PACK_RECIPE_PAGE,
                                                  PACK_RECIPE_ROOT, PACK_DOCUMENT};
    struct err e = ERR_NONE;
    yard_open(&s->yard);
    cr_assert_eq(yard_ingest_open(&s->yard, &e), ST_OK);
    for (unsigned i = 0; i < RECORDS; i++) {
        uint8_t *p = fresh(lengths[i]);
        if (i == 1)
            memset(p, 'x', lengths[i]);
        else
            fill_floats(p, lengths[i], i < 1 ? 1 : 2 * (i - 1), i);
        if (i == 0)
            fill_random(p, lengths[i], 99);
        s->bytes[i] = SPAN(p, lengths[i]);
        struct digest d;
        cr_assert_eq(ingest_record(s->yard.ingest, kinds[i], s->bytes[i], &d, &e), ST_OK);
    }
    cr_assert_eq(ingest_flush(s->yard.ingest, &e), ST_OK);
    cr_assert_eq(s->yard.count, RECORDS);
    const struct pack_location *last = &s->yard.entries[RECORDS - 1].at;
    s->size = last->offset + PACK_RECORD + last->stored + PACK_TRAILER;
}

static void sample_close(struct sample *s)
{
    for (unsigned i = 0; i < RECORDS; i++)
        heap_free((void *)(uintptr_t)s->bytes[i].p);
    yard_close(&s->yard);
}

struct seen {
    unsigned records, damages;
    const char *code; /* of the first damage */
    uint64_t offset;
    struct fetch_item items[RECORDS];
};

static void walk(const struct yard *y, uint64_t pack, struct seen *out)
{
    SCOPED(pack_walk_scope) struct pack_walk *w = NULL;
    struct err e = ERR_NONE;
    *out = (struct seen){0};
    cr_assert_eq(pack_walk_open(y->packs, pack, &w, &e), ST_OK, "%s", e.detail);
    for (;;) {
        enum pack_step step;
        struct pack_entry entry;
        struct err damage;
        cr_assert_eq(pack_walk_next(w, &step, &entry, &damage, &e), ST_OK);
        if (step == PACK_STEP_END)
            return;
        if (step == PACK_STEP_RECORD) {
            cr_assert_lt(out->records, RECORDS);
            out->items[out->records++].entry = entry;
        } else if (out->damages++ == 0) {
            out->code = damage.code;
            out->offset = damage.offset;
            cr_expect(strncmp(damage.subject, "pack 00", 7) == 0);
        }
    }
}

/* Is the pack without a defect, headers and payloads? */
static bool sound(struct yard *y, uint64_t pack)
{
    struct seen seen;
    walk(y, pack, &seen);
    SCOPED(pack_set_scope) struct pack_set *set = NULL;
    struct err e = ERR_NONE;
    cr_assert_eq(pack_set_open(y->packs, &set, &e), ST_OK);
    bool good = seen.damages == 0;
    for (unsigned i = 0; i < seen.records; i++) {
        SCOPED(buf_release) struct buf out = BUF_EMPTY;
        const struct pack_entry *entry = &seen.items[i].entry;
        enum status st = pack_read_buf(set, &entry->at, &entry->digest, &out, &e);
        cr_assert(st == ST_OK || st == ST_CORRUPT);
        struct digest d = digest_of(buf_span(&out));
        cr_assert(st != ST_OK || digest_equal(&d, &entry->digest), "wrong bytes were handed out");
        good = good && st == ST_OK;
    }
    return good;
}

Test(pack, every_record_comes_back_by_its_place)
{
    struct sample s;
    sample_open(&s);
    SCOPED(pack_set_scope) struct pack_set *set = NULL;
    struct err e = ERR_NONE;
    cr_assert_eq(pack_set_open(s.yard.packs, &set, &e), ST_OK);
    static const enum encoding encodings[] = {ENCODING_RAW, ENCODING_ZSTD, ENCODING_PLANES2,
                                              ENCODING_PLANES4, ENCODING_RAW};
    for (unsigned i = 0; i < RECORDS; i++) {
        SCOPED(buf_release) struct buf out = BUF_EMPTY;
        const struct pack_entry *entry = &s.yard.entries[i];
        cr_expect_eq(entry->at.encoding, encodings[i], "record %u", i);
        cr_assert_eq(pack_read_buf(set, &entry->at, &entry->digest, &out, &e), ST_OK, "%s",
                     e.detail);
        cr_expect(span_equal(buf_span(&out), s.bytes[i]));
    }
    sample_close(&s);
}

static bool same_place(const struct pack_location *a, const struct pack_location *b)
{
    return a->pack == b->pack && a->offset == b->offset && a->stored == b->stored &&
           a->length == b->length && a->kind == b->kind && a->encoding == b->encoding;
}

Test(pack, a_walk_meets_every_record)
{
    struct sample s;
    struct seen seen;
    sample_open(&s);
    walk(&s.yard, 1, &seen);
    cr_expect(seen.records == RECORDS && seen.damages == 0);
    for (unsigned i = 0; i < seen.records; i++)
        cr_expect(same_place(&seen.items[i].entry.at, &s.yard.entries[i].at));
    sample_close(&s);
}

Test(pack, every_flipped_bit_is_found)
{
    struct sample s;
    sample_open(&s);
    cr_assert(sound(&s.yard, 1));
    for (uint64_t at = 0; at < s.size; at++) {
        /* Every bit of what is not payload, one bit a byte of payload. */
        bool header = at < PACK_HEAD + PACK_RECORD || at >= s.size - PACK_TRAILER - PACK_RECORD;
        for (unsigned bit = header ? 0 : (unsigned)(at % 8); bit < 8; bit += header ? 1 : 8) {
            flip(&s.yard, 1, at, bit);
            cr_assert(!sound(&s.yard, 1), "bit %u of byte %llu", bit, (unsigned long long)at);
            flip(&s.yard, 1, at, bit);
        }
    }
    cr_assert(sound(&s.yard, 1));
    sample_close(&s);
}

Test(pack, a_walk_goes_on_behind_a_damaged_header)
{
    struct sample s;
    struct seen seen;
    sample_open(&s);
    uint64_t second = s.yard.entries[1].at.offset;
    flip(&s.yard, 1, second + 20, 3);
    walk(&s.yard, 1, &seen);
    cr_expect_eq(seen.records, RECORDS - 1);
    cr_expect_eq(seen.damages, 1);
    cr_expect_str_eq(seen.code, "pack-record-check");
    cr_expect_eq(seen.offset, second + 56);
    sample_close(&s);
}

Test(pack, a_pack_cut_at_any_length_is_damaged)
{
    struct sample s;
    struct seen seen;
    sample_open(&s);
    cr_assert_eq(fchmodat(s.yard.packs, "0000000000000001.pack", 0600, 0), 0);
    int fd = openat(s.yard.packs, "0000000000000001.pack", O_RDWR);
    for (uint64_t size = s.size; size-- > 0;) {
        cr_assert_eq(ftruncate(fd, (off_t)size), 0);
        walk(&s.yard, 1, &seen);
        cr_assert_gt(seen.damages, 0, "%llu bytes", (unsigned long long)size);
    }
    close(fd);
    sample_close(&s);
}

Test(pack, a_pack_that_was_lengthened_is_damaged)
{
    struct sample s;
    struct seen seen;
    sample_open(&s);
    cr_assert_eq(fchmodat(s.yard.packs, "0000000000000001.pack", 0600, 0), 0);
    int fd = openat(s.yard.packs, "0000000000000001.pack", O_RDWR | O_APPEND);
    cr_assert_eq(write(fd, "more", 4), 4);
    close(fd);
    walk(&s.yard, 1, &seen);
    cr_expect_gt(seen.damages, 0);
    cr_expect_eq(seen.records, RECORDS, "what is sound is still found");
    sample_close(&s);
}

Test(pack, a_record_taken_out_is_missed)
{
    struct sample s;
    struct seen seen;
    uint8_t bytes[64 << 10];
    sample_open(&s);
    cr_assert_eq(fchmodat(s.yard.packs, "0000000000000001.pack", 0600, 0), 0);
    int fd = openat(s.yard.packs, "0000000000000001.pack", O_RDWR);
    cr_assert_eq(pread(fd, bytes, sizeof bytes, 0), (ssize_t)s.size);
    /* Splice record 2 out, and write a trailer that counts right for its place, but not for the
     * chain. */
    uint64_t from = s.yard.entries[3].at.offset, to = s.yard.entries[2].at.offset;
    memmove(bytes + to, bytes + from, s.size - from);
    uint64_t size = s.size - (from - to);
    struct pack_trailer t;
    struct err e = ERR_NONE;
    cr_assert_eq(pack_trailer_decode(bytes + size - PACK_TRAILER, &t, &e), ST_OK);
    t.bytes = size - PACK_TRAILER;
    t.records--;
    pack_trailer_encode(&t, bytes + size - PACK_TRAILER);
    cr_assert_eq(pwrite(fd, bytes, size, 0), (ssize_t)size);
    cr_assert_eq(ftruncate(fd, (off_t)size), 0);
    close(fd);
    walk(&s.yard, 1, &seen);
    cr_expect(seen.records == RECORDS - 1 && seen.damages == 1);
    cr_expect_str_eq(seen.code, "pack-chain");
    sample_close(&s);
}

Test(pack, a_trailer_made_for_another_place_is_refused)
{
    struct sample s;
    struct seen seen;
    uint8_t bytes[PACK_TRAILER];
    struct pack_trailer t;
    struct err e = ERR_NONE;
    sample_open(&s);
    cr_assert_eq(fchmodat(s.yard.packs, "0000000000000001.pack", 0600, 0), 0);
    int fd = openat(s.yard.packs, "0000000000000001.pack", O_RDWR);
    off_t at = (off_t)(s.size - PACK_TRAILER);
    cr_assert_eq(pread(fd, bytes, sizeof bytes, at), PACK_TRAILER);
    cr_assert_eq(pack_trailer_decode(bytes, &t, &e), ST_OK);
    t.bytes++;
    pack_trailer_encode(&t, bytes);
    cr_assert_eq(pwrite(fd, bytes, sizeof bytes, at), PACK_TRAILER);
    close(fd);
    walk(&s.yard, 1, &seen);
    cr_expect_eq(seen.damages, 1);
    cr_expect_str_eq(seen.code, "pack-trailer-place");
    sample_close(&s);
}

Test(pack, a_foreign_file_is_no_pack)
{
    struct yard y;
    struct seen seen;
    uint8_t noise[5000];
    yard_open(&y);
    fill_random(noise, sizeof noise, 4);
    int fd = openat(y.packs, "0000000000000007.pack", O_RDWR | O_CREAT, 0600);
    cr_assert_eq(write(fd, noise, sizeof noise), sizeof noise);
    close(fd);
    walk(&y, 7, &seen);
    cr_expect(seen.records == 0 && seen.damages >= 2);
    cr_expect_str_eq(seen.code, "pack-magic");
    yard_close(&y);
}

Test(pack, a_wrong_place_or_digest_is_refused)
{
    struct sample s;
    sample_open(&s);
    SCOPED(pack_set_scope) struct pack_set *set = NULL;
    struct err e = ERR_NONE;
    uint8_t out[70000];
    cr_assert_eq(pack_set_open(s.yard.packs, &set, &e), ST_OK);
    struct pack_entry a = s.yard.entries[2], b = s.yard.entries[3];
    cr_expect_eq(pack_read(set, &a.at, &b.digest, out, &e), ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "pack-place");
    cr_expect_str_eq(e.subject, "pack 0000000000000001");
    cr_expect_eq(e.offset, a.at.offset);
    e = ERR_NONE;
    struct pack_location at = a.at;
    at.offset++;
    cr_expect_eq(pack_read(set, &at, &a.digest, out, &e), ST_CORRUPT);
    at = a.at;
    at.length = at.stored = UINT32_MAX;
    cr_expect_eq(pack_read(set, &at, &a.digest, out, &e), ST_CORRUPT);
    at = a.at;
    at.offset = s.size + 1000;
    e = ERR_NONE;
    cr_expect_eq(pack_read(set, &at, &a.digest, out, &e), ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "short-read");
    at = a.at;
    at.pack = 99;
    e = ERR_NONE;
    cr_expect_eq(pack_read(set, &at, &a.digest, out, &e), ST_NOT_FOUND);
    cr_expect_str_eq(err_code(&e), "pack-gone");
    sample_close(&s);
}

Test(pack, what_the_index_says_of_a_record_is_what_its_header_says)
{
    static const char *const words[] = {"length", "kind", "kind", "stored as"};
    for (unsigned i = 0; i < 4; i++) {
        struct sample s;
        sample_open(&s);
        SCOPED(pack_set_scope) struct pack_set *set = NULL;
        SCOPED(buf_release) struct buf out = BUF_EMPTY;
        struct err e = ERR_NONE;
        struct pack_entry entry = s.yard.entries[1];
        cr_assert_eq(pack_set_open(s.yard.packs, &set, &e), ST_OK);
        if (i == 0)
            entry.at.length += 1;
        else if (i == 1)
            entry.at.kind = PACK_DOCUMENT;
        else if (i == 2)
            entry.at.encoding = ENCODING_PLANES2;
        else
            entry.at.length = UINT32_MAX;
        cr_expect_eq(pack_read_buf(set, &entry.at, &entry.digest, &out, &e), ST_CORRUPT);
        cr_expect_str_eq(err_code(&e), "pack-place");
        cr_expect_not_null(strstr(e.detail, words[i]), "%u: %s", i, e.detail);
        cr_expect_str_eq(e.subject, "pack 0000000000000001");
        cr_expect_eq(out.n, 0);
        sample_close(&s);
    }
}

Test(pack, compare_tells_equal_bytes_from_others)
{
    struct sample s;
    sample_open(&s);
    SCOPED(pack_set_scope) struct pack_set *set = NULL;
    struct err e = ERR_NONE;
    uint8_t scratch[9000];
    cr_assert_eq(pack_set_open(s.yard.packs, &set, &e), ST_OK);
    for (unsigned i = 0; i < RECORDS; i++)
        cr_expect_eq(pack_compare(set, &s.yard.entries[i], s.bytes[i], scratch, &e), ST_OK);
    cr_expect_eq(pack_compare(set, &s.yard.entries[2], s.bytes[3], scratch, &e), ST_CORRUPT);
    memset(scratch, 7, sizeof scratch);
    cr_expect_eq(pack_compare(set, &s.yard.entries[2], SPAN(s.bytes[2].p, 8999), scratch, &e),
                 ST_CORRUPT);
    cr_expect_eq(scratch[8999], 7, "scratch has room for 8999 bytes");
    sample_close(&s);
}

Test(pack, many_packs_are_read_with_few_descriptors)
{
    struct yard y;
    struct err e = ERR_NONE;
    yard_open(&y);
    cr_assert_eq(yard_ingest_open(&y, &e), ST_OK);
    for (uint32_t i = 0; i < 40; i++) {
        struct digest d;
        cr_assert_eq(ingest_record(y.ingest, PACK_DOCUMENT, SPAN(&i, sizeof i), &d, &e), ST_OK);
        cr_assert_eq(ingest_flush(y.ingest, &e), ST_OK);
    }
    cr_assert_eq(y.published, 40);
    SCOPED(pack_set_scope) struct pack_set *set = NULL;
    cr_assert_eq(pack_set_open(y.packs, &set, &e), ST_OK);
    for (unsigned round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 40; i++) {
            uint32_t out = 0;
            const struct pack_entry *entry = &y.entries[i];
            cr_assert_eq(pack_read(set, &entry->at, &entry->digest, (uint8_t *)&out, &e), ST_OK);
            cr_expect_eq(out, i);
        }
    }
    yard_close(&y);
}

Test(pack, more_bytes_than_a_pack_may_have_are_not_walked)
{
    struct yard y;
    struct err e = ERR_NONE;
    struct pack_walk *w = NULL;
    yard_open(&y);
    int fd = openat(y.packs, "0000000000000003.pack", O_RDWR | O_CREAT, 0600);
    cr_assert_eq(ftruncate(fd, (off_t)PACK_BYTES_MAX + 1), 0);
    close(fd);
    cr_expect_eq(pack_walk_open(y.packs, 3, &w, &e), ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "pack-size");
    yard_close(&y);
}

Test(pack, bytes_of_another_number_than_the_place_says_are_no_record)
{
    struct sample s;
    struct err e = ERR_NONE;
    struct codec *c = NULL;
    struct span bytes;
    uint8_t record[PACK_RECORD + 400], out[400];
    sample_open(&s);
    const struct pack_entry *first = &s.yard.entries[0];
    const size_t n = PACK_RECORD + (size_t)first->at.stored;
    SCOPED(fd_release) int fd = openat(s.yard.packs, "0000000000000001.pack", O_RDONLY);
    cr_assert_eq(pread(fd, record, sizeof record, (off_t)first->at.offset), sizeof record);
    cr_assert_eq(codec_open(&c, &e), ST_OK);
    cr_assert_eq(pack_decode(c, SPAN(record, n), &first->at, &first->digest, out, &bytes, &e),
                 ST_OK);
    for (size_t cut = 0; cut < 3; cut++) {
        static const size_t lengths[] = {10, PACK_RECORD + 299, PACK_RECORD + 301};
        e = ERR_NONE;
        cr_expect_eq(
            pack_decode(c, SPAN(record, lengths[cut]), &first->at, &first->digest, out, &bytes, &e),
            ST_CORRUPT);
        cr_expect_str_eq(err_code(&e), "pack-record-short");
    }
    codec_close(c);
    sample_close(&s);
}
