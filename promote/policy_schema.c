#include "promote/policy_schema.h"
#include "base/text.h"
#include "store/manifest.h"
#include "verify/gate_checks.h"
#include <string.h>

#define YEAR_S UINT64_C(31536000)

static const char *const schema_names[] = {POLICY_SCHEMA, NULL};
static const char *const from_candidate[] = {"candidate", NULL};
static const char *const from_preview[] = {"preview", NULL};
static const char *const gate_names[] = {"structural", "smoke", "task",    "safety",
                                         "browser",    "exec",  "reports", NULL};
static const char *const formats[] = {"slm1", "gguf", NULL};
static const char *const layers[] = {"seccomp", "landlock", "netns", "nocaps", "rlimits", NULL};
static const char *const roles[] = {"root", "publisher", "gate", "release", "policy", NULL};
static const char *const distinct[] = {"people", "keys", NULL};
static const char *const attested[] = {"source", "review", "support", NULL};
static const char *const skippable[] = {"soak", "evidence_age", NULL};
static const char *const failing[] = {"report", "demote", NULL};

struct rule {
    enum place_kind in;
    const char *key;
    enum slot_kind kind;
    bool required;
    enum place_kind to;
    const char *const *words;
    const char *unit;
    uint64_t low, high;
};

#define MAP(in, key, required, to)                        \
    {                                                     \
        in, key, SLOT_MAP, required, to, NULL, NULL, 0, 0 \
    }
#define WORD(in, key, required, words)                     \
    {                                                      \
        in, key, SLOT_WORD, required, 0, words, NULL, 0, 0 \
    }
#define LIST(in, key, required, words)                     \
    {                                                      \
        in, key, SLOT_LIST, required, 0, words, NULL, 0, 0 \
    }
#define NUMBER(in, key, required, unit, low, high)               \
    {                                                            \
        in, key, SLOT_NUMBER, required, 0, NULL, unit, low, high \
    }

/* Every key but those of the gates' sections, which verify/section_table knows. */
static const struct rule rules[] = {
    WORD(PLACE_ROOT, "schema", true, schema_names),
    {PLACE_ROOT, "name", SLOT_NAME, true, 0, NULL, NULL, 0, 0},
    MAP(PLACE_ROOT, "limits", false, PLACE_LIMITS),
    LIST(PLACE_ROOT, "formats", false, formats),
    LIST(PLACE_ROOT, "licences", false, NULL),
    MAP(PLACE_ROOT, "recorded", false, PLACE_RECORDED),
    MAP(PLACE_ROOT, "gates", false, PLACE_GATES),
    MAP(PLACE_ROOT, "channels", true, PLACE_CHANNELS),
    MAP(PLACE_ROOT, "retention", false, PLACE_RETENTION),
    MAP(PLACE_ROOT, "emergency", false, PLACE_EMERGENCY),
    MAP(PLACE_ROOT, "waivers", false, PLACE_WAIVERS),
    MAP(PLACE_ROOT, "nightly", false, PLACE_NIGHTLY),
    NUMBER(PLACE_LIMITS, "artifact_bytes", false, "bytes", 1, UINT64_C(1) << 42),
    NUMBER(PLACE_LIMITS, "files", false, "", 1, 100000),
    NUMBER(PLACE_LIMITS, "parameters", false, "", 1, UINT64_C(1000000000000)),
    NUMBER(PLACE_LIMITS, "context", false, "", 1, UINT64_C(1) << 31),
    NUMBER(PLACE_LIMITS, "vocabulary", false, "", 1, UINT64_C(1) << 31),
    LIST(PLACE_RECORDED, "sandbox", false, layers),
    MAP(PLACE_RECORDED, "browsers", false, PLACE_BROWSERS),
    NUMBER(PLACE_BROWSERS, "chromium", false, "", 1, 10000),
    NUMBER(PLACE_BROWSERS, "firefox", false, "", 1, 10000),
    MAP(PLACE_GATES, "structural", false, PLACE_SECTION),
    MAP(PLACE_GATES, "smoke", false, PLACE_SECTION),
    MAP(PLACE_GATES, "task", false, PLACE_SECTION),
    MAP(PLACE_GATES, "safety", false, PLACE_SECTION),
    MAP(PLACE_GATES, "browser", false, PLACE_SECTION),
    MAP(PLACE_GATES, "exec", false, PLACE_SECTION),
    MAP(PLACE_GATES, "reports", false, PLACE_SECTION),
    MAP(PLACE_CHANNELS, "preview", false, PLACE_CHANNEL),
    MAP(PLACE_CHANNELS, "stable", false, PLACE_CHANNEL),
    WORD(PLACE_CHANNEL, "from", true, NULL), /* schema_find knows by channel */
    LIST(PLACE_CHANNEL, "gates", true, gate_names),
    NUMBER(PLACE_CHANNEL, "evidence_max_age", false, "s", 60, 10 * YEAR_S),
    {PLACE_CHANNEL, "allow_self_signed", SLOT_BOOL, false, 0, NULL, NULL, 0, 0},
    MAP(PLACE_CHANNEL, "approvals", false, PLACE_APPROVALS),
    NUMBER(PLACE_CHANNEL, "soak", false, "s", 1, YEAR_S),
    LIST(PLACE_CHANNEL, "attestations", false, attested),
    WORD(PLACE_APPROVALS, "role", true, roles),
    NUMBER(PLACE_APPROVALS, "threshold", true, "", 1, 16),
    WORD(PLACE_APPROVALS, "distinct", false, distinct),
    NUMBER(PLACE_APPROVALS, "valid", false, "s", 60, YEAR_S),
    NUMBER(PLACE_RETENTION, "former_holders", false, "", 0, 1000),
    LIST(PLACE_EMERGENCY, "skips", true, skippable),
    MAP(PLACE_EMERGENCY, "approvals", true, PLACE_APPROVALS),
    NUMBER(PLACE_WAIVERS, "longest", true, "s", 60, YEAR_S),
    MAP(PLACE_WAIVERS, "approvals", true, PLACE_APPROVALS),
    LIST(PLACE_WAIVERS, "never", false, gate_names),
    LIST(PLACE_NIGHTLY, "gates", true, gate_names),
    NUMBER(PLACE_NIGHTLY, "evidence_max_age", false, "s", 60, YEAR_S),
    WORD(PLACE_NIGHTLY, "failing_stable", false, failing),
};
#define RULES (sizeof rules / sizeof rules[0])

/* ---- sections, from the table that gates and promotion share ---- */

static struct slot slot_of_member(const struct section_member *m)
{
    static const enum slot_kind kinds[] = {[SECTION_NUMBER] = SLOT_NUMBER,
                                           [SECTION_DECIMAL] = SLOT_DECIMAL,
                                           [SECTION_DIGEST] = SLOT_DIGEST,
                                           [SECTION_WORD] = SLOT_WORD};
    return (struct slot){
        .kind = kinds[m->type], .unit = m->unit, .low = m->low, .high = m->high, .words = m->words};
}

static struct slot find_in_section(const struct place *in, const char *key)
{
    const struct section_member *m = section_named(in->gate, in->group, key);
    struct place to = {.kind = PLACE_SECTION, .gate = in->gate, .name = in->name};
    if (in->parts && !in->part) { /* any name opens a part */
        to.group = to.name = in->group;
        to.parts = to.part = true;
        return section_part_valid(key) ? (struct slot){.kind = SLOT_MAP, .to = to}
                                       : (struct slot){.kind = SLOT_UNKNOWN};
    }
    if (m != NULL && m->parts == in->part)
        return slot_of_member(m);
    if (in->group == NULL && section_group(in->gate, key, &to.parts)) {
        const struct section_member *first = NULL;
        for (size_t i = 0; (first = section_member(in->gate, i)) != NULL; i++) {
            if (first->group != NULL && text_equal(first->group, key))
                to.group = first->group; /* the table's text outlives the file's */
        }
        return (struct slot){.kind = SLOT_MAP, .to = to};
    }
    return (struct slot){.kind = SLOT_UNKNOWN};
}

static void add_key(struct buf *out, const char *key)
{
    buf_fmt(out, "%s%s", out->n > 0 ? ", " : "", key);
}

static void section_keys(const struct place *in, struct buf *out)
{
    const struct section_member *m = NULL;
    const char *before = NULL;
    if (in->parts && !in->part)
        add_key(out, "any short lower-case name");
    for (size_t i = 0; (m = section_member(in->gate, i)) != NULL; i++) {
        bool mine = in->group == NULL ? m->group == NULL
                                      : m->group != NULL && text_equal(m->group, in->group);
        if (mine && m->parts == in->part)
            add_key(out, m->key);
        if (in->group == NULL && m->group != NULL &&
            (before == NULL || !text_equal(before, m->group)))
            add_key(out, m->group);
        before = m->group;
    }
}

/* ---- the rest ---- */

static struct slot slot_of(const struct rule *r)
{
    struct slot s = {.kind = r->kind,
                     .unit = r->unit,
                     .words = r->words,
                     .low = r->low,
                     .high = r->high,
                     .to = {.kind = r->to, .name = r->key}};
    if (r->in == PLACE_GATES)
        s.to.gate = gate_parse(r->key);
    return s;
}

struct slot schema_find(const struct place *in, const char *key)
{
    if (in->kind == PLACE_SECTION)
        return find_in_section(in, key);
    for (size_t i = 0; i < RULES; i++) {
        if (rules[i].in != in->kind || !text_equal(rules[i].key, key))
            continue;
        struct slot s = slot_of(&rules[i]);
        if (s.kind == SLOT_WORD && s.words == NULL)
            s.words = text_equal(in->name, "preview") ? from_candidate : from_preview;
        return s;
    }
    return (struct slot){.kind = SLOT_UNKNOWN};
}

void schema_keys(const struct place *in, struct buf *out)
{
    SCOPED(buf_release) struct buf keys = BUF_EMPTY;
    if (in->kind == PLACE_SECTION)
        section_keys(in, &keys);
    for (size_t i = 0; in->kind != PLACE_SECTION && i < RULES; i++) {
        if (rules[i].in == in->kind)
            add_key(&keys, rules[i].key);
    }
    buf_append(out, buf_span(&keys));
}

void schema_words(const char *const *words, struct buf *out)
{
    SCOPED(buf_release) struct buf list = BUF_EMPTY;
    for (size_t i = 0; words[i] != NULL; i++)
        add_key(&list, words[i]);
    buf_append(out, buf_span(&list));
}

const char *schema_required(const struct place *in, size_t i)
{
    if (in->kind == PLACE_SECTION)
        return in->part && i == 0 ? "sha256" : NULL;
    for (size_t k = 0; k < RULES; k++) {
        if (rules[k].in == in->kind && rules[k].required && i-- == 0)
            return rules[k].key;
    }
    return NULL;
}

/* An SPDX identifier's letters; whether SPDX lists it is not ours to say. */
static bool spdx(const char *text)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-+");
    return n > 0 && n < 64 && text[n] == '\0';
}

bool schema_word_known(const struct slot *s, const char *text)
{
    if (text == NULL)
        return false;
    if (s->words == NULL)
        return spdx(text);
    for (size_t i = 0; s->words[i] != NULL; i++) {
        if (text_equal(s->words[i], text))
            return true;
    }
    return false;
}

/* ---- checking canonical JSON ---- */

static enum status defect(struct err *e, const char *key, const char *what)
{
    return err_at(e, ST_CONFIG, "policy", "policy-member", ERR_NO_OFFSET, "policy: %s %s", key,
                  what);
}

static bool list_valid(const struct json *v, const struct slot *s)
{
    if (json_kind(v) != JSON_ARRAY || json_count(v) == 0 || json_count(v) > SCHEMA_ITEMS)
        return false;
    for (size_t i = 0; i < json_count(v); i++) {
        const char *item = json_as_string(json_at(v, i));
        if (!schema_word_known(s, item))
            return false;
        for (size_t k = 0; k < i; k++) {
            if (text_equal(json_as_string(json_at(v, k)), item))
                return false;
        }
    }
    return true;
}

static bool scalar_valid(const struct json *v, const struct slot *s)
{
    const char *text = json_as_string(v);
    struct digest d;
    uint64_t n = 0;
    bool yes = false;
    switch (s->kind) {
    case SLOT_WORD: return schema_word_known(s, text);
    case SLOT_NAME: return text != NULL && strlen(text) < 64 && manifest_name_valid(text);
    case SLOT_BOOL: return json_as_bool(v, &yes);
    case SLOT_LIST: return list_valid(v, s);
    case SLOT_DIGEST: return text != NULL && digest_parse(text, &d);
    case SLOT_NUMBER: return json_as_u64(v, &n) && n >= s->low && n <= s->high;
    case SLOT_DECIMAL: return text != NULL && decimal_read(text, &n) && n >= s->low && n <= s->high;
    case SLOT_MAP:
    case SLOT_UNKNOWN: break;
    }
    return false;
}

/* One mapping; its own mappings are pushed for later. */
struct walk {
    struct {
        const struct json *v;
        struct place at;
    } todo[64];
    size_t count;
};

static enum status check_map(const struct json *v, const struct place *in, struct walk *w,
                             struct err *e)
{
    const char *key = NULL;
    if (json_kind(v) != JSON_OBJECT)
        return defect(e, in->name, "must be a mapping");
    if (json_count(v) > SCHEMA_KEYS)
        return defect(e, in->name, "has too many keys");
    for (size_t i = 0; i < json_count(v); i++) {
        const struct json *value = NULL;
        key = json_member(v, i, &value);
        struct slot s = schema_find(in, key);
        if (s.kind == SLOT_UNKNOWN)
            return defect(e, key, "is unknown");
        if (s.kind != SLOT_MAP && !scalar_valid(value, &s))
            return defect(e, key, "is of another type or out of range");
        if (s.kind != SLOT_MAP)
            continue;
        if (w->count == sizeof w->todo / sizeof w->todo[0])
            return defect(e, key, "is one part too many");
        w->todo[w->count].v = value;
        w->todo[w->count++].at = s.to;
    }
    for (size_t i = 0; (key = schema_required(in, i)) != NULL; i++) {
        if (json_get(v, key) == NULL)
            return defect(e, key, "is missing");
    }
    return ST_OK;
}

enum status schema_check(const struct json *root, struct err *e)
{
    struct walk w = {.count = 1};
    w.todo[0].v = root;
    w.todo[0].at = (struct place){.kind = PLACE_ROOT, .name = "the policy"};
    while (w.count > 0) {
        w.count--;
        const struct json *v = w.todo[w.count].v;
        struct place at = w.todo[w.count].at;
        enum status st = check_map(v, &at, &w, e);
        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}
