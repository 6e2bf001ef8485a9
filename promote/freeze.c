#include "base/canon.h"
#include "base/json_write.h"
#include "base/text.h"
#include "promote/exception.h"
#include "promote/inputs.h"
#include "store/change.h"
#include "store/envelope.h"
#include <string.h>

#define SCHEMA         "assay.freeze/1"
#define THAW_SCHEMA    "assay.thaw/1"
#define PAYLOAD_MAX    (64u << 10)
#define TRIES          8
#define FREEZE_RECORDS 100000u /* of one target */

/* A target's records are numbered from 1, and the newest one says whether it is frozen. */
struct record {
    uint64_t number; /* 0: there is none */
    char value[DIGEST_TEXT];
    struct digest before; /* of the value of the record before; zero for the first */
};

static void freeze_key(const char *target, uint64_t number, char out[STORE_KEY_MAX])
{
    text_fmt(out, STORE_KEY_MAX, "freeze/%s/%016llu", target, (unsigned long long)number);
}

/* The newest that stands since before entry `before`. */
static enum status newest(struct store *s, const char *target, uint64_t before, struct record *out,
                          struct err *e)
{
    *out = (struct record){.number = 0};
    for (uint64_t n = 1; n <= FREEZE_RECORDS; n++) {
        SCOPED(buf_release) struct buf value = BUF_EMPTY;
        char key[STORE_KEY_MAX];
        struct err why = ERR_NONE;
        uint64_t seq = 0;
        freeze_key(target, n, key);
        enum status st = store_get_seq(s, key, &value, &seq, &why);
        if (st == ST_NOT_FOUND || (st == ST_OK && seq >= before))
            return ST_OK;
        if (st != ST_OK) {
            *e = why;
            return st;
        }
        out->before = n == 1 ? (struct digest){{0}} : digest_of(span_text(out->value));
        out->number = n;
        text_fmt(out->value, sizeof out->value, "%.*s", (int)value.n, (const char *)value.p);
    }
    return ST_OK;
}

enum status freeze_target_check(const char *target, struct err *e)
{
    char name[MANIFEST_NAME_MAX];
    size_t n = strcspn(target, "@");
    bool fits = text_fmt(name, sizeof name, "%.*s", (int)(n < 200 ? n : 200), target) < sizeof name;
    bool named = n == 0 ? target[0] == '@' : fits && manifest_name_valid(name);
    if (named && (target[n] == '\0' || channel_name_valid(target + n + 1)))
        return ST_OK;
    return err_set(e, ST_USAGE, "target",
                   "%.64s: freeze a NAME, a NAME@CHANNEL, or @CHANNEL for every name", target);
}

/* ---- the document ---- */

static void put_text(struct json_out *j, const char *key, const char *text)
{
    json_key(j, key);
    json_string(j, text);
}

static enum status encode(const struct freeze *f, const char *store, struct buf *out, struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    struct json_out j = json_out(&text);
    char before[DIGEST_TEXT];
    digest_text(&f->before, before);
    json_object(&j);
    put_text(&j, "before", before);
    json_key(&j, "number");
    json_u64(&j, f->number);
    put_text(&j, "reason", f->reason);
    put_text(&j, "schema", f->thaw ? THAW_SCHEMA : SCHEMA);
    put_text(&j, "store", store);
    put_text(&j, "target", f->target);
    put_text(&j, "time", f->time);
    put_text(&j, "until", f->until);
    json_close(&j);
    if (buf_status(&text) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a freeze");
    return canon_text(buf_span(&text), out, e);
}

static bool get_text(const struct json *v, const char *key, char *out, size_t cap)
{
    const char *text = json_as_string(json_get(v, key));
    return text != NULL && text_fmt(out, cap, "%s", text) < cap;
}

static bool get_place(const struct json *root, struct freeze *out)
{
    const char *before = json_as_string(json_get(root, "before"));
    return before != NULL && digest_parse(before, &out->before) &&
           json_as_u64(json_get(root, "number"), &out->number);
}

static enum status decode(struct span payload, const char *store, struct freeze *out, struct err *e)
{
    SCOPED(json_scope) struct json *root = NULL;
    char schema[32], of[64];
    int64_t t = 0;
    enum status st = canon_parse(payload, PAYLOAD_MAX, &root, e);
    if (st != ST_OK)
        return st;
    bool read = json_count(root) == 8 && get_place(root, out) &&
                get_text(root, "reason", out->reason, sizeof out->reason) &&
                get_text(root, "schema", schema, sizeof schema) &&
                (text_equal(schema, SCHEMA) || text_equal(schema, THAW_SCHEMA)) &&
                get_text(root, "store", of, sizeof of) && text_equal(of, store) &&
                get_text(root, "target", out->target, sizeof out->target) &&
                get_text(root, "time", out->time, sizeof out->time) && time_parse(out->time, &t) &&
                get_text(root, "until", out->until, sizeof out->until) &&
                time_parse(out->until, &t);
    out->thaw = text_equal(schema, THAW_SCHEMA);
    return read ? ST_OK
                : err_at(e, ST_FORMAT, "freeze", "freeze", ERR_NO_OFFSET,
                         "the document is no freeze of this store");
}

/* Signed by the role release or policy, a thaw by policy, whatever the time: a freeze does not end
 * with the trust. It is about this target, and in the place it was signed for: neither an older
 * freeze nor an older thaw of the target can be said again. */
static enum status open_record(struct store *s, const struct trust *t, const char *target,
                               const struct record *r, struct freeze *out, struct err *e)
{
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    SCOPED(envelope_release) struct envelope v = {0};
    struct store_facts facts;
    struct digest d;
    struct err none = ERR_NONE;
    if (!digest_parse(r->value, &d))
        return err_set(e, ST_CORRUPT, "state-value", "the freeze of %s is damaged", target);
    enum status st = store_document(s, &d, &bytes, e);
    if (st != ST_OK || (st = envelope_parse(buf_span(&bytes), &v, e)) != ST_OK ||
        (st = store_facts(s, &facts, e)) != ST_OK)
        return st;
    if (!text_equal(v.type, FREEZE_TYPE))
        return err_set(e, ST_SIGNATURE, "wrong-type", "signed as %s, not as a freeze", v.type);
    if ((st = decode(buf_span(&v.payload), facts.id, out, e)) != ST_OK)
        return st;
    if ((out->thaw || trust_check(t, ROLE_RELEASE, &v, TRUST_ANY_TIME, &none) != ST_OK) &&
        (st = trust_check(t, ROLE_POLICY, &v, TRUST_ANY_TIME, e)) != ST_OK)
        return st;
    if (out->number != r->number || !digest_equal(&out->before, &r->before))
        return err_set(e, ST_UNPROVEN, "freeze-place", "it was signed for another place");
    return text_equal(out->target, target)
               ? ST_OK
               : err_set(e, ST_UNPROVEN, "freeze-target", "it is the freeze of another target");
}

/* ---- asking ---- */

static enum status find_one(struct store *s, const struct trust *t, const char *target, int64_t now,
                            uint64_t before, char why[FROZEN_MAX], struct err *e)
{
    struct record r;
    struct freeze f = {.target = ""};
    struct err none = ERR_NONE;
    int64_t until = 0;
    enum status st = newest(s, target, before, &r, e);
    if (st != ST_OK || r.number == 0)
        return st;
    st = open_record(s, t, target, &r, &f, &none);
    if (status_exit(st) == 3) {
        *e = none;
        return st;
    }
    if (st != ST_OK)
        text_fmt(why, FROZEN_MAX, "%.40s is frozen by a record that cannot be proven; assay thaw",
                 target);
    else if (!f.thaw && time_parse(f.until, &until) && now < until)
        text_fmt(why, FROZEN_MAX, "%.40s is frozen until %s: %.80s", target, f.until, f.reason);
    return ST_OK;
}

enum status freeze_find(struct store *s, const struct trust *t, const char *name,
                        const char *channel, int64_t now, uint64_t before, char why[FROZEN_MAX],
                        struct err *e)
{
    char both[FREEZE_TARGET], every[FREEZE_TARGET];
    text_fmt(both, sizeof both, "%s@%s", name, channel);
    text_fmt(every, sizeof every, "@%s", channel);
    const char *const targets[] = {name, both, every};
    why[0] = '\0';
    for (size_t i = 0; i < sizeof targets / sizeof *targets && why[0] == '\0'; i++) {
        enum status st = find_one(s, t, targets[i], now, before, why, e);
        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}

struct targets {
    struct buf list;
    char last[FREEZE_TARGET];
};

/* Each once: a target's records lie side by side. */
static enum status keep(void *ctx, const char *key, struct span value, struct err *e)
{
    struct targets *all = ctx;
    char target[FREEZE_TARGET];
    const char *name = key + strlen("freeze/"), *end = strrchr(name, '/');
    (void)e;
    (void)value;
    if (end == NULL || end - name >= FREEZE_TARGET)
        return ST_OK;
    text_fmt(target, sizeof target, "%.*s", (int)(end - name), name);
    if (text_equal(target, all->last))
        return ST_OK;
    memcpy(all->last, target, sizeof target);
    buf_text(&all->list, target);
    buf_byte(&all->list, '\0');
    return ST_OK;
}

static void targets_release(struct targets *all)
{
    buf_release(&all->list);
}

enum status freeze_each(struct store *s, const struct trust *t,
                        enum status (*each)(void *ctx, const struct freeze *f, struct err *e),
                        void *ctx, struct err *e)
{
    SCOPED(targets_release) struct targets all = {.list = BUF_EMPTY};
    enum status st = store_scan(s, "freeze/", keep, &all, e);
    if (st == ST_OK && buf_status(&all.list) != ST_OK)
        st = err_set(e, ST_NO_MEMORY, NULL, "no memory for a list of freezes");
    for (size_t at = 0; st == ST_OK && at < all.list.n;) {
        struct freeze f = {.target = ""};
        struct record r;
        const char *target = (const char *)all.list.p + at;
        struct err none = ERR_NONE;
        at += strlen(target) + 1;
        if ((st = newest(s, target, UINT64_MAX, &r, e)) != ST_OK)
            return st;
        if (open_record(s, t, target, &r, &f, &none) != ST_OK) {
            f = (struct freeze){.target = ""};
            text_fmt(f.target, sizeof f.target, "%s", target);
            text_fmt(f.reason, sizeof f.reason, "it cannot be proven: %.200s", none.detail);
        }
        if (!f.thaw)
            st = each(ctx, &f, e);
    }
    return st;
}

/* ---- acting ---- */

static enum status commit(const struct promoter *by, const struct freeze *f, struct span envelope,
                          uint64_t after, uint64_t *seq, struct err *e)
{
    SCOPED(change_scope) struct change *c = NULL;
    SCOPED(buf_release) struct buf body = BUF_EMPTY;
    SCOPED(buf_release) struct buf set = BUF_EMPTY;
    char key[STORE_KEY_MAX], hex[DIGEST_TEXT], name[MANIFEST_NAME_MAX];
    struct digest d;
    enum status st = change_begin(by->store, &c, e);
    if (st != ST_OK || (st = change_document(c, envelope, &d, e)) != ST_OK)
        return st;
    digest_text(&d, hex);
    freeze_key(f->target, f->number, key);
    text_fmt(name, sizeof name, "%.*s", (int)strcspn(f->target, "@"), f->target);
    struct json_out j = json_out(&body), k = json_out(&set);
    json_object(&j);
    put_text(&j, "freeze", hex);
    put_text(&j, "name", name);
    put_text(&j, "reason", f->reason);
    put_text(&j, "target", f->target);
    put_text(&j, "until", f->until);
    json_close(&j);
    json_object(&k);
    put_text(&k, key, hex);
    json_close(&k);
    if (buf_status(&body) != ST_OK || buf_status(&set) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a freeze");
    const struct change_entry entry = {.type = f->thaw ? "thaw" : "freeze",
                                       .body = buf_span(&body),
                                       .set = buf_span(&set),
                                       .after = after,
                                       .clock = by->clock,
                                       .log = by->log};
    return change_commit(c, &entry, seq, e);
}

/* What the target's newest record says, and the place of the next one in f. `until` is empty when
 * the record cannot be proven: the role policy may replace it or let it go. */
static enum status present(const struct promoter *by, struct freeze *f, struct freeze *now,
                           struct err *e)
{
    struct record r;
    struct err none = ERR_NONE;
    enum status st = newest(by->store, f->target, UINT64_MAX, &r, e);
    if (st != ST_OK)
        return st;
    f->number = r.number + 1;
    f->before = r.number == 0 ? (struct digest){{0}} : digest_of(span_text(r.value));
    *now = (struct freeze){.thaw = true};
    if (r.number == 0)
        return ST_OK;
    st = open_record(by->store, by->trust, f->target, &r, now, &none);
    if (inputs_trouble(st)) {
        *e = none;
        return st;
    }
    if (st != ST_OK)
        *now = (struct freeze){.thaw = false};
    return ST_OK;
}

/* Signs the document and proves that one of the roles is believed. */
static enum status sign(const struct promoter *by, const struct signer *key, const struct freeze *f,
                        struct buf *envelope, struct err *e)
{
    SCOPED(buf_release) struct buf payload = BUF_EMPTY;
    SCOPED(envelope_release) struct envelope v = {0};
    struct store_facts facts;
    struct err none = ERR_NONE;
    int64_t now = clock_now(&by->clock);
    enum status st = trust_alive(by->trust, now, e);
    if (st != ST_OK || (st = store_facts(by->store, &facts, e)) != ST_OK ||
        (st = encode(f, facts.id, &payload, e)) != ST_OK ||
        (st = envelope_sign(FREEZE_TYPE, buf_span(&payload), key, envelope, e)) != ST_OK ||
        (st = envelope_parse(buf_span(envelope), &v, e)) != ST_OK)
        return st;
    if (!f->thaw && trust_check(by->trust, ROLE_RELEASE, &v, now, &none) == ST_OK)
        return ST_OK;
    st = trust_check(by->trust, ROLE_POLICY, &v, now, e);
    if (st != ST_UNTRUSTED || f->thaw || !text_equal(err_code(e), "wrong-role"))
        return st;
    *e = ERR_NONE;
    return err_at(e, ST_UNTRUSTED, "signature", "wrong-role", ERR_NO_OFFSET,
                  "signed by key %s, which has neither the role release nor the role policy",
                  v.signatures[0].keyid);
}

static bool by_policy(const struct promoter *by, struct span envelope)
{
    SCOPED(envelope_release) struct envelope v = {0};
    struct err none = ERR_NONE;
    return envelope_parse(envelope, &v, &none) == ST_OK &&
           trust_check(by->trust, ROLE_POLICY, &v, clock_now(&by->clock), &none) == ST_OK;
}

/* One try: the record is signed for the place that is next, unless another takes it meanwhile. */
static enum status act(const struct promoter *by, const struct signer *key, struct freeze *f,
                       uint64_t *seq, struct err *e)
{
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    struct freeze now;
    struct store_facts facts;
    enum status st = store_facts(by->store, &facts, e);
    if (st != ST_OK || (st = present(by, f, &now, e)) != ST_OK ||
        (st = sign(by, key, f, &envelope, e)) != ST_OK)
        return st;
    if (f->thaw && now.thaw)
        return err_set(e, ST_NOT_FOUND, "not-frozen", "%s is not frozen", f->target);
    if (!f->thaw && !now.thaw && now.until[0] == '\0' && !by_policy(by, buf_span(&envelope)))
        return err_set(e, ST_UNTRUSTED, "freeze-unproven",
                       "the freeze of %s cannot be proven; replacing it takes the role policy",
                       f->target);
    if (!f->thaw && !now.thaw && strcmp(now.until, f->until) >= 0)
        return err_set(e, ST_EXISTS, "frozen",
                       "%s is frozen until %s already; shortening that takes a thaw", f->target,
                       now.until);
    return commit(by, f, buf_span(&envelope), facts.seq, seq, e);
}

static enum status act_until_done(const struct promoter *by, const struct signer *key,
                                  struct freeze *f, uint64_t *seq, struct err *e)
{
    enum status st = freeze_target_check(f->target, e);
    for (int i = 0; st == ST_OK; i++) {
        *e = ERR_NONE;
        st = act(by, key, f, seq, e);
        if (st != ST_CONFLICT || i + 1 == TRIES)
            return st;
        st = ST_OK;
    }
    return st;
}

enum status freeze_commit(const struct promoter *by, const struct signer *key,
                          const struct freeze *f, uint64_t *seq, struct err *e)
{
    struct freeze mine = *f;
    mine.thaw = false;
    return act_until_done(by, key, &mine, seq, e);
}

enum status thaw_commit(const struct promoter *by, const struct signer *key, const char *target,
                        const char *reason, uint64_t *seq, struct err *e)
{
    struct freeze f = {.thaw = true};
    text_fmt(f.target, sizeof f.target, "%s", target);
    text_fmt(f.reason, sizeof f.reason, "%s", reason);
    time_format(clock_now(&by->clock), f.time);
    text_fmt(f.until, sizeof f.until, "%s", f.time);
    return act_until_done(by, key, &f, seq, e);
}
