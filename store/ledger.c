#include "store/ledger.h"
#include "base/base64.h"
#include "base/canon.h"
#include "base/json_write.h"
#include "base/text.h"
#include "store/envelope.h"
#include <string.h>

#define SIG_TEXT 88 /* 64 bytes in base64 */

/* A line is the entry's canonical bytes in a frame of fixed text. */
static const char open_text[] = "{\"entry\":", sig_text[] = ",\"sig\":\"", close_text[] = "\"}";
#define OPEN_LENGTH  (sizeof open_text - 1)
#define TRAIL_LENGTH (sizeof sig_text - 1 + SIG_TEXT + sizeof close_text - 1)

static enum status defect(struct err *e, const char *what)
{
    return err_set(e, ST_FORMAT, "ledger-entry", "not a ledger entry: %s", what);
}

void ledger_entry_release(struct ledger_entry *entry)
{
    json_free(entry->root);
    buf_release(&entry->canonical);
    *entry = (struct ledger_entry){0};
}

/* Takes the frame apart: the entry's bytes and the signature. */
static bool unframe(struct span line, struct span *entry, uint8_t sig[KEY_SIGNATURE_BYTES])
{
    if (line.n <= OPEN_LENGTH + TRAIL_LENGTH || memcmp(line.p, open_text, OPEN_LENGTH) != 0)
        return false;
    *entry = SPAN(line.p + OPEN_LENGTH, line.n - OPEN_LENGTH - TRAIL_LENGTH);
    const uint8_t *at = entry->p + entry->n;
    if (memcmp(at, sig_text, sizeof sig_text - 1) != 0 ||
        memcmp(line.p + line.n - 2, close_text, 2) != 0)
        return false;
    struct span text = SPAN(at + sizeof sig_text - 1, SIG_TEXT);
    uint8_t raw[KEY_SIGNATURE_BYTES + 2], again[SIG_TEXT];
    struct buf b = buf_over(raw, sizeof raw), back = buf_over(again, sizeof again);
    if (!base64_decode(&b, text) || buf_status(&b) != ST_OK || b.n != KEY_SIGNATURE_BYTES)
        return false;
    base64_encode(&back, buf_span(&b)); /* one entry has one line: no other spelling of base64 */
    if (!span_equal(buf_span(&back), text))
        return false;
    memcpy(sig, raw, KEY_SIGNATURE_BYTES);
    return true;
}

static bool type_valid(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-.");
    return n > 0 && n <= 32 && s[n] == '\0';
}

static bool set_valid(const struct json *set)
{
    for (size_t i = 0; i < json_count(set); i++) {
        const struct json *value = NULL;
        const char *key = json_member(set, i, &value);
        if (*key == '\0' || (json_kind(value) != JSON_STRING && json_kind(value) != JSON_NULL))
            return false;
    }
    return true;
}

static enum status read_members(struct ledger_entry *v, struct err *e)
{
    const struct json *root = v->root;
    const char *prev = json_as_string(json_get(root, "prev"));
    int64_t when = 0;
    v->type = json_as_string(json_get(root, "type"));
    v->time = json_as_string(json_get(root, "time"));
    v->body = json_get(root, "body");
    v->set = json_get(root, "set");
    if (json_kind(root) != JSON_OBJECT || json_count(root) != 6)
        return defect(e, "it has body, prev, seq, set, time and type, and nothing else");
    if (!json_as_u64(json_get(root, "seq"), &v->seq) || v->seq == 0)
        return defect(e, "seq is no number from 1 on");
    if (prev == NULL || !hex_decode(v->prev.b, DIGEST_BYTES, span_text(prev)))
        return defect(e, "prev is no digest");
    if (v->type == NULL || !type_valid(v->type))
        return defect(e, "type is no short lower-case name");
    if (v->time == NULL || !time_parse(v->time, &when))
        return defect(e, "time is no time");
    if (json_kind(v->body) != JSON_OBJECT)
        return defect(e, "body is no object");
    if (json_kind(v->set) != JSON_OBJECT || !set_valid(v->set))
        return defect(e, "set is no object of texts and nulls");
    return ST_OK;
}

enum status ledger_parse(struct span line, struct ledger_entry *out, struct err *e)
{
    SCOPED(ledger_entry_release) struct ledger_entry v = {0};
    struct span entry;
    if (line.n > LEDGER_LINE_MAX)
        return defect(e, "the line is too long");
    if (!unframe(line, &entry, v.sig))
        return defect(e, "the line is no entry with a signature");
    enum status st = canon_parse(entry, LEDGER_LINE_MAX, &v.root, e);
    if (st != ST_OK || (st = read_members(&v, e)) != ST_OK)
        return st;
    buf_append(&v.canonical, entry);
    if (buf_status(&v.canonical) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a ledger entry");
    v.hash = digest_of(entry);
    *out = v;
    v = (struct ledger_entry){0};
    return ST_OK;
}

bool ledger_signed_by(const struct ledger_entry *entry, const struct public_key *log_key)
{
    uint8_t room[4096]; /* enough for nearly all: no signature fails for want of memory */
    bool small = entry->canonical.n + 128 < sizeof room;
    SCOPED(buf_release) struct buf pae = small ? buf_over(room, sizeof room) : BUF_EMPTY;
    envelope_pae(LEDGER_TYPE, buf_span(&entry->canonical), &pae);
    return buf_status(&pae) == ST_OK && key_verify(log_key, buf_span(&pae), entry->sig);
}

static enum status entry_text(uint64_t seq, const struct digest *prev, const char *type,
                              const char *time, struct span body, struct span set, struct buf *out,
                              struct err *e)
{
    char hex[DIGEST_TEXT];
    digest_text(prev, hex);
    SCOPED(buf_release) struct buf json = BUF_EMPTY;
    struct json_out j = json_out(&json);
    json_object(&j);
    json_key(&j, "body");
    json_raw(&j, body);
    json_key(&j, "prev");
    json_string(&j, hex);
    json_key(&j, "seq");
    json_u64(&j, seq);
    json_key(&j, "set");
    json_raw(&j, set);
    json_key(&j, "time");
    json_string(&j, time);
    json_key(&j, "type");
    json_string(&j, type);
    json_close(&j);
    if (buf_status(&json) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a ledger entry");
    return canon_text(buf_span(&json), out, e);
}

enum status ledger_encode(uint64_t seq, const struct digest *prev, const char *type,
                          const char *time, struct span body, struct span set,
                          const struct signer *log, struct buf *line, struct digest *hash,
                          struct err *e)
{
    SCOPED(buf_release) struct buf entry = BUF_EMPTY;
    SCOPED(buf_release) struct buf pae = BUF_EMPTY;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    enum status st = entry_text(seq, prev, type, time, body, set, &entry, e);
    if (st != ST_OK)
        return st;
    uint8_t sig[KEY_SIGNATURE_BYTES];
    envelope_pae(LEDGER_TYPE, buf_span(&entry), &pae);
    if (buf_status(&pae) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a ledger entry");
    if ((st = signer_sign(log, buf_span(&pae), sig, e)) != ST_OK)
        return st;
    buf_text(&text, open_text);
    buf_append(&text, buf_span(&entry));
    buf_text(&text, sig_text);
    base64_encode(&text, SPAN(sig, sizeof sig));
    buf_text(&text, close_text);
    /* What is written must be what every reader will accept: read it before it is handed out. */
    SCOPED(ledger_entry_release) struct ledger_entry check = {0};
    if (buf_status(&text) == ST_OK && (st = ledger_parse(buf_span(&text), &check, e)) != ST_OK)
        return st;
    buf_byte(&text, '\n');
    buf_append(line, buf_span(&text));
    if (buf_status(&text) != ST_OK || buf_status(line) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a ledger entry");
    *hash = check.hash;
    return ST_OK;
}
