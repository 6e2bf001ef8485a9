#include "store/catalog.h"
#include "base/cursor.h"
#include "store/store.h"
#include <string.h>

#define CHUNK_KEY         33u
#define CHUNK_RECORD      25u
#define PACK_RECORD_BYTES 16u
#define RECIPE_RECORD     40u
#define STATE_HEAD        9u
#define MARK_RECORD       104u

static const char mark_key[] = "mark";

static enum status malformed(struct err *e, const char *what)
{
    (void)err_set(e, ST_CORRUPT, "index-value",
                  "%s is damaged; delete the index folder, it is folded again", what);
    return err_subject(e, "index");
}

/* -- the mark ------------------------------------------------------------------------------------
 */

enum status catalog_mark_get(struct index_view *v, struct catalog_mark *out, struct err *e)
{
    uint8_t record[MARK_RECORD];
    struct buf b = buf_over(record, sizeof record);
    bool found = false;
    enum status st = index_view_get(v, INDEX_META, span_text(mark_key), &b, &found, e);
    if (st != ST_OK)
        return st;
    if (!found || b.n != MARK_RECORD)
        return malformed(e, "the index's mark");
    memcpy(out->charter.b, record, DIGEST_BYTES);
    out->next_pack = get_le64(record + 32);
    out->stored_bytes = get_le64(record + 40);
    out->ledger_offset = get_le64(record + 48);
    out->seq = get_le64(record + 56);
    memcpy(out->head.b, record + 64, DIGEST_BYTES);
    out->ledger_line = get_le64(record + 96);
    return ST_OK;
}

enum status catalog_mark_put(struct index_write *w, const struct catalog_mark *m, struct err *e)
{
    uint8_t record[MARK_RECORD];
    memcpy(record, m->charter.b, DIGEST_BYTES);
    put_le64(record + 32, m->next_pack);
    put_le64(record + 40, m->stored_bytes);
    put_le64(record + 48, m->ledger_offset);
    put_le64(record + 56, m->seq);
    memcpy(record + 64, m->head.b, DIGEST_BYTES);
    put_le64(record + 96, m->ledger_line);
    return index_put(w, INDEX_META, span_text(mark_key), SPAN(record, sizeof record), e);
}

/* -- records of packs ----------------------------------------------------------------------------
 */

enum index_table catalog_table(enum pack_kind kind)
{
    return kind == PACK_CHUNK ? INDEX_CHUNKS : INDEX_RECORDS;
}

static void chunk_key(enum pack_kind kind, const struct digest *d, uint8_t key[CHUNK_KEY])
{
    key[0] = (uint8_t)kind;
    memcpy(key + 1, d->b, DIGEST_BYTES);
}

enum status catalog_entry_decode(struct span key, struct span record, struct pack_entry *out,
                                 struct err *e)
{
    if (key.n != CHUNK_KEY || record.n != CHUNK_RECORD)
        return malformed(e, "a record's place");
    memcpy(out->digest.b, key.p + 1, DIGEST_BYTES);
    out->at = (struct pack_location){.pack = get_le64(record.p),
                                     .offset = get_le64(record.p + 8),
                                     .stored = get_le32(record.p + 16),
                                     .length = get_le32(record.p + 20),
                                     .kind = key.p[0],
                                     .encoding = record.p[24]};
    return ST_OK;
}

enum status catalog_find(struct index_view *v, enum pack_kind kind, const struct digest *d,
                         bool *found, struct pack_location *at, struct err *e)
{
    uint8_t key[CHUNK_KEY], record[CHUNK_RECORD];
    struct buf b = buf_over(record, sizeof record);
    chunk_key(kind, d, key);
    enum status st = index_view_get(v, catalog_table(kind), SPAN(key, sizeof key), &b, found, e);
    if (st != ST_OK || !*found)
        return st;
    struct pack_entry entry;
    st = catalog_entry_decode(SPAN(key, sizeof key), buf_span(&b), &entry, e);
    if (st == ST_OK)
        *at = entry.at;
    return st;
}

enum status catalog_learn(struct index_write *w, const struct pack_entry *entry, struct err *e)
{
    uint8_t key[CHUNK_KEY], record[CHUNK_RECORD];
    chunk_key((enum pack_kind)entry->at.kind, &entry->digest, key);
    put_le64(record, entry->at.pack);
    put_le64(record + 8, entry->at.offset);
    put_le32(record + 16, entry->at.stored);
    put_le32(record + 20, entry->at.length);
    record[24] = entry->at.encoding;
    return index_put(w, catalog_table((enum pack_kind)entry->at.kind), SPAN(key, sizeof key),
                     SPAN(record, sizeof record), e);
}

enum status catalog_pack_decode(struct span key, struct span record, uint64_t *id, uint64_t *bytes,
                                uint64_t *records, struct err *e)
{
    if (key.n != 8 || record.n != PACK_RECORD_BYTES)
        return malformed(e, "a pack's facts");
    *id = 0;
    for (size_t i = 0; i < 8; i++)
        *id = *id << 8 | key.p[i];
    *bytes = get_le64(record.p);
    *records = get_le64(record.p + 8);
    return ST_OK;
}

enum status catalog_learn_pack(struct index_write *w, uint64_t id, uint64_t bytes, uint64_t records,
                               struct err *e)
{
    uint8_t key[8], record[PACK_RECORD_BYTES];
    for (size_t i = 0; i < 8; i++)
        key[i] = (uint8_t)(id >> (56 - 8 * i));
    put_le64(record, bytes);
    put_le64(record + 8, records);
    return index_put(w, INDEX_PACKS, SPAN(key, sizeof key), SPAN(record, sizeof record), e);
}

/* -- recipes -------------------------------------------------------------------------------------
 */

enum status catalog_recipe(struct index_view *v, const struct digest *content, bool *found,
                           struct digest *root, uint64_t *bytes, struct err *e)
{
    uint8_t record[RECIPE_RECORD];
    struct buf b = buf_over(record, sizeof record);
    enum status st = index_view_get(v, INDEX_RECIPES, SPAN(content->b, DIGEST_BYTES), &b, found, e);
    if (st != ST_OK || !*found)
        return st;
    if (b.n != RECIPE_RECORD)
        return malformed(e, "a recipe's place");
    memcpy(root->b, record, DIGEST_BYTES);
    *bytes = get_le64(record + DIGEST_BYTES);
    return ST_OK;
}

enum status catalog_learn_recipe(struct index_write *w, const struct digest *content,
                                 const struct digest *root, uint64_t bytes, struct err *e)
{
    uint8_t record[RECIPE_RECORD];
    memcpy(record, root->b, DIGEST_BYTES);
    put_le64(record + DIGEST_BYTES, bytes);
    return index_put(w, INDEX_RECIPES, SPAN(content->b, DIGEST_BYTES), SPAN(record, sizeof record),
                     e);
}

/* -- state ---------------------------------------------------------------------------------------
 */

enum status catalog_state_decode(struct span record, struct span *value, bool *found, uint64_t *seq,
                                 struct err *e)
{
    if (record.n < STATE_HEAD || record.p[8] > 1)
        return malformed(e, "a state's value");
    *seq = get_le64(record.p);
    *found = record.p[8] == 1;
    *value = SPAN(record.p + STATE_HEAD, record.n - STATE_HEAD);
    return ST_OK;
}

enum status catalog_state(struct index_view *v, const char *key, struct buf *out, bool *found,
                          uint64_t *seq, struct err *e)
{
    SCOPED(buf_release) struct buf record = BUF_EMPTY;
    size_t n = strlen(key);
    *found = false;
    *seq = 0;
    if (n == 0 || n > STORE_KEY_MAX)
        return ST_OK; /* nothing was ever put under such a key */
    bool there = false;
    enum status st = index_view_get(v, INDEX_STATE, SPAN(key, n), &record, &there, e);
    if (st != ST_OK || !there)
        return st;
    struct span value = {0};
    st = catalog_state_decode(buf_span(&record), &value, found, seq, e);
    if (st != ST_OK || !*found)
        return st;
    buf_append(out, value);
    st = buf_status(out);
    return st == ST_OK ? st : err_set(e, st, NULL, "a value of the state");
}

/* What lies below STORE_ONCE stays as it was first set, whoever signs entries. */
static enum status hold_once(struct index_write *w, uint64_t seq, const char *key, const char *text,
                             struct err *e)
{
    SCOPED(buf_release) struct buf record = BUF_EMPTY;
    bool there = false, found = false;
    uint64_t by = 0;
    struct span value = {0};
    if (strncmp(key, STORE_ONCE, strlen(STORE_ONCE)) != 0)
        return ST_OK;
    enum status st = index_write_get(w, INDEX_STATE, SPAN(key, strlen(key)), &record, &there, e);
    if (st == ST_OK && there)
        st = catalog_state_decode(buf_span(&record), &value, &found, &by, e);
    if (st != ST_OK || (text != NULL && (!there || span_equal(value, span_text(text)))))
        return st;
    (void)err_set(e, ST_CORRUPT, "state-once", "entry %llu changes what is set once and for all",
                  (unsigned long long)seq);
    return err_subject(e, "%s", key);
}

static enum status apply_one(struct index_write *w, uint64_t seq, const char *key,
                             const struct json *value, struct err *e)
{
    SCOPED(buf_release) struct buf record = BUF_EMPTY;
    size_t n = key == NULL ? 0 : strlen(key);
    const char *text = json_as_string(value);
    if (n == 0 || n > STORE_KEY_MAX || (text == NULL && json_kind(value) != JSON_NULL))
        return err_set(e, ST_CORRUPT, "ledger-set", "entry %llu sets a key or value out of bounds",
                       (unsigned long long)seq);
    enum status st = hold_once(w, seq, key, text, e);
    if (st != ST_OK)
        return st;
    uint8_t *head = buf_space(&record, STATE_HEAD);
    if (head != NULL) {
        put_le64(head, seq);
        head[8] = text != NULL;
    }
    if (text != NULL)
        buf_text(&record, text);
    st = buf_status(&record);
    if (st != ST_OK)
        return err_set(e, st, NULL, "a value of the state");
    return index_put(w, INDEX_STATE, SPAN(key, n), buf_span(&record), e);
}

enum status catalog_apply(struct index_write *w, const struct ledger_entry *entry, struct err *e)
{
    enum status st = ST_OK;
    for (size_t i = 0, n = json_count(entry->set); i < n && st == ST_OK; i++) {
        const struct json *value = NULL;
        const char *key = json_member(entry->set, i, &value);
        st = apply_one(w, entry->seq, key, value, e);
    }
    return st;
}
