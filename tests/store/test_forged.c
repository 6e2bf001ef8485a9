/* What somebody wrote who has the disk, or even the log key: packs, ledger, head and format file
 * that are sound each by itself. */
#include "base/hash64.h"
#include "base/text.h"
#include "store/catalog_write.h"
#include "store/gc.h"
#include "store/pack_writer.h"
#include "store/recipe.h"
#include "store/store_inside.h"
#include "tests/store/told_support.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* -- packs ---------------------------------------------------------------------------------------
 */

/* Publishes a pack with one raw record, as whoever may write the folder can, and opens again. */
static void publish(struct store_room *r, enum pack_kind kind, struct span bytes)
{
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf record = BUF_EMPTY;
    SCOPED(pack_writer_scope) struct pack_writer *w = NULL;
    struct catalog_mark m;
    const struct pack_record head = {.kind = kind,
                                     .encoding = ENCODING_RAW,
                                     .stored = (uint32_t)bytes.n,
                                     .length = (uint32_t)bytes.n,
                                     .digest = digest_of(bytes),
                                     .check = hash64(bytes, 0)};
    pack_record_encode(&head, buf_space(&record, PACK_RECORD));
    buf_append(&record, bytes);
    OK(pack_writer_open(r->s->staging, &w, &e));
    OK(pack_append(w, buf_span(&record), &e));
    OK(pack_seal(w, &e));
    OK(store_mark(r->s, &m, &e));
    OK(pack_publish(w, r->s->packs, m.next_pack, &e));
    room_reopen(r);
}

/* The root of a content, as it lies in its pack. */
static void root_of(struct store_room *r, const struct digest *content, struct buf *out)
{
    struct err e = ERR_NONE;
    struct index_view *v = NULL;
    struct digest root;
    uint64_t bytes = 0;
    bool found = false;
    OK(index_view_open(r->s->index, &v, &e));
    OK(catalog_recipe(v, content, &found, &root, &bytes, &e));
    index_view_close(v);
    cr_assert(found);
    OK(store_record(r->s, PACK_RECIPE_ROOT, &root, out, &e));
}

Test(forged, a_root_that_names_anothers_chunks_never_reads_as_that_content)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct content c;
    struct check_report report;
    struct seen s = {0};
    const struct digest other = digest_of(span_text("what was promised"));
    SCOPED(buf_release) struct buf root = BUF_EMPTY, got = BUF_EMPTY;
    SCOPED(fd_release) int fd = -1;
    OK(room_add(&r, span_text("what is handed out"), &c, &e));
    root_of(&r, &c.sha256, &root);
    memcpy(root.p + 8, other.b, DIGEST_BYTES);
    publish(&r, PACK_RECIPE_ROOT, buf_span(&root));
    cr_assert_eq(store_content_read(r.s, &other, sink_buf(&got), NULL, &e), ST_CORRUPT);
    cr_assert_str_eq(err_code(&e), "content-hash");
    cr_assert_eq(store_content_memory(r.s, &other, &fd, &e), ST_CORRUPT);
    cr_assert_eq(fd, -1);
    OK(check_content(r.s, &other, NULL, see, &s, &report, &e));
    cr_assert_eq(report.findings, 1);
    cr_assert(strstr(s.said, "content-hash") != NULL, "%s", s.said);
    room_remove(&r);
}

Test(forged, a_content_whose_recipe_lost_a_page_is_damaged_and_not_absent)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct content c;
    struct index_write *w = NULL;
    uint8_t key[33] = {PACK_RECIPE_PAGE};
    SCOPED(buf_release) struct buf root = BUF_EMPTY, got = BUF_EMPTY;
    OK(room_add(&r, span_text("words"), &c, &e));
    root_of(&r, &c.sha256, &root);
    memcpy(key + 1, root.p + 56, DIGEST_BYTES);
    OK(index_begin(r.s->index, &w, &e));
    OK(index_delete(w, INDEX_RECORDS, SPAN(key, sizeof key), &e));
    OK(index_commit(w, &e));
    cr_assert_eq(store_content_read(r.s, &c.sha256, sink_buf(&got), NULL, &e), ST_CORRUPT);
    cr_assert_str_eq(err_code(&e), "recipe");
    room_remove(&r);
}

/* -- the ledger ----------------------------------------------------------------------------------
 */

/* A line that the log key signed. */
static void line(struct store_room *r, uint64_t seq, const struct digest *prev, const char *set,
                 struct buf *out)
{
    struct err e = ERR_NONE;
    struct digest hash;
    OK(ledger_encode(seq, prev, "test", "2030-01-01T00:00:00Z", span_text("{}"), span_text(set),
                     r->log, out, &hash, &e));
}

Test(forged, an_entry_whose_key_no_state_can_hold_is_told_as_that)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct store_facts facts;
    char set[700];
    SCOPED(buf_release) struct buf ledger = BUF_EMPTY;
    OK(store_facts(r.s, &facts, &e));
    text_fmt(set, sizeof set, "{\"%0600d\":\"x\"}", 1);
    temp_read(&r.t, "store/ledger", &ledger);
    line(&r, facts.seq + 1, &facts.head, set, &ledger);
    temp_write(&r.t, "store/ledger", buf_span(&ledger));
    store_close(r.s);
    r.s = NULL;
    cr_assert_eq(store_open(r.path, &r.s, &e), ST_CORRUPT);
    cr_assert_str_eq(err_code(&e), "ledger-set");
    room_remove(&r);
}

Test(forged, a_head_that_is_no_entry_of_the_ledger_is_told)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct store_facts facts;
    const struct digest none = {{0}};
    SCOPED(buf_release) struct buf head = BUF_EMPTY;
    OK(room_set(&r, "a", "1", NULL, &e));
    OK(store_facts(r.s, &facts, &e));
    line(&r, facts.seq, &none, "{}", &head);
    temp_write(&r.t, "store/ledger.head", buf_span(&head));
    assert_told(&r, "the head is none of the ledger's entries");
    store_close(r.s);
    r.s = NULL;
    cr_assert_eq(store_open(r.path, &r.s, &e), ST_CORRUPT);
    cr_assert_str_eq(err_code(&e), "ledger-head");
    room_remove(&r);
}

Test(forged, a_head_that_was_set_back_is_told)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    OK(room_set(&r, "a", "1", NULL, &e));
    cr_assert_eq(temp_run(&r.t, "cp store/ledger.head head"), 0);
    OK(room_set(&r, "a", "2", NULL, &e));
    cr_assert_eq(temp_run(&r.t, "cp head store/ledger.head"), 0);
    assert_told(&r, "the head is older than entry");
    room_remove(&r);
}

Test(forged, without_ledger_and_index_nobody_says_the_store_is_new)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    store_close(r.s);
    r.s = NULL;
    cr_assert_eq(temp_run(&r.t, "rm -r store/ledger store/index"), 0);
    cr_assert_eq(store_open(r.path, &r.s, &e), ST_SET_BACK);
    cr_assert_str_eq(err_code(&e), "ledger-cut");
    room_remove(&r);
}

Test(forged, a_line_without_end_is_not_read_into_memory)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    cr_skip_test("the sanitizer's own memory is more than the limit");
#endif
    struct err e = ERR_NONE;
    struct temp t = temp_make();
    struct ledger_entry entry;
    struct rlimit room;
    cr_assert_eq(temp_run(&t, "truncate -s 2G ledger && echo >> ledger"), 0);
    cr_assert_eq(getrlimit(RLIMIT_DATA, &room), 0);
    room.rlim_cur = 256u << 20;
    cr_assert_eq(setrlimit(RLIMIT_DATA, &room), 0);
    cr_assert_eq(ledger_find(t.dir, NULL, 1, &entry, &e), ST_CORRUPT, "%s", e.detail);
    cr_assert_str_eq(err_code(&e), "ledger-line");
    temp_remove(&t);
}

/* -- the format file -----------------------------------------------------------------------------
 */

/* A store whose format file is another's with the same log key. */
static struct store_room room_with_anothers_format(void)
{
    struct store_room r = room_make();
    const struct digest trust = {{1}};
    SCOPED(buf_release) struct buf format = BUF_EMPTY;
    temp_read(&r.t, "store/format", &format);
    room_found(&r, &trust);
    temp_write(&r.t, "store/format", buf_span(&format));
    return r;
}

Test(forged, anothers_format_file_is_told_while_the_store_is_open_and_refused_when_it_is_opened)
{
    struct err e = ERR_NONE;
    struct store_room r = room_with_anothers_format();
    assert_told(&r, "the format file is not what entry 1 of the ledger says");
    store_close(r.s);
    r.s = NULL;
    cr_assert_eq(store_open(r.path, &r.s, &e), ST_CORRUPT);
    cr_assert_str_eq(err_code(&e), "store-format");
    room_remove(&r);
}

Test(forged, a_format_file_that_the_index_agrees_with_is_told_by_the_ledger)
{
    struct err e = ERR_NONE;
    struct store_room r = room_with_anothers_format();
    struct index_write *w = NULL;
    struct catalog_mark m;
    SCOPED(buf_release) struct buf format = BUF_EMPTY;
    temp_read(&r.t, "store/format", &format);
    OK(store_mark(r.s, &m, &e));
    m.charter = digest_of(buf_span(&format));
    OK(index_begin(r.s->index, &w, &e));
    OK(catalog_mark_put(w, &m, &e));
    OK(index_commit(w, &e));
    room_reopen(&r);
    assert_told(&r, "entry 1 and the format file disagree");
    room_remove(&r);
}

Test(forged, a_format_file_that_grew_is_told)
{
    struct store_room r = room_make();
    cr_assert_eq(temp_run(&r.t, "truncate -s 1M store/format"), 0);
    assert_told(&r, "the format file grew");
    room_remove(&r);
}

/* -- limits and half-way ends --------------------------------------------------------------------
 */

Test(forged, a_document_beyond_its_limit_is_refused)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct digest d;
    uint8_t *zero = calloc(1, STORE_DOCUMENT_MAX + 1u);
    cr_assert_not_null(zero);
    cr_assert_eq(room_document(&r, SPAN(zero, STORE_DOCUMENT_MAX + 1u), &d, &e), ST_INVALID_LENGTH);
    cr_assert_str_eq(err_code(&e), "document-length");
    free(zero);
    room_remove(&r);
}

static int no_data_sync(void *ctx, const char *call, const char *path, int fd, uint64_t bytes)
{
    (void)ctx, (void)path, (void)fd, (void)bytes;
    return strcmp(call, "fdatasync") == 0 ? EIO : 0;
}

Test(forged, behind_a_sync_that_failed_nothing_is_acknowledged)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    io_watch(no_data_sync, NULL);
    cr_assert_neq(room_set(&r, "a", "1", NULL, &e), ST_OK);
    io_watch(NULL, NULL); /* and the disk says that all is well again */
    e = ERR_NONE;
    cr_assert_eq(room_set(&r, "b", "1", NULL, &e), ST_IO);
    cr_assert_str_eq(err_code(&e), "store-poisoned");
    room_reopen(&r);
    OK(room_set(&r, "b", "1", NULL, &e));
    room_remove(&r);
}

/* A mark with the given number of recipes or artifacts that nobody knows the needs of. */
static void assert_no_sweep(bool recipes, const char *code)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct index_write *w = NULL;
    struct catalog_mark m;
    struct gc_report report;
    const struct gc_options o = {.clock = r.clock, .log = r.log};
    OK(room_install(&r, "goes", 1, 3000, 1, &e));
    OK(room_forget(&r, "goes", &e));
    OK(store_mark(r.s, &m, &e));
    *(recipes ? &m.uncounted : &m.unlisted) = 1;
    OK(index_begin(r.s->index, &w, &e));
    OK(catalog_mark_put(w, &m, &e));
    OK(index_commit(w, &e));
    cr_assert_neq(gc_run(r.s, &o, NULL, &report, &e), ST_OK);
    cr_assert_str_eq(err_code(&e), code);
    cr_assert_eq(temp_run(&r.t, "test -e store/packs/0000000000000001.pack"), 0);
    room_remove(&r);
}

Test(forged, nothing_is_swept_while_it_is_not_known_what_is_needed)
{
    assert_no_sweep(true, "gc-uncounted");
    assert_no_sweep(false, "gc-unlisted");
}
