/* What the index says is sound as LMDB and its own hashes go, and wrong: it is not believed. */
#include "base/text.h"
#include "store/catalog_write.h"
#include "store/check.h"
#include "store/evict.h"
#include "store/quarantine.h"
#include "store/store_inside.h"
#include "tests/support/store_room.h"
#include <criterion/criterion.h>
#include <string.h>

#define OK(call) cr_assert_eq((call), ST_OK, "%s: %s: %s", err_code(&e), e.subject, e.detail)

/* Puts a record into the index, or takes it out (record.p NULL). */
static void forge(struct store_room *r, enum index_table t, struct span key, struct span record)
{
    struct err e = ERR_NONE;
    struct index_write *w = NULL;
    OK(index_begin(r->s->index, &w, &e));
    if (record.p != NULL)
        OK(index_put(w, t, key, record, &e));
    else
        OK(index_delete(w, t, key, &e));
    OK(index_commit(w, &e));
}

static void forge_state(struct store_room *r, const char *key, const char *value)
{
    struct buf record = BUF_EMPTY;
    memset(buf_space(&record, 9), 0, 9);
    record.p[0] = 1;
    record.p[8] = 1;
    buf_text(&record, value);
    forge(r, INDEX_STATE, span_text(key), buf_span(&record));
    buf_release(&record);
}

static void forge_mark(struct store_room *r, const struct catalog_mark *m)
{
    struct err e = ERR_NONE;
    struct index_write *w = NULL;
    OK(index_begin(r->s->index, &w, &e));
    OK(catalog_mark_put(w, m, &e));
    OK(index_commit(w, &e));
}

struct seen {
    unsigned n;
    char codes[512]; /* of all findings, a space behind each */
};

static void see(void *ctx, const struct finding *f)
{
    struct seen *s = ctx;
    const size_t at = strlen(s->codes);
    s->n++;
    text_fmt(s->codes + at, sizeof s->codes - at, "%s ", f->code);
}

static struct seen check(struct store_room *r)
{
    struct err e = ERR_NONE;
    struct seen s = {0};
    struct check_report report;
    OK(check_store(r->s, NULL, see, &s, &report, &e));
    return s;
}

#define assert_told(r, code)                                                           \
    do {                                                                               \
        struct seen told = check(r);                                                   \
        cr_assert(strstr(told.codes, code " ") != NULL, "%u: %s", told.n, told.codes); \
    } while (0)

/* -- records of the wrong shape ------------------------------------------------------------------
 */

static enum status ask_mark(struct index_view *v, struct err *e)
{
    struct catalog_mark m;
    return catalog_mark_get(v, &m, e);
}

static enum status ask_record(struct index_view *v, struct err *e)
{
    const struct digest d = {{7}};
    struct pack_location at;
    bool found = false;
    return catalog_find(v, PACK_CHUNK, &d, &found, &at, e);
}

static enum status ask_pack(struct index_view *v, struct err *e)
{
    struct catalog_pack p;
    bool found = false;
    return catalog_pack_from(v, 7, &found, &p, e);
}

static enum status ask_recipe(struct index_view *v, struct err *e)
{
    const struct digest d = {{7}};
    struct digest root;
    uint64_t bytes = 0;
    bool found = false;
    return catalog_recipe(v, &d, &found, &root, &bytes, e);
}

static enum status ask_name(struct index_view *v, struct err *e)
{
    uint64_t count = 0, bytes = 0;
    return catalog_name(v, "n", &count, &bytes, e);
}

static enum status ask_state(struct index_view *v, struct err *e)
{
    SCOPED(buf_release) struct buf out = BUF_EMPTY;
    bool found = false;
    uint64_t seq = 0;
    return catalog_state(v, "k", &out, &found, &seq, e);
}

Test(catalog, a_record_of_the_wrong_shape_is_told_and_nothing_is_made_of_it)
{
    static const uint8_t zero[400], odd[30] = {[29] = 2}, state[10] = {[8] = 2};
    static const uint8_t digest[33] = {1, 7}, pack[9] = {0, 0, 0, 0, 0, 0, 0, 8};
    static const struct {
        enum index_table t;
        struct span key, record;
        enum status (*ask)(struct index_view *v, struct err *e);
    } rows[] = {
        {INDEX_META, {(const uint8_t *)"mark", 4}, {zero, 199}, ask_mark},
        {INDEX_CHUNKS, {digest, 33}, {zero, 29}, ask_record},
        {INDEX_CHUNKS, {digest, 33}, {odd, 30}, ask_record},
        {INDEX_PACKS, {pack, 8}, {zero, 23}, ask_pack},
        {INDEX_PACKS, {pack, 9}, {zero, 24}, ask_pack},
        {INDEX_RECIPES, {digest + 1, 32}, {zero, 43}, ask_recipe},
        {INDEX_META, {(const uint8_t *)"name/n", 6}, {zero, 15}, ask_name},
        {INDEX_STATE, {(const uint8_t *)"k", 1}, {zero, 8}, ask_state},
        {INDEX_STATE, {(const uint8_t *)"k", 1}, {state, 10}, ask_state},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err e = ERR_NONE;
        struct store_room r = room_make();
        struct index_view *v = NULL;
        forge(&r, rows[i].t, rows[i].key, rows[i].record);
        OK(index_view_open(r.s->index, &v, &e));
        cr_assert_eq(rows[i].ask(v, &e), ST_CORRUPT, "row %zu", i);
        cr_assert_str_eq(err_code(&e), "index-value");
        index_view_close(v);
        room_remove(&r);
    }
}

Test(catalog, a_key_of_the_recipes_that_is_no_digest_is_told)
{
    static const uint8_t zero[44];
    struct store_room r = room_make();
    forge(&r, INDEX_RECIPES, SPAN((const uint8_t *)"short", 5), SPAN(zero, 44));
    assert_told(&r, "index-value");
    room_remove(&r);
}

/* -- places that are none ------------------------------------------------------------------------
 */

/* The key of the one chunk of a content, and its record. */
static void only_chunk(struct store_room *r, struct span bytes, uint8_t key[33], struct buf *record)
{
    struct err e = ERR_NONE;
    const struct digest d = digest_of(bytes);
    bool found = false;
    key[0] = PACK_CHUNK;
    memcpy(key + 1, d.b, DIGEST_BYTES);
    OK(index_get(r->s->index, INDEX_CHUNKS, SPAN(key, 33), record, &found, &e));
    cr_assert(found);
}

Test(catalog, a_chunk_that_is_nowhere_or_of_another_length_is_named_by_its_content)
{
    for (unsigned lies = 0; lies < 2; lies++) {
        struct err e = ERR_NONE;
        struct store_room r = room_make();
        struct digest content;
        uint8_t key[33];
        SCOPED(buf_release) struct buf bytes = room_bytes(3000, 1), record = BUF_EMPTY;
        SCOPED(buf_release) struct buf got = BUF_EMPTY;
        OK(room_install(&r, "one", 1, 3000, 1, &e));
        content = digest_of(buf_span(&bytes));
        only_chunk(&r, buf_span(&bytes), key, &record);
        record.p[20] ^= 1; /* its length */
        forge(&r, INDEX_CHUNKS, SPAN(key, 33), lies ? buf_span(&record) : SPAN(NULL, 0));
        cr_assert_eq(store_content_read(r.s, &content, sink_buf(&got), NULL, &e), ST_CORRUPT);
        cr_assert_str_eq(err_code(&e), "chunk-missing");
        cr_assert_eq(got.n, 0);
        assert_told(&r, "chunk-missing");
        room_remove(&r);
    }
}

/* -- facts that are none -------------------------------------------------------------------------
 */

static enum status ignore(void *ctx, const struct quarantine_facts *f, struct err *e)
{
    (void)ctx;
    (void)f;
    (void)e;
    return ST_OK;
}

Test(catalog, facts_of_a_quarantined_input_that_are_damaged_or_anothers_are_not_believed)
{
    static const char other[] = "the facts are another entry's";
    static const char broken[] = "the facts of a quarantined input are not in order";
    static const struct {
        const char *value, *why;
    } rows[] = {
        {"{}", broken},
        {"no json", broken},
        {"{\"bytes\":3,\"code\":\"c\",\"id\":\"7-0000000000ff\",\"message\":\"m\",\"name\":"
         "\"n\","
         "\"sha256\":\"00000000000000000000000000000000000000000000000000000000000000aa\","
         "\"stage\":\"s\",\"status\":\"s\",\"time\":\"t\"}",
         other},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err e = ERR_NONE;
        struct store_room r = room_make();
        forge_state(&r, "quarantine/7-000000000001", rows[i].value);
        cr_assert_eq(quarantine_each(r.s, ignore, NULL, &e), ST_CORRUPT, "row %zu", i);
        cr_assert_str_eq(e.detail, rows[i].why);
        room_remove(&r);
    }
}

/* -- the mark ------------------------------------------------------------------------------------
 */

Test(catalog, a_mark_of_another_ledgers_entry_is_told_and_the_head_not_made_from_it)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct catalog_mark m;
    enum ledger_mended mended = LEDGER_AS_IT_WAS;
    OK(room_set(&r, "a", "1", NULL, &e));
    OK(store_mark(r.s, &m, &e));
    m.head.b[3] ^= 1;
    forge_mark(&r, &m);
    assert_told(&r, "ledger-fold");
    store_close(r.s);
    r.s = NULL;
    cr_assert_eq(store_open(r.path, &r.s, &e), ST_CORRUPT);
    cr_assert_str_eq(err_code(&e), "ledger-head");
    cr_assert_eq(temp_run(&r.t, "rm store/ledger.head"), 0);
    e = ERR_NONE;
    cr_assert_eq(ledger_mend(r.path, &mended, &e), ST_SET_BACK);
    cr_assert_str_eq(err_code(&e), "ledger-cut");
    cr_assert_eq(mended, LEDGER_AS_IT_WAS);
    room_remove(&r);
}

Test(catalog, an_installed_artifact_without_a_name_or_told_wrongly_is_not_evicted)
{
    static const char hex[] = "installed/"
                              "00000000000000000000000000000000000000000000000000000000000000aa";
    static const struct {
        const char *key, *value, *why;
    } rows[] = {
        {"installed/zz", "{\"bytes\":1,\"contents\":\"\",\"name\":\"n\"}",
         "a key of the installed names no artifact"},
        {hex, "{}", "what an artifact has installed is told wrongly"},
        {hex, "{\"bytes\":-1,\"contents\":\"\",\"name\":\"n\"}",
         "what an artifact has installed is told wrongly"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err e = ERR_NONE;
        struct store_room r = room_make();
        struct evict_report report;
        const struct evict_options o = {.clock = r.clock, .log = r.log, .bytes = UINT64_MAX};
        forge_state(&r, rows[i].key, rows[i].value);
        cr_assert_eq(evict_run(r.s, &o, NULL, NULL, &report, &e), ST_CORRUPT, "row %zu", i);
        cr_assert_str_eq(e.detail, rows[i].why);
        room_remove(&r);
    }
}
