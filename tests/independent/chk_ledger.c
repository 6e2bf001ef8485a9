/* The ledger, line by line: {"entry":{…},"sig":"…"}, chained, numbered, signed; and its head. */
#include "tests/independent/chk.h"
#include "tests/independent/chk_json.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char type_name[] = "application/vnd.assay.ledger-entry+json";

/* DSSE's pre-authentication encoding. */
static uint8_t *pae(const char *type, struct chk_view body, size_t *n)
{
    uint8_t *out = chk_alloc(body.n + strlen(type) + 64);
    int head =
        snprintf((char *)out, strlen(type) + 64, "DSSEv1 %zu %s %zu ", strlen(type), type, body.n);
    memcpy(out + head, body.p, body.n);
    *n = (size_t)head + body.n;
    return out;
}

static bool signed_right(const struct chk *c, struct chk_view entry, struct chk_view sig)
{
    uint8_t raw[64];
    size_t n = 0;
    if (sig.n != 90 || !chk_base64_64(sig.p + 1, 88, raw))
        return false;
    uint8_t *bytes = pae(type_name, entry, &n);
    bool ok = chk_ed25519(c->log_key, bytes, n, raw);
    free(bytes);
    return ok;
}

/* Keys that are set once, and keep the entry that set them. */
static bool kept(struct chk *c, const uint8_t *key, size_t n)
{
    static const char *const prefix[] = {"once/",   "approval/", "attest/", "evidence/",
                                         "freeze/", "retired/",  "waiver/"};
    for (size_t i = 0; i < sizeof prefix / sizeof prefix[0]; i++) {
        if (n > strlen(prefix[i]) && memcmp(key, prefix[i], strlen(prefix[i])) == 0)
            return chk_map_get(&c->state, key, n) != NULL;
    }
    return false;
}

/* One entry of what the state's keys become. */
static bool apply(struct chk *c, size_t seq, struct chk_view set)
{
    struct chk_view key, value;
    size_t at = 0;
    while (chk_json_next(set, &at, &key, &value)) {
        size_t key_n = 0, n = 0;
        uint8_t *name = chk_json_string(key, &key_n);
        uint8_t *text = chk_json_string(value, &n);
        uint8_t *record = chk_alloc(9 + n);
        chk_put64(record, seq);
        record[8] = text != NULL;
        if (n > 0)
            memcpy(record + 9, text, n);
        if (name != NULL && key_n > 0 && !kept(c, name, key_n))
            chk_map_put(&c->state, name, key_n, record, 9 + n);
        free(name);
        free(text);
        free(record);
    }
    return true;
}

/* Two runs of one command need not share what they set keys to: evidence holds measured times. Nor
 * the digest of a trust, whose keys are random. */
static uint64_t shape_of(struct chk_view type, struct chk_view set)
{
    struct chk_view key, value;
    size_t at = 0;
    uint64_t h = chk_xxh64(type.p, type.n, 1);
    while (chk_json_next(set, &at, &key, &value)) {
        bool trust = key.n > 64 && memcmp(key.p, "\"once/trust/", 12) == 0;
        h = chk_xxh64(key.p, trust ? key.n - 65 : key.n, h);
        h = chk_xxh64(value.p, value.p[0] == 'n' ? 1 : 0, h);
    }
    return h;
}

static void keep(struct chk *c, const struct chk_entry *e)
{
    if (c->entries == c->entry_room) {
        c->entry_room = c->entry_room == 0 ? 32 : c->entry_room * 2;
        c->entry = realloc(c->entry, c->entry_room * sizeof *c->entry);
        if (c->entry == NULL)
            abort();
    }
    c->entry[c->entries++] = *e;
}

/* A line from `at` on; false: it is none, which only the last may be. */
static bool line(struct chk *c, size_t at, size_t end)
{
    struct chk_view text = {c->ledger.p + at, end - at - 1};
    struct chk_view entry = chk_json_member(text, "entry"), sig = chk_json_member(text, "sig");
    struct chk_view set = chk_json_member(entry, "set"), type = chk_json_member(entry, "type");
    struct chk_entry e = {.at = at, .end = end};
    uint8_t prev[32], want[32] = {0};
    if (c->entries > 0)
        memcpy(want, c->entry[c->entries - 1].hash, 32);
    if (entry.n == 0 || set.n == 0 || type.n == 0 || text.p[text.n - 1] != '}' ||
        !chk_json_digest(chk_json_member(entry, "prev"), prev) || memcmp(prev, want, 32) != 0 ||
        chk_json_number(chk_json_member(entry, "seq")) != c->entries + 1 ||
        !signed_right(c, entry, sig))
        return false;
    if (c->entries == 0) {
        struct chk_view body = chk_json_member(entry, "body");
        if (body.n != c->format.n || memcmp(body.p, c->format.p, body.n) != 0)
            return chk_fail(c, "I3: the format file is not what entry 1 says");
    }
    chk_sha256(entry.p, entry.n, e.hash);
    e.shape = shape_of(type, set);
    keep(c, &e);
    return apply(c, c->entries, set);
}

static bool lines(struct chk *c)
{
    size_t at = 0;
    while (at < c->ledger.n) {
        const uint8_t *nl = memchr(c->ledger.p + at, '\n', c->ledger.n - at);
        size_t end = nl == NULL ? 0 : (size_t)(nl - c->ledger.p) + 1;
        if (end == 0 || !line(c, at, end)) {
            c->torn = true;
            /* behind a line that is none, nothing may follow that was a whole one */
            if (end != 0 && end < c->ledger.n && memchr(nl + 1, '\n', c->ledger.n - end) != NULL)
                return chk_fail(c, "I1: the ledger is damaged at byte %zu, and goes on", at);
            return !c->bad;
        }
        at = end;
    }
    return true;
}

static bool head(struct chk *c)
{
    char path[600];
    struct chk_bytes h;
    (void)snprintf(path, sizeof path, "%s/ledger.head", c->path);
    if (!chk_file(path, &h))
        return c->entries <= 1 || chk_fail(c, "I5: the ledger's head is gone");
    struct chk_view text = {h.p, h.n};
    uint64_t seq = chk_json_number(chk_json_member(chk_json_member(text, "entry"), "seq"));
    bool ok = h.n > 0 && h.p[h.n - 1] == '\n' && seq >= 1 && seq <= c->entries;
    if (ok) {
        const struct chk_entry *e = &c->entry[seq - 1];
        ok = h.n == e->end - e->at && memcmp(h.p, c->ledger.p + e->at, h.n) == 0;
    }
    free(h.p);
    return ok || chk_fail(c, "I5: the ledger's head says entry %llu, the ledger has %zu",
                          (unsigned long long)seq, c->entries);
}

bool chk_read_ledger(struct chk *c)
{
    char path[600];
    struct chk_view format = {c->format.p, c->format.n};
    (void)snprintf(path, sizeof path, "%s/ledger", c->path);
    if (!chk_json_is(chk_json_member(format, "schema"), "assay.store/2") ||
        !chk_json_digest(chk_json_member(format, "log_key"), c->log_key))
        return chk_fail(c, "I3: the format file is damaged");
    if (!chk_file(path, &c->ledger))
        return chk_fail(c, "I1: the ledger is gone");
    return lines(c) && head(c);
}
