#include "store/catalog.h"
#include "base/cursor.h"
#include "base/text.h"
#include "store/catalog_write.h"
#include "store/store.h"
#include <string.h>

#define CHUNK_KEY     33u
#define CHUNK_RECORD  30u
#define PACK_FACTS    24u
#define RECIPE_RECORD 44u
#define STATE_HEAD    9u
#define NAME_RECORD   16u

static const char mark_key[] = "mark";

static enum status malformed(struct err *e, const char *what)
{
    (void)err_set(e, ST_CORRUPT, "index-value",
                  "%s is damaged; delete the index folder, it is folded again", what);
    return err_subject(e, "index");
}

/* -- the mark ------------------------------------------------------------------------------------
 */

/* The numbers of a mark in the order they are written, behind its two digests. */
#define MARK_NUMBERS 17u
#define MARK_RECORD  (2 * DIGEST_BYTES + 8 * MARK_NUMBERS)

static void mark_numbers(struct catalog_mark *m, uint64_t *to[MARK_NUMBERS])
{
    uint64_t *const all[MARK_NUMBERS] = {&m->next_pack,   &m->stored_bytes,
                                         &m->ledger_line, &m->ledger_offset,
                                         &m->seq,         &m->step,
                                         &m->page,        &m->drops,
                                         &m->drop_bytes,  &m->unplaced,
                                         &m->uncounted,   &m->unlisted,
                                         &m->installed,   &m->installed_bytes,
                                         &m->quarantined, &m->quarantined_bytes,
                                         &m->live};
    memcpy(to, all, sizeof all);
}

enum status catalog_mark_get(struct index_view *v, struct catalog_mark *out, struct err *e)
{
    uint8_t record[MARK_RECORD];
    uint64_t *numbers[MARK_NUMBERS];
    struct buf b = buf_over(record, sizeof record);
    bool found = false;
    enum status st = index_view_get(v, INDEX_META, span_text(mark_key), &b, &found, e);
    if (st != ST_OK)
        return st;
    if (!found || b.n != MARK_RECORD)
        return malformed(e, "the index's mark");
    memcpy(out->charter.b, record, DIGEST_BYTES);
    memcpy(out->head.b, record + DIGEST_BYTES, DIGEST_BYTES);
    mark_numbers(out, numbers);
    for (size_t i = 0; i < MARK_NUMBERS; i++)
        *numbers[i] = get_le64(record + 2 * DIGEST_BYTES + 8 * i);
    return ST_OK;
}

enum status catalog_mark_put(struct index_write *w, const struct catalog_mark *m, struct err *e)
{
    uint8_t record[MARK_RECORD];
    uint64_t *numbers[MARK_NUMBERS];
    struct catalog_mark copy = *m;
    memcpy(record, m->charter.b, DIGEST_BYTES);
    memcpy(record + DIGEST_BYTES, m->head.b, DIGEST_BYTES);
    mark_numbers(&copy, numbers);
    for (size_t i = 0; i < MARK_NUMBERS; i++)
        put_le64(record + 2 * DIGEST_BYTES + 8 * i, *numbers[i]);
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

enum status catalog_record_decode(struct span key, struct span record, struct digest *d,
                                  struct catalog_record *out, struct err *e)
{
    if (key.n != CHUNK_KEY || record.n != CHUNK_RECORD || record.p[29] > 1)
        return malformed(e, "a record's place");
    memcpy(d->b, key.p + 1, DIGEST_BYTES);
    *out = (struct catalog_record){.at = {.pack = get_le64(record.p),
                                          .offset = get_le64(record.p + 8),
                                          .stored = get_le32(record.p + 16),
                                          .length = get_le32(record.p + 20),
                                          .kind = key.p[0],
                                          .encoding = record.p[24]},
                                   .refs = get_le32(record.p + 25),
                                   .counted = record.p[29] == 1};
    return ST_OK;
}

enum status catalog_record(struct index_view *v, enum pack_kind kind, const struct digest *d,
                           bool *found, struct catalog_record *out, struct err *e)
{
    uint8_t key[CHUNK_KEY], record[CHUNK_RECORD];
    struct buf b = buf_over(record, sizeof record);
    struct digest same;
    chunk_key(kind, d, key);
    enum status st = index_view_get(v, catalog_table(kind), SPAN(key, sizeof key), &b, found, e);
    return st == ST_OK && *found
               ? catalog_record_decode(SPAN(key, sizeof key), buf_span(&b), &same, out, e)
               : st;
}

enum status catalog_find(struct index_view *v, enum pack_kind kind, const struct digest *d,
                         bool *found, struct pack_location *at, struct err *e)
{
    struct catalog_record r;
    enum status st = catalog_record(v, kind, d, found, &r, e);
    if (st != ST_OK || !*found)
        return st;
    *found = r.at.pack != 0;
    *at = r.at;
    return ST_OK;
}

enum status catalog_record_get(struct index_write *w, enum pack_kind kind, const struct digest *d,
                               bool *found, struct catalog_record *out, struct err *e)
{
    uint8_t key[CHUNK_KEY], record[CHUNK_RECORD];
    struct buf b = buf_over(record, sizeof record);
    struct digest same;
    chunk_key(kind, d, key);
    *out = (struct catalog_record){.at = {.kind = (uint8_t)kind}};
    enum status st = index_write_get(w, catalog_table(kind), SPAN(key, sizeof key), &b, found, e);
    return st == ST_OK && *found
               ? catalog_record_decode(SPAN(key, sizeof key), buf_span(&b), &same, out, e)
               : st;
}

enum status catalog_record_put(struct index_write *w, const struct digest *d,
                               const struct catalog_record *r, struct err *e)
{
    uint8_t key[CHUNK_KEY], record[CHUNK_RECORD];
    const enum pack_kind kind = (enum pack_kind)r->at.kind;
    if (r->at.pack == 0 && r->refs == 0)
        return catalog_record_delete(w, kind, d, e);
    chunk_key(kind, d, key);
    put_le64(record, r->at.pack);
    put_le64(record + 8, r->at.offset);
    put_le32(record + 16, r->at.stored);
    put_le32(record + 20, r->at.length);
    record[24] = r->at.encoding;
    put_le32(record + 25, r->refs);
    record[29] = r->counted;
    return index_put(w, catalog_table(kind), SPAN(key, sizeof key), SPAN(record, sizeof record), e);
}

enum status catalog_record_delete(struct index_write *w, enum pack_kind kind,
                                  const struct digest *d, struct err *e)
{
    uint8_t key[CHUNK_KEY];
    chunk_key(kind, d, key);
    return index_delete(w, catalog_table(kind), SPAN(key, sizeof key), e);
}

/* -- packs ---------------------------------------------------------------------------------------
 */

void catalog_id_key(uint64_t id, uint8_t key[8])
{
    for (size_t i = 0; i < 8; i++)
        key[i] = (uint8_t)(id >> (56 - 8 * i));
}

uint64_t catalog_id(const uint8_t key[8])
{
    uint64_t id = 0;
    for (size_t i = 0; i < 8; i++)
        id = id << 8 | key[i];
    return id;
}

void catalog_drop_key(uint64_t pack, uint8_t key[CATALOG_DROP])
{
    memcpy(key, "drop", 4);
    catalog_id_key(pack, key + 4);
}

enum status catalog_pack_decode(struct span key, struct span record, struct catalog_pack *out,
                                struct err *e)
{
    if (key.n != 8 || record.n != PACK_FACTS)
        return malformed(e, "a pack's facts");
    *out = (struct catalog_pack){.id = catalog_id(key.p),
                                 .bytes = get_le64(record.p),
                                 .records = get_le64(record.p + 8),
                                 .live = get_le64(record.p + 16)};
    return ST_OK;
}

struct first_pack {
    bool found;
    struct catalog_pack *out;
};

static enum status take_first(void *ctx, struct span key, struct span record, struct err *e)
{
    struct first_pack *f = ctx;
    f->found = true;
    enum status st = catalog_pack_decode(key, record, f->out, e);
    return st == ST_OK ? ST_CANCELLED : st;
}

enum status catalog_pack_from(struct index_view *v, uint64_t id, bool *found,
                              struct catalog_pack *out, struct err *e)
{
    uint8_t key[8];
    struct first_pack f = {.out = out};
    catalog_id_key(id, key);
    enum status st = index_view_from(v, INDEX_PACKS, SPAN(key, sizeof key), take_first, &f, e);
    *found = f.found;
    return st == ST_CANCELLED ? ST_OK : st;
}

static enum status take_largest(void *ctx, struct span key, struct span record, struct err *e)
{
    uint64_t *most = ctx;
    struct catalog_pack p = {.bytes = 0};
    enum status st = catalog_pack_decode(key, record, &p, e);
    *most = st == ST_OK && p.bytes > *most ? p.bytes : *most;
    return st;
}

enum status catalog_largest(struct index_view *v, uint64_t *most, struct err *e)
{
    return index_view_each(v, INDEX_PACKS, SPAN(NULL, 0), take_largest, most, e);
}

enum status catalog_pack_get(struct index_write *w, uint64_t id, bool *found,
                             struct catalog_pack *out, struct err *e)
{
    uint8_t key[8], record[PACK_FACTS];
    struct buf b = buf_over(record, sizeof record);
    catalog_id_key(id, key);
    *out = (struct catalog_pack){.id = id};
    enum status st = index_write_get(w, INDEX_PACKS, SPAN(key, sizeof key), &b, found, e);
    return st == ST_OK && *found ? catalog_pack_decode(SPAN(key, sizeof key), buf_span(&b), out, e)
                                 : st;
}

enum status catalog_pack_put(struct index_write *w, const struct catalog_pack *p, struct err *e)
{
    uint8_t key[8], record[PACK_FACTS];
    catalog_id_key(p->id, key);
    put_le64(record, p->bytes);
    put_le64(record + 8, p->records);
    put_le64(record + 16, p->live);
    return index_put(w, INDEX_PACKS, SPAN(key, sizeof key), SPAN(record, sizeof record), e);
}

enum status catalog_pack_delete(struct index_write *w, uint64_t id, struct err *e)
{
    uint8_t key[8];
    catalog_id_key(id, key);
    return index_delete(w, INDEX_PACKS, SPAN(key, sizeof key), e);
}

/* -- recipes -------------------------------------------------------------------------------------
 */

enum status catalog_recipe_decode(struct span record, struct digest *root, uint64_t *bytes,
                                  uint32_t *refs, struct err *e)
{
    if (record.n != RECIPE_RECORD)
        return malformed(e, "a recipe's place");
    memcpy(root->b, record.p, DIGEST_BYTES);
    *bytes = get_le64(record.p + DIGEST_BYTES);
    *refs = get_le32(record.p + DIGEST_BYTES + 8);
    return ST_OK;
}

enum status catalog_needed(struct index_view *v, const struct digest *content, struct digest *root,
                           uint64_t *bytes, uint32_t *refs, struct err *e)
{
    uint8_t record[RECIPE_RECORD];
    struct buf b = buf_over(record, sizeof record);
    bool found = false;
    *root = (struct digest){{0}};
    *refs = 0;
    enum status st =
        index_view_get(v, INDEX_RECIPES, SPAN(content->b, DIGEST_BYTES), &b, &found, e);
    return st == ST_OK && found ? catalog_recipe_decode(buf_span(&b), root, bytes, refs, e) : st;
}

enum status catalog_recipe(struct index_view *v, const struct digest *content, bool *found,
                           struct digest *root, uint64_t *bytes, struct err *e)
{
    uint32_t refs = 0;
    enum status st = catalog_needed(v, content, root, bytes, &refs, e);
    *found = st == ST_OK && !digest_is_zero(root);
    return st;
}

enum status catalog_content_get(struct index_write *w, const struct digest *content, bool *found,
                                struct catalog_content *out, struct err *e)
{
    uint8_t record[RECIPE_RECORD];
    struct buf b = buf_over(record, sizeof record);
    *out = (struct catalog_content){.refs = 0};
    enum status st =
        index_write_get(w, INDEX_RECIPES, SPAN(content->b, DIGEST_BYTES), &b, found, e);
    return st == ST_OK && *found
               ? catalog_recipe_decode(buf_span(&b), &out->root, &out->bytes, &out->refs, e)
               : st;
}

enum status catalog_content_put(struct index_write *w, const struct digest *content,
                                const struct catalog_content *c, struct err *e)
{
    uint8_t record[RECIPE_RECORD];
    const struct span key = SPAN(content->b, DIGEST_BYTES);
    if (c->refs == 0 && digest_is_zero(&c->root))
        return index_delete(w, INDEX_RECIPES, key, e);
    memcpy(record, c->root.b, DIGEST_BYTES);
    put_le64(record + DIGEST_BYTES, c->bytes);
    put_le32(record + DIGEST_BYTES + 8, c->refs);
    return index_put(w, INDEX_RECIPES, key, SPAN(record, sizeof record), e);
}

/* -- names ---------------------------------------------------------------------------------------
 */

static struct span name_key(const char *name, char key[STORE_KEY_MAX])
{
    return SPAN(key, text_fmt(key, STORE_KEY_MAX, "name/%.200s", name));
}

static enum status name_decode(struct span record, bool found, uint64_t *count, uint64_t *bytes,
                               struct err *e)
{
    *count = *bytes = 0;
    if (!found)
        return ST_OK;
    if (record.n != NAME_RECORD)
        return malformed(e, "a name's sum");
    *count = get_le64(record.p);
    *bytes = get_le64(record.p + 8);
    return ST_OK;
}

enum status catalog_name(struct index_view *v, const char *name, uint64_t *count, uint64_t *bytes,
                         struct err *e)
{
    char key[STORE_KEY_MAX];
    uint8_t record[NAME_RECORD];
    struct buf b = buf_over(record, sizeof record);
    bool found = false;
    enum status st = index_view_get(v, INDEX_META, name_key(name, key), &b, &found, e);
    return st == ST_OK ? name_decode(buf_span(&b), found, count, bytes, e) : st;
}

enum status catalog_name_add(struct index_write *w, const char *name, int64_t count, int64_t bytes,
                             struct err *e)
{
    char text[STORE_KEY_MAX];
    uint8_t record[NAME_RECORD];
    struct buf b = buf_over(record, sizeof record);
    struct span key = name_key(name, text);
    uint64_t c = 0, n = 0;
    bool found = false;
    enum status st = index_write_get(w, INDEX_META, key, &b, &found, e);
    if (st == ST_OK)
        st = name_decode(buf_span(&b), found, &c, &n, e);
    if (st != ST_OK)
        return st;
    c += (uint64_t)count;
    n += (uint64_t)bytes;
    if (c == 0)
        return index_delete(w, INDEX_META, key, e);
    put_le64(record, c);
    put_le64(record + 8, n);
    return index_put(w, INDEX_META, key, SPAN(record, sizeof record), e);
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

bool catalog_kept(const char *key)
{
    static const char *const kept[] = {STORE_ONCE, "approval/", "attest/", "evidence/",
                                       "freeze/",  "retired/",  "waiver/"};
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        if (strncmp(key, kept[i], strlen(kept[i])) == 0)
            return true;
    }
    return false;
}

/* What is kept stays as it was first set, and by which entry. *held: it is there already. */
static enum status hold_once(struct index_write *w, uint64_t seq, const char *key, const char *text,
                             bool *held, struct err *e)
{
    SCOPED(buf_release) struct buf record = BUF_EMPTY;
    bool there = false, found = false;
    uint64_t by = 0;
    struct span value = {0};
    *held = false;
    if (!catalog_kept(key))
        return ST_OK;
    enum status st = index_write_get(w, INDEX_STATE, SPAN(key, strlen(key)), &record, &there, e);
    if (st == ST_OK && there)
        st = catalog_state_decode(buf_span(&record), &value, &found, &by, e);
    *held = there;
    if (st != ST_OK || (text != NULL && (!there || span_equal(value, span_text(text)))))
        return st;
    (void)err_set(e, ST_CORRUPT, "state-once", "entry %llu changes what is set once and for all",
                  (unsigned long long)seq);
    return err_subject(e, "%s", key);
}

enum status catalog_state_now(struct index_write *w, const char *key, struct buf *out, bool *found,
                              struct err *e)
{
    SCOPED(buf_release) struct buf record = BUF_EMPTY;
    struct span value = {0};
    uint64_t seq = 0;
    bool there = false;
    *found = false;
    enum status st = index_write_get(w, INDEX_STATE, span_text(key), &record, &there, e);
    if (st == ST_OK && there)
        st = catalog_state_decode(buf_span(&record), &value, found, &seq, e);
    if (st != ST_OK || !*found)
        return st;
    buf_append(out, value);
    st = buf_status(out);
    return st == ST_OK ? st : err_set(e, st, NULL, "a value of the state");
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
    bool held = false;
    enum status st = hold_once(w, seq, key, text, &held, e);
    if (st != ST_OK || held)
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
