/* Policies in YAML: libyaml's events, typed by promote/policy_schema, out as JSON.
 *
 * YAML guesses (no is false, 010 is 8, a tag can be anything); here nothing is guessed. A scalar is
 * text until the schema says what it must be; anchors, aliases, tags, directives, merge keys and
 * second documents are errors. Every error begins "line L, column C: ". */
#include "base/canon.h"
#include "base/checked.h"
#include "base/json_write.h"
#include "base/text.h"
#include "promote/policy.h"
#include "promote/policy_schema.h"
#include "verify/gate_checks.h"
#include <assert.h>
#include <string.h>
#include <yaml.h>

#define KEY_MAX 48 /* bytes of a key that is kept; longer ones are unknown anyway */

struct frame {
    struct place at;
    char keys[SCHEMA_KEYS][KEY_MAX]; /* [count] that stood there already */
    size_t count;
};

struct reader {
    yaml_parser_t parser;
    const char *label;
    struct json_out json;
    struct frame frames[SCHEMA_DEPTH];
    size_t depth;
    yaml_mark_t channels; /* where the key channels stands */
};

static void reader_release(struct reader *r)
{
    yaml_parser_delete(&r->parser);
}

/* Fills e with "line L, column C: what". */
static enum status at(const struct reader *r, yaml_mark_t mark, struct err *e, const char *code,
                      const char *fmt, ...) __attribute__((format(printf, 5, 6)));

static enum status at(const struct reader *r, yaml_mark_t mark, struct err *e, const char *code,
                      const char *fmt, ...)
{
    char what[400];
    va_list ap;
    va_start(ap, fmt);
    text_vfmt(what, sizeof what, fmt, ap);
    va_end(ap);
    err_at(e, ST_CONFIG, "policy", code, mark.index, "line %zu, column %zu: %s", mark.line + 1,
           mark.column + 1, what);
    return err_subject(e, "%s", r->label);
}

/* ---- events ---- */

/* The next event, with everything refused that no policy needs. */
static enum status next(struct reader *r, yaml_event_t *ev, struct err *e)
{
    if (yaml_parser_parse(&r->parser, ev) == 0) {
        *ev = (yaml_event_t){0};
        if (r->parser.error == YAML_MEMORY_ERROR)
            return err_set(e, ST_NO_MEMORY, NULL, "no memory to read a policy");
        bool read = r->parser.error == YAML_READER_ERROR;
        yaml_mark_t mark = read ? r->parser.mark : r->parser.problem_mark;
        return at(r, mark, e, "policy-yaml", "not YAML: %s",
                  r->parser.problem != NULL ? r->parser.problem : "it cannot be read");
    }
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (ev->type == YAML_ALIAS_EVENT)
        return at(r, ev->start_mark, e, "policy-alias",
                  "aliases are not allowed; write the value out");
    if (ev->type == YAML_SCALAR_EVENT) {
        anchor = ev->data.scalar.anchor;
        tag = ev->data.scalar.tag;
    } else if (ev->type == YAML_MAPPING_START_EVENT) {
        anchor = ev->data.mapping_start.anchor;
        tag = ev->data.mapping_start.tag;
    } else if (ev->type == YAML_SEQUENCE_START_EVENT) {
        anchor = ev->data.sequence_start.anchor;
        tag = ev->data.sequence_start.tag;
    }
    if (anchor != NULL)
        return at(r, ev->start_mark, e, "policy-anchor", "anchors are not allowed");
    if (tag != NULL)
        return at(r, ev->start_mark, e, "policy-tag",
                  "tags are not allowed; the schema decides the type");
    return ST_OK;
}

/* The scalar's text, if it is one without NUL in it. */
static const char *scalar(const yaml_event_t *ev)
{
    if (ev->type != YAML_SCALAR_EVENT)
        return NULL;
    const char *text = (const char *)ev->data.scalar.value;
    return strlen(text) == ev->data.scalar.length ? text : NULL;
}

/* ---- scalars ---- */

struct unit {
    const char *of, *name; /* "bytes", "MiB" */
    uint64_t factor;
};

static const struct unit units[] = {
    {"bytes", "", 1},
    {"bytes", "B", 1},
    {"bytes", "KiB", UINT64_C(1) << 10},
    {"bytes", "MiB", UINT64_C(1) << 20},
    {"bytes", "GiB", UINT64_C(1) << 30},
    {"bytes", "TiB", UINT64_C(1) << 40},
    {"ms", "", 1},
    {"ms", "ms", 1},
    {"ms", "s", 1000},
    {"ms", "min", 60000},
    {"s", "s", 1},
    {"s", "min", 60},
    {"s", "h", 3600},
    {"s", "d", 86400},
    {"tokens/s", "", 1},
    {"", "", 1},
};

static const char *unit_names(const char *of)
{
    if (text_equal(of, "bytes"))
        return "a size: whole bytes, or a number with KiB, MiB, GiB or TiB";
    if (text_equal(of, "ms"))
        return "a time: whole milliseconds, or a number with ms, s or min";
    if (text_equal(of, "s"))
        return "a time: a number with s, min, h or d";
    return "a whole number";
}

static bool number(const char *text, const char *unit, uint64_t *out)
{
    size_t digits = strspn(text, "0123456789");
    const char *name = text + digits;
    uint64_t n = 0;
    if (!text_u64(SPAN(text, digits), &n) || (digits > 1 && text[0] == '0'))
        return false;
    name += strspn(name, " ");
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (text_equal(units[i].of, unit) && text_equal(units[i].name, name))
            return checked_mul(n, units[i].factor, out);
    }
    return false;
}

static enum status put_number(struct reader *r, const struct slot *s, const char *text,
                              yaml_mark_t mark, struct err *e)
{
    uint64_t n = 0;
    if (!number(text, s->unit, &n))
        return at(r, mark, e, "policy-type", "\"%.64s\" is not %s", text, unit_names(s->unit));
    if (n < s->low || n > s->high)
        return at(r, mark, e, "policy-range", "%.64s is out of range: %llu to %llu %s", text,
                  (unsigned long long)s->low, (unsigned long long)s->high, s->unit);
    json_u64(&r->json, n);
    return ST_OK;
}

/* In its shortest form, so that one law has one digest: "0.950" becomes "0.95". */
static enum status put_decimal(struct reader *r, const struct slot *s, const char *text,
                               yaml_mark_t mark, struct err *e)
{
    static const struct section_member decimal = {.type = SECTION_DECIMAL};
    uint64_t n = 0;
    char shortest[32], low[32], high[32];
    if (!decimal_read(text, &n) || (text[0] == '0' && text[1] >= '0' && text[1] <= '9'))
        return at(r, mark, e, "policy-type",
                  "\"%.64s\" is not a decimal number such as 0.95 (at most six places)", text);
    section_text(&decimal, s->low, low);
    section_text(&decimal, s->high, high);
    if (n < s->low || n > s->high)
        return at(r, mark, e, "policy-range", "%.64s is out of range: %s to %s", text, low, high);
    section_text(&decimal, n, shortest);
    json_string(&r->json, shortest);
    return ST_OK;
}

static enum status put_word(struct reader *r, const struct slot *s, const char *key,
                            const char *text, yaml_mark_t mark, struct err *e)
{
    SCOPED(buf_release) struct buf words = BUF_EMPTY;
    if (schema_word_known(s, text)) {
        json_string(&r->json, text);
        return ST_OK;
    }
    if (s->words == NULL)
        return at(r, mark, e, "policy-value", "%s must name SPDX identifiers, not \"%.64s\"", key,
                  text);
    schema_words(s->words, &words);
    return at(r, mark, e, "policy-value", "%s must be %s%.*s here, not \"%.64s\"", key,
              s->words[1] != NULL ? "one of " : "", (int)words.n,
              words.p != NULL ? (const char *)words.p : "", text);
}

static enum status put_text(struct reader *r, const struct slot *s, const char *key,
                            const char *text, yaml_mark_t mark, struct err *e)
{
    struct digest d;
    if (s->kind == SLOT_NAME && (strlen(text) > 63 || !manifest_name_valid(text)))
        return at(r, mark, e, "policy-value", "%s must be [a-z0-9][a-z0-9._-]{0,62}", key);
    if (s->kind == SLOT_DIGEST && !digest_parse(text, &d))
        return at(r, mark, e, "policy-value", "%s must be 64 lower-case hex digits", key);
    json_string(&r->json, text);
    return ST_OK;
}

static enum status put_scalar(struct reader *r, const struct slot *s, const char *key,
                              const yaml_event_t *ev, struct err *e)
{
    const char *text = scalar(ev);
    yaml_mark_t mark = ev->start_mark;
    if (text == NULL)
        return at(r, mark, e, "policy-type", "%s must be a single value", key);
    switch (s->kind) {
    case SLOT_NUMBER: return put_number(r, s, text, mark, e);
    case SLOT_DECIMAL: return put_decimal(r, s, text, mark, e);
    case SLOT_WORD: return put_word(r, s, key, text, mark, e);
    case SLOT_NAME:
    case SLOT_DIGEST: return put_text(r, s, key, text, mark, e);
    case SLOT_BOOL:
        if (!text_equal(text, "true") && !text_equal(text, "false"))
            return at(r, mark, e, "policy-type", "%s must be true or false, not \"%.64s\"", key,
                      text);
        json_bool(&r->json, text_equal(text, "true"));
        return ST_OK;
    case SLOT_LIST:
    case SLOT_MAP:
    case SLOT_UNKNOWN: break;
    }
    assert(false); /* the caller sends only scalars here */
    return ST_CONFIG;
}

/* One item; `seen` holds those before it, each with a NUL at its end. */
static enum status put_item(struct reader *r, const struct slot *s, const char *key,
                            const yaml_event_t *ev, struct buf *seen, struct err *e)
{
    const char *text = scalar(ev);
    size_t count = 0;
    if (text == NULL)
        return at(r, ev->start_mark, e, "policy-type", "%s must be a list of single values", key);
    for (size_t i = 0; i < seen->n; i += strlen((const char *)seen->p + i) + 1, count++) {
        if (text_equal((const char *)seen->p + i, text))
            return at(r, ev->start_mark, e, "policy-duplicate", "%s names %.64s twice", key, text);
    }
    if (count == SCHEMA_ITEMS)
        return at(r, ev->start_mark, e, "policy-range", "%s names more than %d", key, SCHEMA_ITEMS);
    buf_append(seen, SPAN(text, strlen(text) + 1));
    return put_word(r, s, key, text, ev->start_mark, e);
}

static enum status read_list(struct reader *r, const struct slot *s, const char *key,
                             const yaml_event_t *start, struct err *e)
{
    SCOPED(buf_release) struct buf seen = BUF_EMPTY;
    if (start->type != YAML_SEQUENCE_START_EVENT)
        return at(r, start->start_mark, e, "policy-type", "%s must be a list: [%s, …]", key,
                  s->words != NULL ? s->words[0] : "Apache-2.0");
    json_array(&r->json);
    for (bool more = true; more;) {
        SCOPED(yaml_event_delete) yaml_event_t ev = {0};
        enum status st = next(r, &ev, e);
        if (st != ST_OK)
            return st;
        more = ev.type != YAML_SEQUENCE_END_EVENT;
        if (!more && seen.n == 0)
            return at(r, ev.start_mark, e, "policy-value",
                      "%s must name at least one; leave the key out for no such rule", key);
        if (more && (st = put_item(r, s, key, &ev, &seen, e)) != ST_OK)
            return st;
    }
    json_close(&r->json);
    return buf_status(&seen) == ST_OK ? ST_OK
                                      : err_set(e, ST_NO_MEMORY, NULL, "no memory for a policy");
}

/* ---- mappings ---- */

static enum status open_map(struct reader *r, const struct place *to, const char *key,
                            const yaml_event_t *ev, struct err *e)
{
    if (ev->type != YAML_MAPPING_START_EVENT)
        return at(r, ev->start_mark, e, "policy-type", "%s must be a mapping of keys to values",
                  key);
    assert(r->depth < SCHEMA_DEPTH); /* the schema is less deep */
    struct frame *f = &r->frames[r->depth++];
    f->at = *to;
    f->count = 0;
    json_object(&r->json);
    return ST_OK;
}

static bool stood(const struct frame *f, const char *key)
{
    for (size_t i = 0; i < f->count; i++) {
        if (text_equal(f->keys[i], key))
            return true;
    }
    return false;
}

static enum status close_map(struct reader *r, const yaml_event_t *ev, struct err *e)
{
    const struct frame *f = &r->frames[r->depth - 1];
    const char *key = NULL;
    for (size_t i = 0; (key = schema_required(&f->at, i)) != NULL; i++) {
        if (!stood(f, key))
            return at(r, ev->end_mark, e, "policy-missing", "%s lacks the key %s", f->at.name, key);
    }
    json_close(&r->json);
    r->depth--;
    return ST_OK;
}

static enum status find_key(struct reader *r, const char *key, yaml_mark_t mark, struct slot *out,
                            struct err *e)
{
    struct frame *f = &r->frames[r->depth - 1];
    *out = schema_find(&f->at, key);
    if (out->kind == SLOT_UNKNOWN || strlen(key) >= KEY_MAX) {
        SCOPED(buf_release) struct buf keys = BUF_EMPTY;
        schema_keys(&f->at, &keys);
        return at(r, mark, e, "policy-unknown", "unknown key \"%.64s\"; allowed here: %.*s", key,
                  (int)keys.n, keys.p != NULL ? (const char *)keys.p : "");
    }
    if (stood(f, key))
        return at(r, mark, e, "policy-duplicate", "the key %s stands here twice", key);
    if (f->count == (f->at.parts ? SECTION_PARTS : SCHEMA_KEYS))
        return at(r, mark, e, "policy-range", "more than %zu parts", f->count);
    text_fmt(f->keys[f->count++], KEY_MAX, "%s", key);
    return ST_OK;
}

/* A key and what follows it. */
static enum status read_member(struct reader *r, const yaml_event_t *key_event, struct err *e)
{
    const char *key = scalar(key_event);
    struct slot s;
    if (key == NULL)
        return at(r, key_event->start_mark, e, "policy-type", "a key must be a plain word");
    enum status st = find_key(r, key, key_event->start_mark, &s, e);
    if (st != ST_OK)
        return st;
    if (r->depth == 1 && text_equal(key, "channels"))
        r->channels = key_event->start_mark;
    json_key(&r->json, key);
    SCOPED(yaml_event_delete) yaml_event_t value = {0};
    if ((st = next(r, &value, e)) != ST_OK)
        return st;
    if (s.kind == SLOT_MAP)
        return open_map(r, &s.to, key, &value, e);
    if (s.kind == SLOT_LIST)
        return read_list(r, &s, key, &value, e);
    return put_scalar(r, &s, key, &value, e);
}

static enum status read_document(struct reader *r, struct err *e)
{
    static const struct place root = {.kind = PLACE_ROOT, .name = "the policy"};
    SCOPED(yaml_event_delete) yaml_event_t start = {0};
    enum status st = next(r, &start, e);
    if (st != ST_OK || (st = open_map(r, &root, "a policy", &start, e)) != ST_OK)
        return st;
    while (r->depth > 0) {
        SCOPED(yaml_event_delete) yaml_event_t ev = {0};
        if ((st = next(r, &ev, e)) != ST_OK)
            return st;
        st = ev.type == YAML_MAPPING_END_EVENT ? close_map(r, &ev, e) : read_member(r, &ev, e);
        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}

static enum status want(struct reader *r, yaml_event_type_t type, const char *otherwise,
                        struct err *e)
{
    SCOPED(yaml_event_delete) yaml_event_t ev = {0};
    enum status st = next(r, &ev, e);
    if (st != ST_OK)
        return st;
    if (ev.type != type)
        return at(r, ev.start_mark, e, "policy-document", "%s", otherwise);
    if (type == YAML_DOCUMENT_START_EVENT &&
        (ev.data.document_start.version_directive != NULL ||
         ev.data.document_start.tag_directives.start != ev.data.document_start.tag_directives.end))
        return at(r, ev.start_mark, e, "policy-directive", "%% directives are not allowed");
    return ST_OK;
}

static enum status read_stream(struct reader *r, struct err *e)
{
    enum status st = want(r, YAML_STREAM_START_EVENT, "not a YAML stream", e);
    if (st != ST_OK || (st = want(r, YAML_DOCUMENT_START_EVENT, "the file is empty", e)) != ST_OK ||
        (st = read_document(r, e)) != ST_OK ||
        (st = want(r, YAML_DOCUMENT_END_EVENT, "something follows the policy", e)) != ST_OK)
        return st;
    return want(r, YAML_STREAM_END_EVENT, "a second document is not allowed", e);
}

enum status policy_parse_yaml(struct span yaml, const char *label, struct policy *out,
                              struct err *e)
{
    SCOPED(buf_release) struct buf json = BUF_EMPTY;
    SCOPED(buf_release) struct buf canonical = BUF_EMPTY;
    if (yaml.n > POLICY_MAX) {
        err_set(e, ST_CONFIG, "policy-size", "line 1, column 1: a policy has at most %u bytes",
                POLICY_MAX);
        return err_subject(e, "%s", label);
    }
    SCOPED(reader_release) struct reader r = {.label = label, .json = json_out(&json)};
    if (yaml_parser_initialize(&r.parser) == 0)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to read a policy");
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, yaml.n > 0 ? yaml.p : (const uint8_t *)"", yaml.n);
    enum status st = read_stream(&r, e);
    if (st != ST_OK)
        return st;
    if (buf_status(&json) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to read a policy");
    if ((st = canon_text(buf_span(&json), &canonical, e)) != ST_OK)
        return st;
    struct err why = ERR_NONE; /* what the parts may say and the whole may not */
    st = policy_decode(buf_span(&canonical), out, &why);
    if (st == ST_CONFIG)
        return at(&r, r.channels, e, why.code, "%s", why.detail);
    if (st != ST_OK)
        *e = why;
    return st;
}
