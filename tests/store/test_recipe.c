#include "store/recipe.h"
#include "store/recipe_writer.h"
#include "tests/store/packs_support.h"
#include <criterion/criterion.h>
#include <string.h>

#define OK(call) cr_assert_eq((call), ST_OK, "%s: %s", err_code(&e), e.detail)

static struct recipe_entry entry(uint32_t i)
{
    struct recipe_entry r = {.length = 1000 + i};
    put_le32(r.digest.b, i);
    return r;
}

/* Records kept by kind and digest's first four bytes: enough of a store for a walk. */
struct shelf {
    struct buf pages[3], root;
};

static enum status load(void *ctx, enum pack_kind kind, const struct digest *d, struct buf *out,
                        struct err *e)
{
    struct shelf *s = ctx;
    (void)e;
    buf_append(out, buf_span(kind == PACK_RECIPE_ROOT ? &s->root : &s->pages[get_le32(d->b) % 3]));
    return buf_status(out);
}

static void shelf_release(struct shelf *s)
{
    for (size_t i = 0; i < 3; i++)
        buf_release(&s->pages[i]);
    buf_release(&s->root);
}

/* `chunks` entries in as many pages as they need. */
static struct shelf shelve(uint32_t chunks, const struct digest *content)
{
    struct shelf s = {0};
    SCOPED(buf_release) struct buf refs = BUF_EMPTY;
    struct recipe_root root = {.content = *content, .chunks = chunks};
    for (uint32_t i = 0; i < chunks;) {
        uint64_t bytes = 0;
        struct digest d = {0};
        put_le32(d.b, root.pages);
        recipe_page_begin(&s.pages[root.pages]);
        for (uint32_t k = 0; k < RECIPE_PAGE_ENTRIES && i < chunks; k++, i++) {
            struct recipe_entry r = entry(i);
            recipe_page_add(&s.pages[root.pages], &r);
            bytes += r.length;
        }
        recipe_ref_add(&refs, &d, bytes);
        root.bytes += bytes;
        root.pages++;
    }
    root.refs = buf_span(&refs);
    recipe_root_encode(&root, &s.root);
    return s;
}

static enum status walk(struct shelf *s, const struct digest *content, uint32_t *count,
                        struct err *e)
{
    SCOPED(recipe_close) struct recipe_reader r = {0};
    uint64_t expected = 0;
    *count = 0;
    enum status st = recipe_open(&r, (struct recipe_loader){load, s}, content, content, e);
    while (st == ST_OK) {
        struct recipe_entry got, want = entry(*count);
        uint64_t position = 0;
        bool more = false;
        st = recipe_next(&r, &got, &position, &more, e);
        if (st != ST_OK || !more)
            break;
        cr_assert_eq(got.length, want.length);
        cr_assert(digest_equal(&got.digest, &want.digest));
        cr_assert_eq(position, expected);
        expected += got.length;
        ++*count;
    }
    return st;
}

Test(recipe, what_was_written_is_walked_in_order)
{
    const uint32_t sizes[] = {0, 1, 8191, 8192, 8193, 20000};
    for (size_t i = 0; i < 6; i++) {
        struct err e = ERR_NONE;
        struct digest content = {{7}};
        uint32_t count = 0;
        SCOPED(shelf_release) struct shelf s = shelve(sizes[i], &content);
        OK(walk(&s, &content, &count, &e));
        cr_assert_eq(count, sizes[i]);
    }
}

Test(recipe, the_root_of_another_content_is_refused)
{
    struct err e = ERR_NONE;
    struct digest content = {{7}}, other = {{8}};
    uint32_t count = 0;
    SCOPED(shelf_release) struct shelf s = shelve(3, &content);
    cr_assert_eq(walk(&s, &other, &count, &e), ST_CORRUPT);
}

Test(recipe, no_cut_of_root_or_page_is_accepted)
{
    struct err e = ERR_NONE;
    struct digest content = {{7}};
    SCOPED(shelf_release) struct shelf s = shelve(5, &content);
    struct recipe_root root;
    uint32_t entries = 0;
    uint64_t bytes = 0;
    for (size_t n = 0; n < s.root.n; n++)
        cr_assert_eq(recipe_root_decode(SPAN(s.root.p, n), &root, &e), ST_CORRUPT, "%zu", n);
    for (size_t n = 0; n < s.pages[0].n; n++)
        cr_assert_eq(recipe_page_decode(SPAN(s.pages[0].p, n), &entries, &bytes, &e), ST_CORRUPT,
                     "%zu", n);
    buf_byte(&s.root, 0);
    buf_byte(&s.pages[0], 0);
    cr_assert_eq(recipe_root_decode(buf_span(&s.root), &root, &e), ST_CORRUPT);
    cr_assert_eq(recipe_page_decode(buf_span(&s.pages[0]), &entries, &bytes, &e), ST_CORRUPT);
}

Test(recipe, totals_that_do_not_agree_are_refused)
{
    /* root: pages at 4, content 8, bytes 40, chunks 48, the first page's byte count at 88; page:
     * count at 4, the first length at 40 */
    const size_t root_at[] = {4, 40, 47, 48, 55, 88, 95}, page_at[] = {0, 4, 7, 40, 43};
    struct digest content = {{7}};
    for (size_t i = 0; i < 7; i++) {
        struct err e = ERR_NONE;
        uint32_t count = 0;
        SCOPED(shelf_release) struct shelf s = shelve(5, &content);
        s.root.p[root_at[i]] ^= 0x81;
        cr_assert_eq(walk(&s, &content, &count, &e), ST_CORRUPT, "root byte %zu", root_at[i]);
    }
    for (size_t i = 0; i < 5; i++) {
        struct err e = ERR_NONE;
        uint32_t count = 0;
        SCOPED(shelf_release) struct shelf s = shelve(5, &content);
        s.pages[0].p[page_at[i]] ^= 0x81;
        cr_assert_eq(walk(&s, &content, &count, &e), ST_CORRUPT, "page byte %zu", page_at[i]);
    }
}

Test(recipe, a_page_of_no_bytes_is_refused)
{
    struct err e = ERR_NONE;
    struct recipe_root root;
    struct digest content = {{7}};
    SCOPED(shelf_release) struct shelf s = shelve(5, &content);
    put_le64(s.root.p + 40, 0);
    put_le64(s.root.p + 88, 0);
    cr_assert_eq(recipe_root_decode(buf_span(&s.root), &root, &e), ST_CORRUPT);
    cr_assert_eq(e.offset, 56);
}

Test(recipe, a_chunk_of_no_or_of_too_many_bytes_is_refused_by_its_page)
{
    static const uint32_t lengths[] = {0, CODEC_LENGTH_MAX + 1, UINT32_MAX};
    struct digest content = {{7}};
    for (size_t i = 0; i < 3; i++) {
        struct err e = ERR_NONE;
        uint32_t entries = 0;
        uint64_t bytes = 0;
        SCOPED(shelf_release) struct shelf s = shelve(5, &content);
        put_le32(s.pages[0].p + 40, lengths[i]);
        cr_assert_eq(recipe_page_decode(buf_span(&s.pages[0]), &entries, &bytes, &e), ST_CORRUPT);
        cr_assert_eq(e.offset, 8);
    }
}

/* A writer with one page in its staged file and one entry behind it. */
static void spill(struct yard *y, struct recipe_writer *w)
{
    struct err e = ERR_NONE;
    yard_open(y);
    recipe_writer_begin(w, y->staging);
    for (uint32_t i = 0; i <= RECIPE_PAGE_ENTRIES; i++) {
        const struct recipe_entry r = entry(i);
        OK(recipe_writer_add(w, &r.digest, r.length, &e));
    }
    cr_assert_eq(w->spilled, 1);
}

Test(recipe, a_staged_page_that_changed_on_disk_never_becomes_a_record)
{
    struct yard y;
    struct recipe_writer w;
    struct err e = ERR_NONE;
    struct digest content = {{7}}, root;
    spill(&y, &w);
    OK(io_write_at(w.spill.fd, SPAN((const uint8_t *)"?", 1), 20, &e));
    OK(yard_ingest_open(&y, &e));
    cr_assert_eq(recipe_writer_end(&w, y.ingest, &content, &root, &e), ST_CORRUPT);
    cr_assert_str_eq(err_code(&e), "staging");
    recipe_writer_release(&w);
    yard_close(&y);
}

Test(recipe, of_more_pages_than_a_root_may_have_is_refused_while_it_is_written)
{
    struct yard y;
    struct recipe_writer w;
    struct err e = ERR_NONE;
    enum status st = ST_OK;
    spill(&y, &w);
    w.spilled = RECIPE_PAGES_MAX - 1;
    for (uint32_t i = 0; st == ST_OK && i <= RECIPE_PAGE_ENTRIES; i++) {
        const struct recipe_entry r = entry(i);
        st = recipe_writer_add(&w, &r.digest, r.length, &e);
    }
    cr_assert_eq(st, ST_INVALID_LENGTH);
    cr_assert_str_eq(err_code(&e), "recipe-length");
    recipe_writer_release(&w);
    yard_close(&y);
}
