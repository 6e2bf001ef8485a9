#include "verify/section.h"
#include "base/text.h"
#include "store/digest.h"
#include "verify/gate_checks.h"
#include <string.h>

#define MILLION UINT64_C(1000000)

bool section_part_valid(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-");
    return n > 0 && n < SECTION_PART && name[n] == '\0' && strspn(name, "._-") == 0;
}

/* ---- values ---- */

bool section_part_value(const struct json *part, const struct section_member *m, uint64_t *out)
{
    const struct json *v = json_get(part, m->key);
    const char *text = json_as_string(v);
    uint64_t value = 0;
    bool said = m->type == SECTION_DECIMAL ? text != NULL && decimal_read(text, &value)
                                           : m->type == SECTION_NUMBER && json_as_u64(v, &value);
    if (said)
        *out = value;
    else if (m->sense == SECTION_SETTING)
        *out = m->fallback;
    return said;
}

bool section_value(const struct json *section, const struct section_member *m, uint64_t *out)
{
    return section_part_value(m->group != NULL ? json_get(section, m->group) : section, m, out);
}

const char *section_word(const struct json *section, enum gate g, const char *key)
{
    const struct section_member *m = NULL;
    for (size_t i = 0; (m = section_member(g, i)) != NULL; i++) {
        if (m->type != SECTION_WORD || !text_equal(m->key, key))
            continue;
        const struct json *from = m->group != NULL ? json_get(section, m->group) : section;
        const char *word = json_as_string(json_get(from, key));
        return word != NULL ? word : m->words[0];
    }
    return NULL;
}

/* ---- holding ---- */

/* A plain decimal number against a limit given in units of 10^-places. */
static bool read_measured(const char *text, bool millionths, uint64_t *value, bool *rest)
{
    size_t whole = strspn(text, "0123456789");
    const char *point = text + whole;
    if (!text_u64(SPAN(text, whole), value))
        return false;
    size_t digits = *point == '.' ? strspn(point + 1, "0123456789") : 0;
    if (*point != '\0' && (digits == 0 || point[1 + digits] != '\0'))
        return false;
    size_t kept = millionths ? 6 : 0;
    for (size_t i = 0; i < kept; i++) {
        unsigned d = i < digits ? (unsigned)(point[1 + i] - '0') : 0;
        if (*value > (UINT64_MAX - d) / 10)
            return false;
        *value = *value * 10 + d;
    }
    *rest = digits > kept && strspn(point + 1 + kept, "0") != digits - kept;
    return true;
}

bool section_holds(const struct section_member *m, const char *measured, uint64_t limit)
{
    uint64_t value = 0;
    bool rest = false; /* something stands behind the places that count */
    if (!read_measured(measured, m->type == SECTION_DECIMAL, &value, &rest))
        return false;
    switch (m->sense) {
    case SECTION_AT_MOST: return value < limit || (value == limit && !rest);
    case SECTION_AT_LEAST: return value >= limit;
    case SECTION_SETTING: return true;
    }
    return false;
}

void section_text(const struct section_member *m, uint64_t value, char out[32])
{
    if (m->type != SECTION_DECIMAL) {
        text_fmt(out, 32, "%llu", (unsigned long long)value);
        return;
    }
    size_t n = text_fmt(out, 32, "%llu.%06llu", (unsigned long long)(value / MILLION),
                        (unsigned long long)(value % MILLION));
    while (out[n - 1] == '0')
        out[--n] = '\0';
    if (out[n - 1] == '.')
        out[n - 1] = '\0';
}

/* ---- walking ---- */

struct section_walk section_limits(enum gate g, const struct json *section)
{
    return (struct section_walk){.gate = g, .section = section};
}

/* The part that the walk stands at: its object and name; NULL when there is none left. */
static const struct json *part_at(const struct section_walk *w, const struct section_member *m,
                                  const char **name)
{
    const struct json *group = m->group != NULL ? json_get(w->section, m->group) : w->section;
    const struct json *part = NULL;
    *name = NULL;
    if (!m->parts)
        return w->part == 0 ? group : NULL;
    if (w->part < json_count(group))
        *name = json_member(group, w->part, &part);
    return part;
}

bool section_next(struct section_walk *w, struct section_limit *out)
{
    const struct section_member *m = NULL;
    for (; (m = section_member(w->gate, w->member)) != NULL; w->member++, w->part = 0) {
        const char *name = NULL;
        const struct json *part = NULL;
        while (m->check != NULL && (part = part_at(w, m, &name)) != NULL) {
            w->part++;
            if (!section_part_value(part, m, &out->limit))
                continue;
            out->member = m;
            text_fmt(out->check, sizeof out->check, "%s%s%s", name != NULL ? name : "",
                     name != NULL ? " " : "", m->check);
            return true;
        }
    }
    return false;
}

/* ---- checking ---- */

static enum status odd(enum gate g, const char *key, const char *why, struct err *e)
{
    return err_at(e, ST_CONFIG, "policy", "policy-section", ERR_NO_OFFSET,
                  "gate %s does not know what \"%s\" in its section means%s%s", gate_name(g), key,
                  why[0] != '\0' ? ": " : "", why);
}

static bool word_known(const struct section_member *m, const char *text)
{
    for (size_t i = 0; text != NULL && m->words[i] != NULL; i++) {
        if (text_equal(m->words[i], text))
            return true;
    }
    return false;
}

static bool value_valid(const struct section_member *m, const struct json *holder)
{
    const char *text = json_as_string(json_get(holder, m->key));
    uint64_t v = 0;
    struct digest d;
    switch (m->type) {
    case SECTION_DIGEST: return text != NULL && digest_parse(text, &d);
    case SECTION_WORD: return word_known(m, text);
    case SECTION_NUMBER:
    case SECTION_DECIMAL: break;
    }
    return section_part_value(holder, m, &v) && v >= m->low && v <= m->high;
}

/* Objects that are groups or parts are met by the caller. */
static enum status check_members(enum gate g, const char *group, bool parts,
                                 const struct json *object, struct err *e)
{
    for (size_t i = 0; i < json_count(object); i++) {
        const struct json *v = NULL;
        const char *key = json_member(object, i, &v);
        const struct section_member *m = section_named(g, group, key);
        bool is_group = false;
        if (group == NULL && section_group(g, key, &is_group) && json_kind(v) == JSON_OBJECT)
            continue;
        if (m == NULL || m->parts != parts)
            return odd(g, key, "", e);
        if (!value_valid(m, object))
            return odd(g, key, "it is of another type or out of range", e);
    }
    return ST_OK;
}

static enum status check_parts(enum gate g, const char *group, const struct json *object,
                               struct err *e)
{
    if (json_count(object) > SECTION_PARTS)
        return odd(g, group, "it has too many parts", e);
    for (size_t i = 0; i < json_count(object); i++) {
        const struct json *part = NULL;
        const char *name = json_member(object, i, &part);
        if (!section_part_valid(name) || json_kind(part) != JSON_OBJECT)
            return odd(g, name, "", e);
        if (json_get(part, "sha256") == NULL)
            return odd(g, name, "it names no sha256", e);
        enum status st = check_members(g, group, true, part, e);
        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}

enum status section_check(enum gate g, const struct json *section, struct err *e)
{
    if (json_kind(section) != JSON_OBJECT)
        return err_at(e, ST_CONFIG, "policy", "policy-section", ERR_NO_OFFSET,
                      "the section of gate %s is no object", gate_name(g));
    enum status st = check_members(g, NULL, false, section, e);
    for (size_t i = 0; st == ST_OK && i < json_count(section); i++) {
        const struct json *v = NULL;
        const char *key = json_member(section, i, &v);
        bool parts = false;
        if (!section_group(g, key, &parts) || section_named(g, NULL, key) != NULL)
            continue;
        st = parts ? check_parts(g, key, v, e) : check_members(g, key, false, v, e);
    }
    return st;
}
