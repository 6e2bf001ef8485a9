/* An index whose values are sound each by itself and say something else than packs and ledger: what
 * the check tells of it. */
#include "base/bytes.h"
#include "base/hash64.h"
#include "store/catalog_write.h"
#include "store/install.h"
#include "store/pack_format.h"
#include "store/quota.h"
#include "store/store_inside.h"
#include "tests/store/told_support.h"
#include <errno.h>
#include <fcntl.h>

/* A store with one artifact of one content, a document and a key; `content` is the content's. */
static struct store_room stale_room(struct content *content, struct digest *document)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    SCOPED(buf_release) struct buf bytes = room_bytes(5000, 7);
    OK(room_add(&r, buf_span(&bytes), content, &e));
    OK(room_install(&r, "artifact", 1, 5000, 7, &e));
    OK(room_document(&r, span_text("document"), document, &e));
    OK(room_set(&r, "a", "1", NULL, &e));
    OK(room_set(&r, "b", "1", NULL, &e));
    return r;
}

static struct index_write *begin(struct store_room *r)
{
    struct err e = ERR_NONE;
    struct index_write *w = NULL;
    OK(index_begin(r->s->index, &w, &e));
    return w;
}

/* The record's entry in the index, to be changed and put back. */
static struct catalog_record record_of(struct index_write *w, enum pack_kind kind,
                                       const struct digest *d)
{
    struct err e = ERR_NONE;
    struct catalog_record r;
    bool found = false;
    OK(catalog_record_get(w, kind, d, &found, &r, &e));
    cr_assert(found);
    return r;
}

static void commit_and_tell(struct store_room *r, struct index_write *w, const char *what)
{
    struct err e = ERR_NONE;
    OK(index_commit(w, &e));
    assert_told(r, what);
    room_remove(r);
}

/* The only chunk of a content that has one. */
static struct digest chunk_of(struct store_room *r)
{
    SCOPED(buf_release) struct buf bytes = room_bytes(5000, 7);
    (void)r;
    return digest_of(buf_span(&bytes));
}

/* The index has it that entry seq set b to that value. */
static void tell_of_b(struct store_room *r, uint64_t seq, char value)
{
    struct err e = ERR_NONE;
    struct index_write *w = begin(r);
    uint8_t record[10] = {0};
    put_le64(record, seq);
    record[8] = 1;
    record[9] = (uint8_t)value;
    OK(index_put(w, INDEX_STATE, span_text("b"), SPAN(record, sizeof record), &e));
    commit_and_tell(r, w, "made of key b");
}

Test(stale, a_key_whose_last_entry_the_index_missed_is_told)
{
    struct content c;
    struct digest d;
    struct store_room r = stale_room(&c, &d);
    tell_of_b(&r, 2, '1'); /* an older entry set it */
}

Test(stale, a_key_with_another_value_is_told)
{
    struct err e = ERR_NONE;
    struct content c;
    struct digest d;
    struct store_facts facts;
    struct store_room r = stale_room(&c, &d);
    OK(store_facts(r.s, &facts, &e));
    tell_of_b(&r, facts.seq, '2');
}

Test(stale, an_index_that_knows_more_entries_than_the_ledger_is_told)
{
    struct err e = ERR_NONE;
    struct content c;
    struct digest d;
    struct catalog_mark m;
    struct store_room r = stale_room(&c, &d);
    OK(store_mark(r.s, &m, &e));
    m.seq++;
    struct index_write *w = begin(&r);
    OK(catalog_mark_put(w, &m, &e));
    commit_and_tell(&r, w, "ledger-cut");
}

Test(stale, a_pack_that_the_index_does_not_know_is_told)
{
    struct err e = ERR_NONE;
    struct content c;
    struct digest d;
    struct store_room r = stale_room(&c, &d);
    struct index_write *w = begin(&r);
    OK(catalog_pack_delete(w, 1, &e));
    commit_and_tell(&r, w, "a pack that the index does not know");
}

Test(stale, a_pack_of_another_size_than_the_index_learnt_is_told)
{
    for (int which = 0; which < 2; which++) {
        struct err e = ERR_NONE;
        struct content c;
        struct digest d;
        struct catalog_pack p;
        bool found = false;
        struct store_room r = stale_room(&c, &d);
        struct index_write *w = begin(&r);
        OK(catalog_pack_get(w, 1, &found, &p, &e));
        *(which ? &p.bytes : &p.records) += 1;
        OK(catalog_pack_put(w, &p, &e));
        commit_and_tell(&r, w, "the pack has not the size or the records");
    }
}

Test(stale, what_is_no_pack_among_the_packs_is_told_as_that)
{
    struct content c;
    struct digest d;
    struct store_room r = stale_room(&c, &d);
    temp_write(&r.t, "store/packs/notes.txt", span_text("mine"));
    temp_write(&r.t, "store/quarantine/notes.txt", span_text("mine"));
    temp_write(&r.t, "store/notes.txt", span_text("mine"));
    assert_told(&r, "no pack; it is left alone");
    assert_told(&r, "nothing that was quarantined; it is left alone");
    assert_told(&r, "not of the store; it is left alone");
    room_remove(&r);
}

Test(stale, a_count_of_needs_that_no_artifact_has_is_told)
{
    struct err e = ERR_NONE;
    struct content c;
    struct digest d;
    struct store_room r = stale_room(&c, &d);
    const struct digest chunk = chunk_of(&r);
    struct index_write *w = begin(&r);
    struct catalog_record now = record_of(w, PACK_CHUNK, &chunk);
    now.refs++;
    OK(catalog_record_put(w, &chunk, &now, &e));
    commit_and_tell(&r, w, "the index counts wrongly which records are needed");
}

Test(stale, a_record_of_another_length_than_its_header_says_is_told)
{
    for (int which = 0; which < 3; which++) {
        struct err e = ERR_NONE;
        struct content c;
        struct digest d;
        struct store_room r = stale_room(&c, &d);
        const struct digest chunk = chunk_of(&r);
        struct index_write *w = begin(&r);
        struct catalog_record now = record_of(w, PACK_CHUNK, &chunk);
        if (which == 2)
            now.at.encoding = now.at.encoding == ENCODING_RAW ? ENCODING_ZSTD : ENCODING_RAW;
        else
            *(which ? &now.at.stored : &now.at.length) -= 1;
        OK(catalog_record_put(w, &chunk, &now, &e));
        commit_and_tell(&r, w, "the index does not know a record of pack");
    }
}

Test(stale, a_document_that_the_index_does_not_know_is_told)
{
    struct err e = ERR_NONE;
    struct content c;
    struct digest d;
    struct store_room r = stale_room(&c, &d);
    struct index_write *w = begin(&r);
    OK(catalog_record_delete(w, PACK_DOCUMENT, &d, &e));
    commit_and_tell(&r, w, "the index does not know a record of pack");
}

Test(stale, a_content_that_the_index_does_not_know_is_told)
{
    struct err e = ERR_NONE;
    struct content c;
    struct digest d;
    struct store_room r = stale_room(&c, &d);
    struct index_write *w = begin(&r);
    OK(index_delete(w, INDEX_RECIPES, SPAN(c.sha256.b, DIGEST_BYTES), &e));
    commit_and_tell(&r, w, "the index does not know a record of pack");
}

/* -- values that a change must not believe -------------------------------------------------------
 */

Test(stale, what_an_artifact_has_installed_is_contents_or_damage)
{
    static const char *const wrong[] = {
        "",
        "1",
        "{}",
        "{\"name\":\"a\",\"bytes\":1}",
        "{\"name\":1,\"bytes\":1,\"contents\":\"\"}",
        "{\"name\":\"a\",\"bytes\":1,\"contents\":\"AAAA\"}", /* 3 bytes are no digests */
        "{\"name\":\"a\",\"bytes\":1,\"contents\":\"?\"}",
        "{\"name\":\"a\",\"bytes\":-1,\"contents\":\"\"}"};
    struct err e = ERR_NONE;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        SCOPED(install_release) struct install out = {0};
        e = ERR_NONE;
        cr_expect_eq(install_decode(span_text(wrong[i]), &out, &e), ST_CORRUPT, "%s", wrong[i]);
        cr_expect_str_eq(err_code(&e), "installed", "%s", wrong[i]);
    }
}

Test(stale, no_entry_says_that_something_is_installed_which_a_fold_cannot_read)
{
    struct err e = ERR_NONE;
    struct content c;
    struct digest d;
    struct store_room r = stale_room(&c, &d);
    char key[STORE_KEY_MAX];
    install_key(INSTALL_PREFIX, &d, key);
    cr_assert_eq(room_set(&r, key, "nonsense", NULL, &e), ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "installed");
    cr_expect_str_eq(e.subject, key);
    room_remove(&r);
}

Test(stale, a_quota_that_is_no_number_is_none)
{
    struct err e = ERR_NONE;
    struct content c;
    struct digest d;
    uint64_t limit = 0;
    struct store_room r = stale_room(&c, &d);
    struct index_write *w = begin(&r);
    uint8_t record[9 + 4] = {0};
    put_le64(record, 2);
    record[8] = 1;
    memcpy(record + 9, "many", 4);
    OK(index_put(w, INDEX_STATE, span_text("quota/bytes"), SPAN(record, sizeof record), &e));
    OK(index_commit(w, &e));
    cr_assert_eq(quota_limit(r.s, "quota/bytes", &limit, &e), ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "quota-value");
    cr_expect_str_eq(e.subject, "quota/bytes");
    room_remove(&r);
}

Test(stale, a_store_without_a_head_does_not_know_when_it_was)
{
    struct err e = ERR_NONE;
    struct content c;
    struct digest d;
    int64_t when = 0;
    struct store_room r = stale_room(&c, &d);
    OK(store_seen(r.s, &when, &e));
    cr_assert_eq(temp_run(&r.t, "rm store/ledger.head"), 0);
    cr_assert_eq(store_seen(r.s, &when, &e), ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "ledger-head");
    room_remove(&r);
}

Test(stale, no_head_is_made_of_an_entry_that_the_log_key_did_not_sign)
{
    struct err e = ERR_NONE;
    struct content c;
    struct digest d, hash;
    struct store_facts facts;
    enum ledger_mended mended = LEDGER_AS_IT_WAS;
    struct store_room r = stale_room(&c, &d);
    struct signer *other = temp_key(&r.t, "other");
    SCOPED(buf_release) struct buf ledger = BUF_EMPTY;
    OK(store_facts(r.s, &facts, &e));
    temp_read(&r.t, "store/ledger", &ledger);
    OK(ledger_encode(facts.seq + 1, &facts.head, "test", "2030-01-01T00:00:00Z", span_text("{}"),
                     span_text("{}"), other, &ledger, &hash, &e));
    temp_write(&r.t, "store/ledger", buf_span(&ledger));
    cr_assert_eq(temp_run(&r.t, "rm store/ledger.head"), 0);
    store_close(r.s);
    r.s = NULL;
    cr_assert_eq(ledger_mend(r.path, &mended, &e), ST_CORRUPT, "%s", e.detail);
    cr_expect_str_eq(err_code(&e), "ledger-signature");
    cr_expect_eq(mended, LEDGER_AS_IT_WAS);
    signer_close(other);
    room_remove(&r);
}

/* -- nothing is written where there is no room for all -------------------------------------------
 */

static int no_room(void *ctx, const char *call, const char *path, int fd, uint64_t bytes)
{
    unsigned *writes = ctx;
    (void)path, (void)fd, (void)bytes;
    *writes += strcmp(call, "write") == 0 || strcmp(call, "pwrite") == 0;
    return strcmp(call, "fallocate") == 0 ? ENOSPC : 0;
}

Test(stale, a_content_that_has_no_room_is_not_begun)
{
    struct err e = ERR_NONE;
    struct content c;
    struct digest d;
    unsigned writes = 0;
    struct store_room r = stale_room(&c, &d);
    temp_write(&r.t, "out", span_text(""));
    SCOPED(fd_release) int fd = openat(r.t.dir, "out", O_RDWR | O_CLOEXEC);
    io_watch(no_room, &writes);
    enum status st = store_content_write(r.s, &c.sha256, fd, NULL, &e);
    io_watch(NULL, NULL);
    cr_expect_eq(st, ST_NO_SPACE, "%s", e.detail);
    cr_expect_eq(writes, 0);
    room_remove(&r);
}
