#include "store/chunker.h"
#include "store/ingest.h"
#include "tests/store/packs_support.h"

struct memory_sink {
    struct buf got;
};

static enum status keep(void *ctx, struct span bytes, struct err *e)
{
    (void)e;
    struct memory_sink *m = ctx;
    buf_append(&m->got, bytes);
    return buf_status(&m->got);
}

/* What the store gives back for the last stream is what went in. */
static void expect_back(struct yard *y, struct span bytes)
{
    struct memory_sink m = {BUF_EMPTY};
    struct err e = ERR_NONE;
    struct digest whole, expect = digest_of(bytes);
    cr_assert_eq(fetch_stream(y->packs, yard_plan(y), (struct sink){keep, &m}, NULL, &whole, &e),
                 ST_OK, "%s", e.detail);
    cr_expect(span_equal(buf_span(&m.got), bytes));
    cr_expect(digest_equal(&whole, &expect));
    buf_release(&m.got);
}

/* Random, floats of 2 and 4 bytes and text by turns. */
static uint8_t *mixed(size_t n, uint64_t seed)
{
    uint8_t *p = fresh(n);
    size_t part = 700001;
    for (size_t at = 0, turn = 0; at < n; at += part, turn++) {
        size_t k = n - at < part ? n - at : part;
        if (turn % 4 == 0)
            fill_random(p + at, k, seed + turn);
        else if (turn % 4 == 1)
            fill_floats(p + at, k, 2, seed + turn);
        else if (turn % 4 == 2)
            fill_floats(p + at, k, 4, seed + turn);
        else
            memset(p + at, (int)turn, k);
    }
    return p;
}

Test(ingest, streams_of_every_size_come_back)
{
    static const size_t sizes[] = {0,
                                   1,
                                   63,
                                   CHUNK_MIN - 1,
                                   CHUNK_MIN,
                                   CHUNK_MIN + 1,
                                   CHUNK_MAX - 1,
                                   CHUNK_MAX,
                                   CHUNK_MAX + 1,
                                   (2u << 20) + CHUNK_MAX - 1,
                                   (2u << 20) + CHUNK_MAX,
                                   (2u << 20) + CHUNK_MAX + 1,
                                   (30u << 20) + 12345};
    uint8_t *p = mixed(sizes[12], 1);
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct yard y;
        struct err e = ERR_NONE;
        struct ingest_result r;
        struct span bytes = SPAN(p, sizes[i]);
        struct digest whole = digest_of(bytes);
        yard_open(&y);
        cr_assert_eq(yard_add(&y, bytes, &r, &e), ST_OK, "%s", e.detail);
        cr_expect_eq(r.bytes, sizes[i]);
        cr_expect_eq(r.chunks, y.recipe_count);
        cr_expect_eq(r.healed, 0);
        cr_expect(digest_equal(&r.sha256, &whole));
        expect_back(&y, bytes);
        yard_close(&y);
    }
    heap_free(p);
}

Test(ingest, the_same_again_writes_nothing)
{
    size_t n = 9u << 20;
    uint8_t *p = mixed(n, 2);
    struct yard y;
    struct err e = ERR_NONE;
    struct ingest_result first, again;
    yard_open(&y);
    cr_assert_eq(yard_add(&y, SPAN(p, n), &first, &e), ST_OK);
    cr_expect(first.new_bytes > 0 && first.stored_bytes < first.new_bytes);
    uint64_t published = y.published;
    cr_assert_eq(yard_add(&y, SPAN(p, n), &again, &e), ST_OK);
    cr_expect_eq(again.new_bytes, 0);
    cr_expect_eq(again.stored_bytes, 0);
    cr_expect_eq(again.chunks, first.chunks);
    cr_expect_eq(y.published, published);
    expect_back(&y, SPAN(p, n));
    yard_close(&y);
    heap_free(p);
}

Test(ingest, a_stream_that_repeats_itself_is_stored_once)
{
    size_t half = 6u << 20;
    uint8_t *p = fresh(2 * half);
    fill_random(p, half, 3);
    memcpy(p + half, p, half);
    struct yard y;
    struct err e = ERR_NONE;
    struct ingest_result r;
    yard_open(&y);
    cr_assert_eq(yard_add(&y, SPAN(p, 2 * half), &r, &e), ST_OK);
    cr_expect(r.new_bytes < half + 4 * CHUNK_MAX, "%llu", (unsigned long long)r.new_bytes);
    expect_back(&y, SPAN(p, 2 * half));
    yard_close(&y);
    heap_free(p);
}

Test(ingest, several_packs_fill_and_are_handed_over)
{
    size_t n = 130u << 20;
    uint8_t *p = fresh(n);
    fill_random(p, n, 4);
    struct yard y;
    struct err e = ERR_NONE;
    struct ingest_result r;
    yard_open(&y);
    cr_assert_eq(yard_add(&y, SPAN(p, n), &r, &e), ST_OK);
    cr_expect_geq(y.published, 3);
    expect_back(&y, SPAN(p, n));
    yard_close(&y);
    heap_free(p);
}

static enum status sealed_fails(void *ctx, struct pack_writer *pack, struct err *e)
{
    struct yard *y = ctx;
    (void)pack;
    y->published++;
    return err_set(e, ST_IO, "test-sealed", "the disk broke");
}

Test(ingest, behind_a_pack_that_could_not_be_published_none_is_and_nothing_is_acknowledged)
{
    size_t n = 110u << 20;
    uint8_t *p = fresh(n);
    fill_random(p, n, 14);
    struct yard y;
    struct err e = ERR_NONE;
    struct ingest_result r;
    yard_open(&y);
    const struct ingest_calls calls = {
        .find = yard_find, .sealed = sealed_fails, .chunk = yard_chunk, .ctx = &y};
    struct memory_source m = {SPAN(p, n), 0};
    cr_assert_eq(ingest_open(y.staging, y.packs, &calls, &y.ingest, &e), ST_OK);
    cr_expect_eq(ingest_content(y.ingest, (struct source){memory_read, &m}, NULL, &r, &e), ST_IO);
    cr_expect_str_eq(err_code(&e), "test-sealed");
    cr_expect_eq(y.published, 1, "%llu packs were tried", (unsigned long long)y.published);
    cr_expect_eq(ingest_flush(y.ingest, &e), ST_IO);
    cr_expect_str_eq(err_code(&e), "ingest-poisoned");
    ingest_close(y.ingest);
    y.ingest = NULL;
    char path[100];
    text_fmt(path, sizeof path, "%s/staging", y.path);
    cr_expect_eq(rmdir(path), 0, "staging is empty");
    yard_close(&y);
    heap_free(p);
}

Test(ingest, adding_again_heals_a_damaged_chunk)
{
    size_t n = 5u << 20;
    uint8_t *p = mixed(n, 5);
    struct yard y;
    struct err e = ERR_NONE;
    struct ingest_result r;
    yard_open(&y);
    cr_assert_eq(yard_add(&y, SPAN(p, n), &r, &e), ST_OK);
    struct pack_location hurt = y.entries[3].at;
    flip(&y, hurt.pack, hurt.offset + PACK_RECORD + 10, 2);
    struct memory_sink m = {BUF_EMPTY};
    cr_assert_eq(fetch_stream(y.packs, yard_plan(&y), (struct sink){keep, &m}, NULL, NULL, &e),
                 ST_CORRUPT);
    cr_expect(m.got.n == 0 || memcmp(m.got.p, p, m.got.n) == 0, "only right bytes came out");
    buf_release(&m.got);
    e = ERR_NONE;
    cr_assert_eq(yard_add(&y, SPAN(p, n), &r, &e), ST_OK);
    cr_expect_eq(r.healed, 1);
    cr_expect_eq(r.new_bytes, hurt.length);
    expect_back(&y, SPAN(p, n));
    cr_assert_eq(yard_add(&y, SPAN(p, n), &r, &e), ST_OK);
    cr_expect_eq(r.healed, 0);
    yard_close(&y);
    heap_free(p);
}

Test(ingest, chunks_of_a_lost_pack_are_written_again)
{
    size_t n = 2u << 20;
    uint8_t *p = mixed(n, 6);
    struct yard y;
    struct err e = ERR_NONE;
    struct ingest_result r;
    yard_open(&y);
    cr_assert_eq(yard_add(&y, SPAN(p, n), &r, &e), ST_OK);
    cr_assert_eq(unlinkat(y.packs, "0000000000000001.pack", 0), 0);
    cr_assert_eq(yard_add(&y, SPAN(p, n), &r, &e), ST_OK);
    cr_expect_eq(r.new_bytes + 0, r.bytes - (r.bytes - r.new_bytes));
    cr_expect_gt(r.healed, 0);
    expect_back(&y, SPAN(p, n));
    yard_close(&y);
    heap_free(p);
}

Test(ingest, records_are_readable_before_and_after_the_flush)
{
    struct yard y;
    struct err e = ERR_NONE;
    struct digest d, again;
    yard_open(&y);
    cr_assert_eq(yard_ingest_open(&y, &e), ST_OK);
    cr_assert_eq(ingest_record(y.ingest, PACK_DOCUMENT, span_text("a document"), &d, &e), ST_OK);
    cr_assert_eq(ingest_record(y.ingest, PACK_DOCUMENT, span_text("a document"), &again, &e),
                 ST_OK);
    cr_expect(digest_equal(&d, &again));
    for (unsigned i = 0; i < 2; i++) {
        SCOPED(buf_release) struct buf out = BUF_EMPTY;
        cr_assert_eq(ingest_read(y.ingest, PACK_DOCUMENT, &d, &out, &e), ST_OK);
        cr_expect(span_equal(buf_span(&out), span_text("a document")));
        cr_expect_eq(ingest_read(y.ingest, PACK_CHUNK, &d, &out, &e), ST_NOT_FOUND);
        e = ERR_NONE;
        cr_assert_eq(ingest_flush(y.ingest, &e), ST_OK);
    }
    cr_expect_eq(y.count, 1, "written once");
    cr_expect_eq(y.published, 1, "an empty flush makes no pack");
    yard_close(&y);
}

Test(ingest, a_large_document_comes_back)
{
    size_t n = CODEC_LENGTH_MAX;
    uint8_t *p = fresh(n + 1);
    memset(p, 'd', n + 1);
    struct yard y;
    struct err e = ERR_NONE;
    struct digest d;
    yard_open(&y);
    cr_assert_eq(yard_ingest_open(&y, &e), ST_OK);
    cr_assert_eq(ingest_record(y.ingest, PACK_DOCUMENT, SPAN(p, n), &d, &e), ST_OK);
    SCOPED(buf_release) struct buf out = BUF_EMPTY;
    cr_assert_eq(ingest_read(y.ingest, PACK_DOCUMENT, &d, &out, &e), ST_OK);
    cr_expect(span_equal(buf_span(&out), SPAN(p, n)));
    cr_expect_eq(ingest_record(y.ingest, PACK_DOCUMENT, SPAN(p, n + 1), &d, &e), ST_INVALID_LENGTH);
    heap_free(p);
    yard_close(&y);
}

static enum status read_fails(void *ctx, uint8_t *p, size_t cap, size_t *got, struct err *e)
{
    struct memory_source *m = ctx;
    if (m->left.n == 0)
        return err_set(e, ST_IO, "test-read", "the source broke");
    return memory_read(m, p, cap, got, e);
}

Test(ingest, a_source_that_breaks_poisons_and_leaves_nothing)
{
    size_t n = 20u << 20;
    uint8_t *p = mixed(n, 8);
    struct yard y;
    struct err e = ERR_NONE;
    struct ingest_result r;
    yard_open(&y);
    struct memory_source m = {SPAN(p, n), 0};
    cr_assert_eq(yard_ingest_open(&y, &e), ST_OK);
    cr_expect_eq(ingest_content(y.ingest, (struct source){read_fails, &m}, NULL, &r, &e), ST_IO);
    cr_expect_str_eq(err_code(&e), "test-read");
    e = ERR_NONE;
    cr_expect_eq(ingest_flush(y.ingest, &e), ST_IO);
    cr_expect_str_eq(err_code(&e), "ingest-poisoned");
    ingest_close(y.ingest);
    y.ingest = NULL;
    cr_expect_eq(y.published, 0);
    char path[100];
    text_fmt(path, sizeof path, "%s/staging", y.path);
    cr_expect_eq(rmdir(path), 0, "staging is empty");
    yard_close(&y);
    heap_free(p);
}

struct fault {
    const char *call;
    _Atomic uint64_t calls;
    uint64_t at;
    int sys;
};

static int fail_nth(void *ctx, const char *call, const char *path, int fd, uint64_t bytes)
{
    (void)path, (void)fd, (void)bytes;
    struct fault *f = ctx;
    if (strcmp(call, f->call) != 0)
        return 0;
    return ++f->calls == f->at ? f->sys : 0;
}

Test(ingest, whichever_write_or_sync_fails_the_add_fails_and_the_next_one_succeeds)
{
    static const char *const calls[] = {"pwrite", "fdatasync", "fsync", "rename"};
    size_t n = 20u << 20;
    uint8_t *p = mixed(n, 9);
    struct yard y;
    struct ingest_result r;
    unsigned injected = 0;
    yard_open(&y);
    for (unsigned kind = 0; kind < 4; kind++) {
        for (uint64_t at = 1; at <= 8; at++) {
            struct fault f = {.call = calls[kind], .at = at, .sys = 28};
            struct err e = ERR_NONE;
            io_watch(fail_nth, &f);
            enum status st = yard_add(&y, SPAN(p, n), &r, &e);
            io_watch(NULL, NULL);
            if (f.calls >= at) {
                injected++;
                cr_expect_neq(st, ST_OK, "%s %u", calls[kind], (unsigned)at);
                cr_expect_eq(y.count, 0);
            } else {
                cr_expect_eq(st, ST_OK, "%s", e.detail);
            }
            /* A folder's sync that fails leaves an unacknowledged pack behind, as a crash there
             * would. */
            y.published += st != ST_OK && kind == 2 ? 1 : 0;
            if (st == ST_OK)
                break;
        }
        digest_map_release(&y.map);
        y.count = 0;
    }
    cr_expect_geq(injected, 8, "%u faults", injected);
    struct err e = ERR_NONE;
    cr_assert_eq(yard_add(&y, SPAN(p, n), &r, &e), ST_OK, "%s", e.detail);
    expect_back(&y, SPAN(p, n));
    yard_close(&y);
    heap_free(p);
}

Test(ingest, many_small_streams_share_a_pack)
{
    struct yard y;
    struct err e = ERR_NONE;
    yard_open(&y);
    cr_assert_eq(yard_ingest_open(&y, &e), ST_OK);
    for (uint32_t i = 0; i < 1000; i++) {
        uint32_t text[3] = {i, i * i, 7};
        struct memory_source m = {SPAN(text, sizeof text), 0};
        struct ingest_result r;
        cr_assert_eq(ingest_content(y.ingest, (struct source){memory_read, &m}, NULL, &r, &e),
                     ST_OK);
        cr_expect(r.chunks == 1 && r.new_bytes == sizeof text);
    }
    cr_assert_eq(ingest_flush(y.ingest, &e), ST_OK);
    cr_expect_eq(y.published, 1);
    cr_expect_eq(y.count, 1000);
    yard_close(&y);
}

/* "Tensors" of these lengths one behind the other; the offsets go to `cuts`. */
static size_t tensors(uint8_t *p, size_t front, const size_t *lengths, size_t count, uint64_t *cuts)
{
    size_t at = front;
    fill_random(p, front, 100 + front);
    for (size_t i = 0; i < count; i++) {
        cuts[i] = at;
        fill_random(p + at, lengths[i], i + 1);
        at += lengths[i];
    }
    cuts[count] = at;
    return at;
}

Test(ingest, equal_tensors_are_equal_chunks_whatever_stands_before_them)
{
    static const size_t lengths[] = {300000, 9000000, 50000, 70000, 4000000, 123457};
    enum { COUNT = sizeof lengths / sizeof *lengths, ROOM = 14 << 20 };
    struct yard y;
    struct err e = ERR_NONE;
    struct ingest_result r;
    uint64_t cuts[COUNT + 1];
    uint8_t *p = fresh(ROOM);
    yard_open(&y);
    size_t n = tensors(p, 1000, lengths, COUNT, cuts);
    y.cuts = cuts;
    y.cut_count = COUNT + 1;
    cr_assert_eq(yard_add(&y, SPAN(p, n), &r, &e), ST_OK, "%s", e.detail);
    n = tensors(p, 77777, lengths, COUNT, cuts);
    cr_assert_eq(yard_add(&y, SPAN(p, n), &r, &e), ST_OK, "%s", e.detail);
    cr_expect_eq(r.new_bytes, 77777, "%llu bytes are new", (unsigned long long)r.new_bytes);
    heap_free(p);
    yard_close(&y);
}

Test(ingest, bad_advice_costs_nothing_but_space)
{
    enum { ROOM = 12 << 20, MANY = 100000 };
    struct yard y;
    struct err e = ERR_NONE;
    struct ingest_result r;
    uint8_t *p = fresh(ROOM);
    uint64_t *cuts = heap_alloc(MANY * sizeof *cuts);
    cr_assert_not_null(cuts);
    fill_random(p, ROOM, 5);
    for (unsigned kind = 0; kind < 3; kind++) {
        for (size_t i = 0; i < MANY; i++)
            cuts[i] = kind == 0 ? i : kind == 1 ? MANY - i : UINT64_MAX - i;
        yard_open(&y);
        y.cuts = cuts;
        y.cut_count = MANY;
        cr_assert_eq(yard_add(&y, SPAN(p, ROOM), &r, &e), ST_OK, "%s", e.detail);
        struct digest whole = digest_of(SPAN(p, ROOM));
        cr_expect(digest_equal(&r.sha256, &whole));
        cr_expect_eq(r.bytes, ROOM);
        yard_close(&y);
    }
    heap_free(cuts);
    heap_free(p);
}
