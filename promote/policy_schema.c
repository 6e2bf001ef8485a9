#include "promote/policy_schema.h"
#include "base/text.h"
#include "store/manifest.h"
#include <string.h>

#define YEAR_S UINT64_C(31536000)

struct rule {
    enum place_kind in;
    const char *key;
    enum slot_kind kind;
    bool required;
    enum place_kind to;
    const char *text; /* exact text, or unit */
    uint64_t low, high;
};

/* Every key but those of the gates' sections, which verify/section knows. */
static const struct rule rules[] = {
    {PLACE_ROOT, "schema", SLOT_TEXT, true, 0, POLICY_SCHEMA, 0, 0},
    {PLACE_ROOT, "name", SLOT_NAME, true, 0, NULL, 0, 0},
    {PLACE_ROOT, "gates", SLOT_MAP, false, PLACE_GATES, NULL, 0, 0},
    {PLACE_ROOT, "channels", SLOT_MAP, true, PLACE_CHANNELS, NULL, 0, 0},
    {PLACE_ROOT, "retention", SLOT_MAP, false, PLACE_RETENTION, NULL, 0, 0},
    {PLACE_ROOT, "limits", SLOT_LATER, false, 0, NULL, 0, 0},
    {PLACE_ROOT, "formats", SLOT_LATER, false, 0, NULL, 0, 0},
    {PLACE_ROOT, "licences", SLOT_LATER, false, 0, NULL, 0, 0},
    {PLACE_ROOT, "emergency", SLOT_LATER, false, 0, NULL, 0, 0},
    {PLACE_GATES, "structural", SLOT_MAP, false, PLACE_SECTION, NULL, 0, 0},
    {PLACE_GATES, "smoke", SLOT_MAP, false, PLACE_SECTION, NULL, 0, 0},
    {PLACE_GATES, "task", SLOT_LATER, false, 0, NULL, 0, 0},
    {PLACE_GATES, "safety", SLOT_LATER, false, 0, NULL, 0, 0},
    {PLACE_GATES, "browser", SLOT_LATER, false, 0, NULL, 0, 0},
    {PLACE_CHANNELS, "preview", SLOT_MAP, false, PLACE_CHANNEL, NULL, 0, 0},
    {PLACE_CHANNELS, "stable", SLOT_MAP, false, PLACE_CHANNEL, NULL, 0, 0},
    {PLACE_CHANNEL, "from", SLOT_TEXT, true, 0, NULL, 0,
     0}, /* exact: schema_find knows by channel */
    {PLACE_CHANNEL, "gates", SLOT_GATES, true, 0, NULL, 0, 0},
    {PLACE_CHANNEL, "evidence_max_age", SLOT_NUMBER, false, 0, "s", 60, 10 * YEAR_S},
    {PLACE_CHANNEL, "allow_self_signed", SLOT_BOOL, false, 0, NULL, 0, 0},
    {PLACE_CHANNEL, "approvals", SLOT_LATER, false, 0, NULL, 0, 0},
    {PLACE_CHANNEL, "soak", SLOT_LATER, false, 0, NULL, 0, 0},
    {PLACE_CHANNEL, "support_record", SLOT_LATER, false, 0, NULL, 0, 0},
    {PLACE_RETENTION, "former_holders", SLOT_NUMBER, false, 0, "", 0, 1000},
};
#define RULES (sizeof rules / sizeof rules[0])

/* ---- sections, from the table that gates and promotion share ---- */

static struct slot find_in_section(const struct place *in, const char *key)
{
    const struct section_member *m;
    for (unsigned i = 0; (m = section_member(in->gate, i)) != NULL; i++) {
        bool here = in->group == m->group ||
                    (in->group != NULL && m->group != NULL && text_equal(in->group, m->group));
        if (here && text_equal(m->key, key))
            return (struct slot){
                .kind = SLOT_NUMBER, .unit = m->unit, .low = m->low, .high = m->high, .bit = i};
        if (in->group == NULL && m->group != NULL && text_equal(m->group, key))
            return (struct slot){
                .kind = SLOT_MAP,
                .bit = i,
                .to = {.kind = PLACE_SECTION, .gate = in->gate, .group = m->group}};
    }
    return (struct slot){.kind = SLOT_UNKNOWN};
}

static void section_keys(const struct place *in, struct buf *out)
{
    const struct section_member *m, *before = NULL;
    for (size_t i = 0; (m = section_member(in->gate, i)) != NULL; before = m, i++) {
        bool first_of_group = before == NULL || before->group == NULL || m->group == NULL ||
                              !text_equal(before->group, m->group);
        const char *key = NULL;
        if (in->group == NULL)
            key = m->group == NULL ? m->key : first_of_group ? m->group : NULL;
        else if (m->group != NULL && text_equal(m->group, in->group))
            key = m->key;
        if (key != NULL)
            buf_fmt(out, "%s%s", out->n > 0 ? ", " : "", key);
    }
}

/* ---- the rest ---- */

static struct slot slot_of(const struct rule *r, unsigned bit, const struct place *in)
{
    struct slot s = {
        .kind = r->kind, .low = r->low, .high = r->high, .bit = bit, .to = {.kind = r->to}};
    if (r->kind == SLOT_NUMBER)
        s.unit = r->text;
    else
        s.exact = r->text;
    if (r->in == PLACE_GATES)
        s.to.gate = gate_parse(r->key);
    if (r->in == PLACE_CHANNELS)
        s.to.channel = r->key;
    if (r->in == PLACE_CHANNEL && r->kind == SLOT_TEXT)
        s.exact = text_equal(in->channel, "preview") ? "candidate" : "preview";
    return s;
}

struct slot schema_find(const struct place *in, const char *key)
{
    if (in->kind == PLACE_SECTION)
        return find_in_section(in, key);
    for (unsigned i = 0; i < RULES; i++) {
        if (rules[i].in == in->kind && text_equal(rules[i].key, key))
            return slot_of(&rules[i], i, in);
    }
    return (struct slot){.kind = SLOT_UNKNOWN};
}

void schema_keys(const struct place *in, struct buf *out)
{
    SCOPED(buf_release) struct buf keys = BUF_EMPTY;
    if (in->kind == PLACE_SECTION)
        section_keys(in, &keys);
    for (size_t i = 0; i < RULES; i++) {
        if (rules[i].in == in->kind && in->kind != PLACE_SECTION && rules[i].kind != SLOT_LATER)
            buf_fmt(&keys, "%s%s", keys.n > 0 ? ", " : "", rules[i].key);
    }
    buf_append(out, buf_span(&keys));
}

const char *schema_missing(const struct place *in, uint32_t seen)
{
    for (unsigned i = 0; i < RULES; i++) {
        if (rules[i].in == in->kind && rules[i].required && (seen >> i & 1) == 0)
            return rules[i].key;
    }
    return NULL;
}

enum gate schema_gate(const char *name, bool *later)
{
    enum gate g = gate_parse(name);
    *later = g != GATE_NONE && section_member(g, 0) == NULL;
    return *later ? GATE_NONE : g;
}

/* ---- checking canonical JSON ---- */

static enum status defect(struct err *e, const char *key, const char *what)
{
    return err_at(e, ST_CONFIG, "policy", "policy-member", ERR_NO_OFFSET, "policy: %s %s", key,
                  what);
}

static bool name_valid(const char *s)
{
    return s != NULL && strlen(s) < 64 && manifest_name_valid(s);
}

static enum status check_gates(const struct json *v, const char *key, struct err *e)
{
    uint32_t seen = 0;
    if (json_kind(v) != JSON_ARRAY)
        return defect(e, key, "must be a list of gates");
    if (json_count(v) == 0)
        return defect(e, key, "must name at least one gate: without evidence nothing is promoted");
    for (size_t i = 0; i < json_count(v); i++) {
        bool later = false;
        const char *name = json_as_string(json_at(v, i));
        enum gate g = name != NULL ? schema_gate(name, &later) : GATE_NONE;
        if (g == GATE_NONE || (seen >> g & 1) != 0)
            return defect(e, key, "names a gate twice, or one that this program does not have");
        seen |= UINT32_C(1) << g;
    }
    return ST_OK;
}

static enum status check_scalar(const struct json *v, const struct slot *s, const char *key,
                                struct err *e)
{
    uint64_t n = 0;
    bool yes = false;
    const char *text = json_as_string(v);
    switch (s->kind) {
    case SLOT_TEXT:
        return text != NULL && text_equal(text, s->exact) ? ST_OK
                                                          : defect(e, key, "is another text");
    case SLOT_NAME:
        return name_valid(text) ? ST_OK : defect(e, key, "must be a short lower-case name");
    case SLOT_BOOL: return json_as_bool(v, &yes) ? ST_OK : defect(e, key, "must be true or false");
    case SLOT_GATES: return check_gates(v, key, e);
    case SLOT_NUMBER:
        return json_as_u64(v, &n) && n >= s->low && n <= s->high
                   ? ST_OK
                   : defect(e, key, "is out of range");
    case SLOT_LATER: return defect(e, key, "is not supported yet by this program");
    case SLOT_MAP:
    case SLOT_UNKNOWN: break;
    }
    return defect(e, key, "is unknown");
}

/* One mapping; its own mappings are pushed for later. */
struct walk {
    struct {
        const struct json *v;
        struct place at;
    } todo[16];
    size_t count;
};

static enum status check_map(const struct json *v, const struct place *in, struct walk *w,
                             struct err *e)
{
    uint32_t seen = 0;
    if (json_kind(v) != JSON_OBJECT)
        return defect(e, in->channel != NULL ? in->channel : "a part", "must be a mapping");
    for (size_t i = 0; i < json_count(v); i++) {
        const struct json *value = NULL;
        const char *key = json_member(v, i, &value);
        struct slot s = schema_find(in, key);
        seen |= UINT32_C(1) << s.bit;
        if (s.kind == SLOT_MAP) {
            if (w->count == sizeof w->todo / sizeof w->todo[0])
                return defect(e, key, "is one part too many");
            w->todo[w->count].v = value;
            w->todo[w->count++].at = s.to;
            continue;
        }
        enum status st = check_scalar(value, &s, key, e);
        if (st != ST_OK)
            return st;
    }
    const char *missing = schema_missing(in, seen);
    return missing == NULL ? ST_OK : defect(e, missing, "is missing");
}

enum status schema_check(const struct json *root, struct err *e)
{
    struct walk w = {.count = 1};
    w.todo[0].v = root;
    w.todo[0].at = (struct place){.kind = PLACE_ROOT};
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
