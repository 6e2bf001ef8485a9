#include "base/hash64.h"
#include "store/fetch.h"
#include "store/pack_format.h"
#include "tests/store/packs_support.h"

struct judged {
    unsigned sound, bad;
    uint64_t last; /* position, to see the order */
    struct err first;
    bool ordered;
};

static enum status judge(void *ctx, const struct fetch_item *item, const struct err *verdict,
                         struct err *e)
{
    (void)e;
    struct judged *j = ctx;
    j->ordered = j->ordered && item->position >= j->last;
    j->last = item->position;
    if (verdict == NULL)
        j->sound++;
    else if (j->bad++ == 0)
        j->first = *verdict;
    return ST_OK;
}

struct stock {
    struct yard yard;
    uint8_t *bytes;
    size_t n;
};

static void stock_open(struct stock *s, size_t n)
{
    struct err e = ERR_NONE;
    struct ingest_result r;
    yard_open(&s->yard);
    s->n = n;
    s->bytes = fresh(n);
    fill_random(s->bytes, n / 3, 1);
    fill_floats(s->bytes + n / 3, n / 3, 2, 2);
    fill_floats(s->bytes + n / 3 * 2, n - n / 3 * 2, 4, 3);
    cr_assert_eq(yard_add(&s->yard, SPAN(s->bytes, n), &r, &e), ST_OK, "%s", e.detail);
}

static void stock_close(struct stock *s)
{
    heap_free(s->bytes);
    yard_close(&s->yard);
}

static int scratch_file(const struct yard *y)
{
    int fd = openat(y->staging, "out", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    cr_assert(fd >= 0);
    return fd;
}

Test(fetch, a_file_gets_every_byte_in_its_place)
{
    static const size_t sizes[] = {0, 1, 100000, (5u << 20) + 4097, 33u << 20};
    for (unsigned i = 0; i < 10; i++) { /* each through the page cache and past it */
        struct stock s;
        struct err e = ERR_NONE;
        struct digest whole, expect;
        stock_open(&s, sizes[i / 2]);
        expect = digest_of(SPAN(s.bytes, s.n));
        SCOPED(fd_release) int fd = scratch_file(&s.yard);
        SCOPED(fd_release) int direct = i % 2 == 0 ? -1 : io_open_direct(fd);
        cr_assert_eq(fetch_file(s.yard.packs, yard_plan(&s.yard), (struct fetch_target){fd, direct},
                                NULL, &whole, &e),
                     ST_OK, "%s", e.detail);
        cr_expect(digest_equal(&whole, &expect));
        uint8_t *back = fresh(s.n);
        cr_expect_eq(pread(fd, back, s.n + 1, 0), (ssize_t)s.n);
        cr_expect(memcmp(back, s.bytes, s.n) == 0);
        heap_free(back);
        stock_close(&s);
    }
}

Test(fetch, a_file_never_gets_a_wrong_byte)
{
    struct stock s;
    stock_open(&s, 12u << 20);
    for (uint64_t at = 100; at < 9000000; at += 1777777) {
        struct err e = ERR_NONE;
        SCOPED(fd_release) int fd = scratch_file(&s.yard);
        SCOPED(fd_release) int direct = at % 2 == 0 ? -1 : io_open_direct(fd);
        flip(&s.yard, 1, at, 1);
        cr_expect_eq(fetch_file(s.yard.packs, yard_plan(&s.yard), (struct fetch_target){fd, direct},
                                NULL, NULL, &e),
                     ST_CORRUPT);
        cr_expect_str_eq(e.subject, "pack 0000000000000001");
        uint8_t *back = fresh(s.n);
        memset(back, 0, s.n);
        cr_assert(pread(fd, back, s.n, 0) >= 0);
        for (size_t i = 0; i < s.n; i++)
            cr_assert(back[i] == s.bytes[i] || back[i] == 0);
        heap_free(back);
        flip(&s.yard, 1, at, 1);
    }
    stock_close(&s);
}

Test(fetch, a_check_judges_every_record_in_order)
{
    struct stock s;
    struct err e = ERR_NONE;
    stock_open(&s, 20u << 20);
    struct judged j = {.ordered = true};
    cr_assert_eq(fetch_check(s.yard.packs, yard_plan(&s.yard), judge, &j, NULL, &e), ST_OK);
    cr_expect(j.sound == s.yard.recipe_count && j.bad == 0 && j.ordered);

    const struct pack_entry *hurt = &s.yard.entries[20];
    flip(&s.yard, hurt->at.pack, hurt->at.offset + PACK_RECORD + 1, 0);
    j = (struct judged){.ordered = true};
    cr_assert_eq(fetch_check(s.yard.packs, yard_plan(&s.yard), judge, &j, NULL, &e), ST_OK);
    cr_expect(j.sound == s.yard.recipe_count - 1 && j.bad == 1 && j.ordered);
    cr_expect_eq(j.first.status, ST_CORRUPT);
    cr_expect_str_eq(err_code(&j.first), "pack-stored-check");
    cr_expect_eq(j.first.offset, hurt->at.offset + PACK_RECORD);
    stock_close(&s);
}

/* Another byte in a record, under a header that is right about it: only the SHA-256 can tell. */
static void forge(const struct yard *y, const struct pack_entry *entry)
{
    char name[PACK_NAME];
    struct pack_record r;
    struct err e = ERR_NONE;
    const size_t n = PACK_RECORD + (size_t)entry->at.stored;
    uint8_t *p = fresh(n);
    pack_name(entry->at.pack, name);
    cr_assert_eq(fchmodat(y->packs, name, 0600, 0), 0);
    SCOPED(fd_release) int fd = openat(y->packs, name, O_RDWR | O_CLOEXEC);
    cr_assert_eq(pread(fd, p, n, (off_t)entry->at.offset), (ssize_t)n);
    cr_assert_eq(pack_record_decode(p, &r, &e), ST_OK);
    cr_assert_eq(r.encoding, ENCODING_RAW);
    p[PACK_RECORD + 1] ^= 1;
    r.check = hash64(SPAN(p + PACK_RECORD, r.stored), 0);
    pack_record_encode(&r, p);
    cr_assert_eq(pwrite(fd, p, n, (off_t)entry->at.offset), (ssize_t)n);
    heap_free(p);
}

static enum status swallow(void *ctx, struct span bytes, struct err *e)
{
    (void)e;
    *(uint64_t *)ctx += bytes.n;
    return ST_OK;
}

Test(fetch, a_forged_record_is_told_by_its_digest_and_not_handed_out)
{
    struct stock s;
    struct err e = ERR_NONE;
    stock_open(&s, 20u << 20);
    const struct fetch_item *item = &s.yard.recipe[20];
    uint32_t i;
    cr_assert(digest_map_get(&s.yard.map, &item->entry.digest, &i));
    forge(&s.yard, &s.yard.entries[i]);
    struct judged j = {.ordered = true};
    cr_assert_eq(fetch_check(s.yard.packs, yard_plan(&s.yard), judge, &j, NULL, &e), ST_OK);
    cr_expect(j.bad == 1 && j.ordered);
    cr_expect_str_eq(err_code(&j.first), "chunk-hash");

    SCOPED(fd_release) int fd = scratch_file(&s.yard);
    SCOPED(buf_release) struct buf back = BUF_EMPTY;
    cr_expect_eq(
        fetch_file(s.yard.packs, yard_plan(&s.yard), (struct fetch_target){fd, -1}, NULL, NULL, &e),
        ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "chunk-hash");
    uint8_t *p = buf_space(&back, item->entry.at.length);
    ssize_t got = pread(fd, p, item->entry.at.length, (off_t)item->position);
    for (ssize_t k = 0; k < got; k++)
        cr_assert(p[k] == s.bytes[item->position + (uint64_t)k] || p[k] == 0, "no wrong byte");

    uint64_t taken = 0;
    e = ERR_NONE;
    cr_expect_eq(fetch_stream(s.yard.packs, yard_plan(&s.yard), (struct sink){swallow, &taken},
                              NULL, NULL, &e),
                 ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "chunk-hash");
    cr_expect_leq(taken, item->position);
    stock_close(&s);
}

Test(fetch, a_check_goes_on_over_impossible_places_and_lost_packs)
{
    struct stock s;
    struct err e = ERR_NONE;
    stock_open(&s, 6u << 20);
    size_t total = s.yard.recipe_count;
    uint32_t at;
    cr_assert(digest_map_get(&s.yard.map, &s.yard.recipe[5].entry.digest, &at));
    s.yard.entries[at].at.length = UINT32_MAX;
    cr_assert(digest_map_get(&s.yard.map, &s.yard.recipe[9].entry.digest, &at));
    s.yard.entries[at].at.pack = 77;
    cr_assert(digest_map_get(&s.yard.map, &s.yard.recipe[11].entry.digest, &at));
    s.yard.entries[at].at.offset = UINT64_C(1) << 39;
    struct judged j = {.ordered = true};
    cr_assert_eq(fetch_check(s.yard.packs, yard_plan(&s.yard), judge, &j, NULL, &e), ST_OK);
    cr_expect(j.sound == total - 3 && j.bad == 3 && j.ordered, "%u sound, %u bad of %zu", j.sound,
              j.bad, total);
    SCOPED(fd_release) int fd = scratch_file(&s.yard);
    cr_expect_eq(
        fetch_file(s.yard.packs, yard_plan(&s.yard), (struct fetch_target){fd, -1}, NULL, NULL, &e),
        ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "pack-place", "the first one in order is told");
    cr_expect(strncmp(e.detail, "no record of 4294967295 bytes", 29) == 0, "%s", e.detail);
    stock_close(&s);
}

static enum status plan_breaks(void *ctx, struct fetch_item *items, size_t cap, size_t *got,
                               struct err *e)
{
    struct yard *y = ctx;
    if (y->given > 60)
        return err_set(e, ST_CORRUPT, "test-plan", "the plan broke");
    return yard_next(y, items, cap, got, e);
}

static enum status sink_breaks(void *ctx, struct span bytes, struct err *e)
{
    (void)ctx, (void)bytes;
    return err_set(e, ST_NO_SPACE, "test-sink", "the sink is full");
}

Test(fetch, failures_of_plan_and_sink_come_back)
{
    struct stock s;
    struct err e = ERR_NONE;
    stock_open(&s, 40u << 20);
    SCOPED(fd_release) int fd = scratch_file(&s.yard);
    s.yard.given = 0;
    cr_expect_eq(fetch_file(s.yard.packs, (struct fetch_plan){.next = plan_breaks, .ctx = &s.yard},
                            (struct fetch_target){fd, -1}, NULL, NULL, &e),
                 ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "test-plan");
    e = ERR_NONE;
    cr_expect_eq(fetch_stream(s.yard.packs, yard_plan(&s.yard), (struct sink){sink_breaks, NULL},
                              NULL, NULL, &e),
                 ST_NO_SPACE);
    cr_expect_str_eq(err_code(&e), "test-sink");
    stock_close(&s);
}

Test(fetch, an_empty_plan_gives_nothing)
{
    struct yard y;
    struct err e = ERR_NONE;
    struct digest whole, expect = digest_of(SPAN(NULL, 0));
    yard_open(&y);
    cr_expect_eq(
        fetch_stream(y.packs, yard_plan(&y), (struct sink){sink_breaks, NULL}, NULL, &whole, &e),
        ST_OK);
    cr_expect(digest_equal(&whole, &expect));
    yard_close(&y);
}
