#include "base/hash64.h"
#include "store/pack_writer.h"
#include "tests/store/packs_support.h"

/* Fails the n-th mutating call, and from then on all. */
struct fault {
    uint64_t calls, at;
    int sys;
    bool sticky;
    unsigned injected;
};

static int fail_nth(void *ctx, const char *call, const char *path, int fd, uint64_t bytes)
{
    (void)path, (void)fd, (void)bytes;
    struct fault *f = ctx;
    if (strcmp(call, "pwrite") != 0 && strcmp(call, "fdatasync") != 0 &&
        strcmp(call, "fsync") != 0 && strcmp(call, "rename") != 0 && strcmp(call, "open") != 0)
        return 0;
    f->calls++;
    if (f->calls == f->at || (f->sticky && f->calls > f->at)) {
        f->injected++;
        return f->sys;
    }
    return 0;
}

static enum status count_name(void *ctx, const char *name, struct err *e)
{
    (void)name, (void)e;
    ++*(unsigned *)ctx;
    return ST_OK;
}

static unsigned names_in(int dir)
{
    struct err e = ERR_NONE;
    unsigned n = 0;
    cr_assert_eq(folder_each(dir, ".", count_name, &n, &e), ST_OK);
    return n;
}

static size_t make(struct span bytes, uint8_t *out)
{
    struct pack_record r = {.kind = PACK_CHUNK,
                            .encoding = ENCODING_RAW,
                            .stored = (uint32_t)bytes.n,
                            .length = (uint32_t)bytes.n,
                            .digest = digest_of(bytes),
                            .check = hash64(bytes, 0)};
    pack_record_encode(&r, out);
    memcpy(out + PACK_RECORD, bytes.p, bytes.n);
    return PACK_RECORD + bytes.n;
}

/* Writes and publishes pack 1 with three records, one of them longer than the buffer. */
static enum status write_pack(struct yard *y, struct err *e)
{
    static uint8_t data[2 << 20], record[(2 << 20) + PACK_RECORD];
    fill_random(data, sizeof data, 1);
    SCOPED(pack_writer_scope) struct pack_writer *w = NULL;
    enum status st = pack_writer_open(y->staging, &w, e);
    for (size_t n = 1000; st == ST_OK && n <= sizeof data; n = n == 1000 ? sizeof data : n + 1)
        st = pack_append(w, SPAN(record, make(SPAN(data, n), record)), e);
    if (st == ST_OK)
        st = pack_append(w, SPAN(record, make(SPAN(data, 7), record)), e);
    if (st == ST_OK)
        st = pack_seal(w, e);
    return st == ST_OK ? pack_publish(w, y->packs, 1, e) : st;
}

Test(pack_writer, a_pack_appears_only_when_it_is_published)
{
    struct yard y;
    struct err e = ERR_NONE;
    uint8_t record[200];
    yard_open(&y);
    struct pack_writer *w = NULL;
    cr_assert_eq(pack_writer_open(y.staging, &w, &e), ST_OK);
    cr_assert_eq(pack_append(w, SPAN(record, make(span_text("hello"), record)), &e), ST_OK);
    cr_assert_eq(pack_seal(w, &e), ST_OK);
    cr_expect_eq(names_in(y.packs), 0);
    cr_expect_eq(names_in(y.staging), 1);
    cr_assert_eq(pack_publish(w, y.packs, 3, &e), ST_OK);
    size_t count;
    const struct pack_entry *entries = pack_writer_entries(w, &count);
    cr_expect(count == 1 && entries[0].at.pack == 3 && entries[0].at.offset == PACK_HEAD);
    pack_writer_close(w);
    cr_expect_eq(names_in(y.packs), 1);
    cr_expect_eq(names_in(y.staging), 0);
    yard_close(&y);
}

Test(pack_writer, a_taken_id_leaves_room_for_another)
{
    struct yard y;
    struct err e = ERR_NONE;
    yard_open(&y);
    cr_assert_eq(write_pack(&y, &e), ST_OK);
    struct pack_writer *w = NULL;
    cr_assert_eq(pack_writer_open(y.staging, &w, &e), ST_OK);
    cr_assert_eq(pack_seal(w, &e), ST_OK);
    cr_expect_eq(pack_publish(w, y.packs, 1, &e), ST_EXISTS);
    e = ERR_NONE;
    cr_expect_eq(pack_publish(w, y.packs, 2, &e), ST_OK);
    pack_writer_close(w);
    cr_expect_eq(names_in(y.packs), 2);
    yard_close(&y);
}

Test(pack_writer, closing_unpublished_removes_the_file)
{
    struct yard y;
    struct err e = ERR_NONE;
    yard_open(&y);
    struct pack_writer *w = NULL;
    cr_assert_eq(pack_writer_open(y.staging, &w, &e), ST_OK);
    pack_writer_close(w);
    cr_expect_eq(names_in(y.staging), 0);
    yard_close(&y);
}

Test(pack_writer, records_are_found_and_read_back_before_publishing)
{
    struct yard y;
    struct err e = ERR_NONE;
    uint8_t record[200];
    yard_open(&y);
    struct pack_writer *w = NULL;
    cr_assert_eq(pack_writer_open(y.staging, &w, &e), ST_OK);
    cr_assert_eq(pack_append(w, SPAN(record, make(span_text("hello"), record)), &e), ST_OK);
    cr_assert_eq(pack_append(w, SPAN(record, make(span_text("world"), record)), &e), ST_OK);
    struct digest d = digest_of(span_text("hello"));
    const struct pack_entry *entry = pack_writer_find(w, &d, PACK_CHUNK);
    cr_assert_not_null(entry);
    cr_expect_null(pack_writer_find(w, &d, PACK_DOCUMENT));
    SCOPED(buf_release) struct buf out = BUF_EMPTY;
    cr_assert_eq(pack_writer_read(w, entry, &out, &e), ST_OK);
    cr_expect(span_equal(buf_span(&out), span_text("hello")));
    pack_writer_close(w);
    yard_close(&y);
}

Test(pack_writer, whichever_call_fails_no_pack_appears_and_nothing_is_left)
{
    struct yard y;
    yard_open(&y);
    uint64_t at = 1;
    for (;; at++) {
        struct fault f = {.at = at, .sys = at % 2 == 0 ? 5 /* EIO */ : 28 /* ENOSPC */};
        struct err e = ERR_NONE;
        io_watch(fail_nth, &f);
        enum status st = write_pack(&y, &e);
        io_watch(NULL, NULL);
        if (f.injected == 0) {
            cr_expect_eq(st, ST_OK);
            break;
        }
        cr_expect_neq(st, ST_OK);
        cr_expect_eq(names_in(y.staging), 0);
        /* Only the folder's own sync comes after the rename: then the name is there,
         * unacknowledged. */
        if (names_in(y.packs) > 0) {
            cr_expect_eq(unlinkat(y.packs, "0000000000000001.pack", 0), 0);
        }
    }
    cr_expect_geq(at, 8, "%llu calls were failed", (unsigned long long)at);
    yard_close(&y);
}

Test(pack_writer, a_failed_sync_is_never_tried_again)
{
    struct yard y;
    struct err e = ERR_NONE;
    uint8_t record[200];
    yard_open(&y);
    struct pack_writer *w = NULL;
    cr_assert_eq(pack_writer_open(y.staging, &w, &e), ST_OK);
    cr_assert_eq(pack_append(w, SPAN(record, make(span_text("hello"), record)), &e), ST_OK);
    struct fault f = {.at = 2, .sys = 5}; /* the flush, then the trailer's write */
    io_watch(fail_nth, &f);
    cr_expect_eq(pack_seal(w, &e), ST_IO);
    uint64_t calls = f.calls;
    cr_expect_eq(pack_seal(w, &e), ST_IO);
    cr_expect_eq(f.calls, calls, "a poisoned writer touches nothing");
    io_watch(NULL, NULL);
    pack_writer_close(w);
    yard_close(&y);
}

struct story {
    char text[512];
    size_t n;
};

static int tell_story(void *ctx, const char *call, const char *path, int fd, uint64_t bytes)
{
    (void)path, (void)fd, (void)bytes;
    struct story *t = ctx;
    if (strcmp(call, "pwrite") == 0 || strcmp(call, "fdatasync") == 0 ||
        strcmp(call, "fsync") == 0 || strcmp(call, "rename") == 0)
        t->n += text_fmt(t->text + t->n, sizeof t->text - t->n, "%s ", call);
    return 0;
}

Test(pack_writer, a_pack_is_synced_before_its_name_and_its_folder_after)
{
    struct yard y;
    struct err e = ERR_NONE;
    struct story t = {0};
    yard_open(&y);
    io_watch(tell_story, &t);
    cr_expect_eq(write_pack(&y, &e), ST_OK);
    io_watch(NULL, NULL);
    cr_expect_str_eq(t.text, "pwrite pwrite pwrite pwrite fdatasync fsync rename fsync ");
    yard_close(&y);
}

Test(pack_writer, bytes_under_a_foreign_digest_are_never_read)
{
    struct yard y;
    struct err e = ERR_NONE;
    uint8_t record[200], out[200];
    yard_open(&y);
    SCOPED(pack_writer_scope) struct pack_writer *w = NULL;
    SCOPED(pack_set_scope) struct pack_set *set = NULL;
    struct span bytes = span_text("not what it says");
    struct pack_record r = {.kind = PACK_CHUNK,
                            .encoding = ENCODING_RAW,
                            .stored = (uint32_t)bytes.n,
                            .length = (uint32_t)bytes.n,
                            .digest = digest_of(span_text("what it says")),
                            .check = hash64(bytes, 0)};
    pack_record_encode(&r, record);
    memcpy(record + PACK_RECORD, bytes.p, bytes.n);
    cr_assert_eq(pack_writer_open(y.staging, &w, &e), ST_OK);
    cr_assert_eq(pack_append(w, SPAN(record, PACK_RECORD + bytes.n), &e), ST_OK);
    size_t count;
    SCOPED(buf_release) struct buf back = BUF_EMPTY;
    cr_expect_eq(pack_writer_read(w, pack_writer_entries(w, &count), &back, &e), ST_CORRUPT);
    cr_expect_eq(back.n, 0);
    cr_assert_eq(pack_seal(w, &e), ST_OK);
    cr_assert_eq(pack_publish(w, y.packs, 1, &e), ST_OK);
    const struct pack_entry *entry = pack_writer_entries(w, &count);
    cr_assert_eq(pack_set_open(y.packs, &set, &e), ST_OK);
    e = ERR_NONE;
    cr_expect_eq(pack_read(set, &entry->at, &entry->digest, out, &e), ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "chunk-hash");
    yard_close(&y);
}

Test(pack_writer, the_same_bytes_under_two_kinds_are_two_records)
{
    struct yard y;
    struct err e = ERR_NONE;
    uint8_t record[200];
    static const char *const texts[] = {"one", "two", "one"};
    static const enum pack_kind kinds[] = {PACK_CHUNK, PACK_CHUNK, PACK_DOCUMENT};
    const struct digest one = digest_of(span_text("one"));
    yard_open(&y);
    SCOPED(pack_writer_scope) struct pack_writer *w = NULL;
    cr_assert_eq(pack_writer_open(y.staging, &w, &e), ST_OK);
    for (size_t i = 0; i < 3; i++) {
        const size_t n = make(span_text(texts[i]), record);
        struct pack_record r;
        cr_assert_eq(pack_record_decode(record, &r, &e), ST_OK);
        r.kind = kinds[i];
        pack_record_encode(&r, record);
        cr_assert_eq(pack_append(w, SPAN(record, n), &e), ST_OK);
    }
    size_t count;
    const struct pack_entry *all = pack_writer_entries(w, &count);
    cr_expect_eq(pack_writer_find(w, &one, PACK_CHUNK), all);
    cr_expect_eq(pack_writer_find(w, &one, PACK_DOCUMENT), all + 2);
    cr_expect_null(pack_writer_find(w, &one, PACK_RECIPE_ROOT));
    yard_close(&y);
}
