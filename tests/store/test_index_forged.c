/* Pages of the index that somebody wrote over, before it is opened and while it is open. */
#include "base/bytes.h"
#include "base/files.h"
#include "base/io.h"
#include "base/text.h"
#include "store/index.h"
#include "store/index_walk.h"
#include "tests/support/temp.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define OK(call) cr_assert_eq((call), ST_OK, "%s: %s: %s", err_code(&e), e.subject, e.detail)

#define PAGE     4096u
#define HEAD     16u
#define KEYS     2000u

enum { BRANCH = 1, LEAF = 2, BIG = 1 };

/* An index of some pages, closed unless a test opens it, and its file. */
struct image {
    struct temp t;
    int fd;
    uint64_t txn, pages;
    uint64_t meta; /* where the newest transaction's page begins */
};

static struct span key_of(unsigned i, char out[16])
{
    return SPAN(out, text_fmt(out, 16, "k%05u", i));
}

static uint64_t word(const struct image *m, uint64_t at, size_t n)
{
    struct err e = ERR_NONE;
    uint8_t b[8] = {0};
    OK(io_read_at(m->fd, b, n, at, &e));
    return get_le64(b);
}

static void put(const struct image *m, uint64_t at, size_t n, uint64_t value)
{
    struct err e = ERR_NONE;
    uint8_t b[8];
    put_le64(b, value);
    OK(io_write_at(m->fd, SPAN(b, n), at, &e));
}

static struct image image_make(void)
{
    static uint8_t large[30000];
    struct err e = ERR_NONE;
    struct image m = {.t = temp_make()};
    struct index *x = NULL;
    struct index_write *w = NULL;
    uint64_t size = 0;
    char key[16];
    OK(index_open(m.t.path, true, &x, &e));
    OK(index_begin(x, &w, &e));
    for (unsigned i = 0; i < KEYS; i++)
        OK(index_put(w, INDEX_STATE, key_of(i, key), SPAN(large, 60), &e));
    OK(index_put(w, INDEX_META, span_text("large"), SPAN(large, sizeof large), &e));
    OK(index_commit(w, &e));
    for (unsigned i = 0; i < 3; i++) {
        OK(index_begin(x, &w, &e));
        OK(index_put(w, INDEX_STATE, key_of(i, key), SPAN(large, 50), &e));
        OK(index_commit(w, &e));
    }
    index_close(x);
    m.fd = openat(m.t.dir, "data.mdb", O_RDWR | O_CLOEXEC);
    OK(io_size(m.fd, &size, &e));
    m.pages = size / PAGE;
    m.meta = word(&m, 144, 8) > word(&m, PAGE + 144, 8) ? 0 : PAGE;
    m.txn = word(&m, m.meta + 144, 8);
    return m;
}

static void image_remove(struct image *m)
{
    fd_release(&m->fd);
    temp_remove(&m->t);
}

static uint64_t node_at(const struct image *m, uint64_t page, unsigned i)
{
    return page + word(m, page + HEAD + 2 * i, 2);
}

/* The page that the table of states begins with: a branch, as its keys fill many leaves. */
static uint64_t state_root(const struct image *m)
{
    const uint64_t main = word(m, m->meta + 88 + 40, 8) * PAGE;
    for (unsigned i = 0; i < 6; i++) {
        const uint64_t node = node_at(m, main, i), n = word(m, node + 6, 2);
        if (n == 5 && word(m, node + 8, 5) == get_le64((const uint8_t *)"state\0\0"))
            return word(m, node + 8 + n + 40, 8) * PAGE;
    }
    cr_assert(false, "there is no table of states");
    return 0;
}

/* With `value` at `at` the index is refused in these words; then it is as it was. */
static void told(const struct image *m, uint64_t at, size_t n, uint64_t value, const char *words)
{
    struct err e = ERR_NONE;
    bool again = false;
    const uint64_t was = word(m, at, n);
    put(m, at, n, value);
    cr_expect_eq(index_walk(m->fd, m->txn, true, &again, &e), ST_CORRUPT, "%s", words);
    cr_expect_not_null(strstr(e.detail, words), "%s: %s", words, e.detail);
    put(m, at, n, was);
    e = ERR_NONE;
    OK(index_walk(m->fd, m->txn, true, &again, &e));
}

Test(index_forged, a_meta_page_says_no_size_that_cannot_be)
{
    struct image m = image_make();
    told(&m, 40, 4, 256, "has a damaged page size");
    told(&m, 40, 4, 1u << 17, "has a damaged page size");
    told(&m, m.meta + 136, 8, m.pages, "says more pages than there are");
    told(&m, m.meta + 136, 8, 0, "says more pages than there are");
    if (m.meta != 0)
        told(&m, m.meta + 40, 4, 8192, "says more pages than there are");
    image_remove(&m);
}

Test(index_forged, a_page_has_its_number_its_kind_and_a_header_that_fits)
{
    struct image m = image_make();
    const uint64_t root = state_root(&m);
    told(&m, root, 8, 3, "is another page than the tree says");
    told(&m, root + 10, 2, LEAF, "is another page than the tree says");
    told(&m, root + 12, 2, HEAD, "has a damaged header");
    told(&m, root + 12, 2, word(&m, root + 12, 2) + 1, "has a damaged header");
    told(&m, root + 12, 2, word(&m, root + 14, 2) + 2, "has a damaged header");
    told(&m, root + 14, 2, PAGE + 2, "has a damaged header");
    image_remove(&m);
}

Test(index_forged, a_tree_says_how_deep_it_is_and_what_it_holds)
{
    struct image m = image_make();
    const uint64_t main = m.meta + 88;
    told(&m, main + 6, 2, 0, "begins a tree of an impossible depth");
    told(&m, main + 6, 2, 33, "begins a tree of an impossible depth");
    told(&m, main + 32, 8, word(&m, main + 32, 8) + 1, "begins a tree of other counts");
    told(&m, main + 40, 8, UINT64_MAX, "has an empty tree with entries");
    told(&m, main + 40, 8, 1, "is used twice, or lies outside of the file");
    told(&m, main + 40, 8, m.pages, "is used twice, or lies outside of the file");
    image_remove(&m);
}

Test(index_forged, a_key_of_a_branch_lies_between_its_leaves)
{
    struct image m = image_make();
    const uint64_t root = state_root(&m);
    cr_assert_eq(word(&m, root + 10, 2), BRANCH);
    told(&m, node_at(&m, root, 1) + 8, 1, 'a', "has keys out of order");
    told(&m, node_at(&m, root, 1) + 8, 1, 'z', "has keys out of order");
    image_remove(&m);
}

Test(index_forged, the_main_tree_names_tables_and_nothing_else)
{
    struct image m = image_make();
    const uint64_t node = node_at(&m, word(&m, m.meta + 88 + 40, 8) * PAGE, 2);
    told(&m, node + 4, 2, 0, "names a table that is none");
    told(&m, node + 4, 2, 4, "has a damaged node");
    image_remove(&m);
}

Test(index_forged, free_pages_are_listed_by_transactions_that_were)
{
    struct image m = image_make();
    const uint64_t root = word(&m, m.meta + 40 + 40, 8) * PAGE;
    cr_assert_eq(word(&m, root + 10, 2), LEAF);
    const uint64_t last = node_at(&m, root, (unsigned)(word(&m, root + 12, 2) - HEAD) / 2 - 1);
    told(&m, last + 8, 8, m.txn + 1, "has a damaged list of free pages");
    told(&m, last + 16, 8, 1u << 20, "has a damaged list of free pages");
    told(&m, last + 24, 8, m.pages, "has a damaged list of free pages");
    image_remove(&m);
}

Test(index_forged, a_large_value_lies_on_pages_of_its_own)
{
    struct image m = image_make();
    uint64_t found = 0;
    for (uint64_t page = 2 * PAGE; page < m.pages * PAGE && found == 0; page += PAGE)
        for (unsigned i = 0; word(&m, page, 8) == page / PAGE && i < 4; i++)
            if (word(&m, page + 10, 2) == LEAF && i < (word(&m, page + 12, 2) - HEAD) / 2 &&
                word(&m, node_at(&m, page, i) + 4, 2) == BIG)
                found = node_at(&m, page, i);
    cr_assert_neq(found, 0);
    const uint64_t at = found + 8 + word(&m, found + 6, 2), first = word(&m, at, 8);
    told(&m, at, 8, UINT64_MAX, "refers to overflow pages that are not its own");
    told(&m, at, 8, first - 1, "refers to overflow pages that are not its own");
    told(&m, at, 8, m.pages - 1, "refers to overflow pages that are not its own");
    told(&m, first * PAGE + 12, 4, 1, "is no overflow page, or one of another length");
    told(&m, first * PAGE + 10, 2, LEAF, "is no overflow page, or one of another length");
    image_remove(&m);
}

/* -- while it is open ----------------------------------------------------------------------------
 */

static enum status nothing(void *ctx, struct span key, struct span record, struct err *e)
{
    (void)ctx, (void)key, (void)record, (void)e;
    return ST_OK;
}

/* What LMDB itself refuses is damage, and never a value that is not there. */
static void refused(enum status st, const struct err *e, const char *what)
{
    cr_expect_eq(st, ST_CORRUPT, "%s: %s", what, e->detail);
    cr_expect_str_eq(err_code(e), "index-lmdb", "%s: %s", what, e->detail);
}

/* The second leaf of the table of states is where no page is. */
static struct index *open_with_a_lost_leaf(struct image *m, unsigned *first)
{
    struct err e = ERR_NONE;
    struct index *x = NULL;
    uint8_t key[16] = {0};
    const uint64_t node = node_at(m, state_root(m), 1);
    OK(index_open(m->t.path, false, &x, &e));
    OK(io_read_at(m->fd, key, 6, node + 8, &e));
    *first = (unsigned)strtoul((const char *)key + 1, NULL, 10);
    put(m, node, 4, UINT32_MAX);
    return x;
}

Test(index_forged, what_lies_on_a_lost_page_is_damaged_and_not_absent)
{
    struct err e = ERR_NONE;
    struct image m = image_make();
    unsigned first = 0;
    char key[16], beside[16];
    bool found = false;
    struct index *x = open_with_a_lost_leaf(&m, &first);
    struct index_view *v = NULL;
    uint64_t n = 0;
    SCOPED(buf_release) struct buf out = BUF_EMPTY;
    refused(index_get(x, INDEX_STATE, key_of(first + 1, key), &out, &found, &e), &e, "get");
    e = ERR_NONE;
    text_fmt(beside, sizeof beside, "k%05ux", first - 1); /* behind the last key of its leaf */
    refused(index_get(x, INDEX_STATE, span_text(beside), &out, &found, &e), &e, "miss");
    e = ERR_NONE;
    OK(index_view_open(x, &v, &e));
    refused(index_view_each(v, INDEX_STATE, SPAN(NULL, 0), nothing, NULL, &e), &e, "each");
    e = ERR_NONE;
    refused(index_view_count(v, INDEX_STATE, &n, &e), &e, "count after that");
    index_view_close(v);
    index_close(x);
    image_remove(&m);
}

Test(index_forged, nothing_is_written_to_a_lost_page)
{
    struct err e = ERR_NONE;
    struct image m = image_make();
    unsigned first = 0;
    char key[16];
    struct index *x = open_with_a_lost_leaf(&m, &first);
    struct index_write *w = NULL;
    OK(index_begin(x, &w, &e));
    refused(index_put(w, INDEX_STATE, key_of(first + 1, key), span_text("v"), &e), &e, "put");
    index_abort(w);
    e = ERR_NONE;
    OK(index_begin(x, &w, &e));
    refused(index_delete(w, INDEX_STATE, key_of(first + 1, key), &e), &e, "delete");
    index_abort(w);
    index_close(x);
    image_remove(&m);
}

Test(index_forged, nobody_reads_or_writes_beyond_the_map)
{
    struct err e = ERR_NONE;
    struct image m = image_make();
    struct index *x = NULL;
    struct index_view *v = NULL;
    struct index_write *w = NULL;
    OK(index_open(m.t.path, false, &x, &e));
    put(&m, m.meta + 136, 8, UINT64_C(1) << 40);
    refused(index_view_open(x, &v, &e), &e, "view");
    e = ERR_NONE;
    refused(index_begin(x, &w, &e), &e, "begin");
    e = ERR_NONE;
    refused(index_sound(x, true, &e), &e, "sound");
    index_close(x);
    image_remove(&m);
}

Test(index_forged, what_the_disk_did_not_take_is_not_committed)
{
    struct err e = ERR_NONE;
    struct image m = image_make();
    struct index *x = NULL;
    struct index_write *w = NULL;
    struct rlimit room;
    OK(index_open(m.t.path, false, &x, &e));
    OK(index_begin(x, &w, &e));
    OK(index_put(w, INDEX_STATE, span_text("new"), span_text("v"), &e));
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &room), 0);
    signal(SIGXFSZ, SIG_IGN);
    room.rlim_cur = 0;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &room), 0);
    enum status st = index_commit(w, &e);
    room.rlim_cur = room.rlim_max;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &room), 0);
    cr_expect_neq(st, ST_OK);
    cr_expect_not_null(strstr(e.detail, "commit to the index"), "%s", e.detail);
    index_close(x);
    image_remove(&m);
}

Test(index_forged, where_no_folder_is_the_system_says_so)
{
    struct err e = ERR_NONE;
    struct temp t = temp_make();
    struct index *x = NULL;
    char path[160];
    temp_write(&t, "file", span_text("no folder"));
    text_fmt(path, sizeof path, "%s/file", t.path);
    cr_expect_neq(index_open(path, true, &x, &e), ST_OK);
    cr_expect_eq(e.sys, ENOTDIR);
    cr_expect_not_null(strstr(e.detail, "open the index"), "%s", e.detail);
    cr_expect_null(x);
    e = ERR_NONE;
    text_fmt(path, sizeof path, "%s/nowhere", t.path);
    cr_expect_neq(index_open(path, true, &x, &e), ST_OK);
    cr_expect_not_null(strstr(e.detail, "statfs"), "%s", e.detail);
    temp_remove(&t);
}
