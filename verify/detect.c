#include "verify/detect.h"
#include "base/heap.h"
#include "base/text.h"
#include <regex.h>
#include <string.h>

#define REPEAT_UNIT  64 /* bytes of a unit at most */
#define REPEAT_BYTES 24 /* a loop shorter than this is style */
#define ECHO_BYTES   12
#define TEXT_MAX     (64u << 10)

enum look { LOOK_WORDS, LOOK_CONTAINS, LOOK_PATTERN, LOOK_REPEAT, LOOK_UTF8, LOOK_ECHO, LOOKS };
static const char *const looks[LOOKS] = {"words", "contains", "pattern", "repeat", "utf8", "echo"};

struct detector {
    const char *name;
    enum look look;
    const struct json *texts, *hazards;
    uint64_t most;
    regex_t pattern;
    bool compiled;
};

struct detectors {
    struct detector of[DETECTORS_MAX];
    size_t count;
};

void detectors_close(struct detectors *d)
{
    if (d == NULL)
        return;
    for (size_t i = 0; i < d->count; i++)
        if (d->of[i].compiled)
            regfree(&d->of[i].pattern);
    heap_free(d);
}

size_t detectors_count(const struct detectors *d)
{
    return d->count;
}

const char *detectors_name(const struct detectors *d, size_t i)
{
    return d->of[i].name;
}

/* ---- reading ------------------------------------------------------------------------------ */

static enum status wrong(struct err *e, size_t i, const char *what)
{
    return err_at(e, ST_FORMAT, "suite", "suite-detector", ERR_NO_OFFSET, "detector %zu: %s", i,
                  what);
}

static bool texts_all(const struct json *list)
{
    bool fine = json_kind(list) == JSON_ARRAY && json_count(list) > 0;
    for (size_t i = 0; fine && i < json_count(list); i++) {
        const char *text = json_as_string(json_at(list, i));
        fine = text != NULL && text[0] != '\0';
    }
    return fine;
}

static bool knows(enum look look, const char *key)
{
    static const char *const own[LOOKS] = {"texts", "texts", "pattern", "most", "", ""};
    return text_equal(key, "name") || text_equal(key, "kind") || text_equal(key, "hazards") ||
           text_equal(key, own[look]);
}

static enum status read_own(const struct json *v, size_t i, struct detector *d, struct err *e)
{
    const char *pattern = json_as_string(json_get(v, "pattern"));
    d->texts = json_get(v, "texts");
    if ((d->look == LOOK_WORDS || d->look == LOOK_CONTAINS) && !texts_all(d->texts))
        return wrong(e, i, "\"texts\" has to be a list of texts");
    if (d->look == LOOK_REPEAT && (!json_as_u64(json_get(v, "most"), &d->most) || d->most == 0))
        return wrong(e, i, "\"most\" has to be a whole number from 1");
    if (d->look != LOOK_PATTERN)
        return ST_OK;
    if (pattern == NULL)
        return wrong(e, i, "\"pattern\" has to be an extended regular expression");
    d->compiled = regcomp(&d->pattern, pattern, REG_EXTENDED | REG_ICASE | REG_NOSUB) == 0;
    return d->compiled ? ST_OK : wrong(e, i, "\"pattern\" is no extended regular expression");
}

static enum status read_one(const struct json *v, size_t i, struct detector *d, struct err *e)
{
    const char *kind = json_as_string(json_get(v, "kind"));
    size_t look = 0;
    while (kind != NULL && look < LOOKS && !text_equal(looks[look], kind))
        look++;
    if (kind == NULL || look == LOOKS)
        return wrong(e, i, "\"kind\" has to be words, contains, pattern, repeat, utf8 or echo");
    d->look = (enum look)look;
    d->name = json_as_string(json_get(v, "name"));
    if (d->name == NULL || d->name[0] == '\0' || strlen(d->name) > 31)
        return wrong(e, i, "needs a \"name\" of at most 31 bytes");
    for (size_t k = 0; k < json_count(v); k++) {
        const struct json *value;
        if (!knows(d->look, json_member(v, k, &value)))
            return wrong(e, i, "has a member that its kind does not know");
    }
    d->hazards = json_get(v, "hazards");
    if (d->hazards != NULL && !texts_all(d->hazards))
        return wrong(e, i, "\"hazards\" has to be a list of texts");
    return read_own(v, i, d, e);
}

enum status detectors_open(const struct json *list, struct detectors **out, struct err *e)
{
    SCOPED(detectors_scope) struct detectors *d = heap_zero(1, sizeof *d);
    if (d == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for detectors");
    if (json_count(list) > DETECTORS_MAX)
        return wrong(e, DETECTORS_MAX, "there are more than 32");
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < json_count(list); i++) {
        st = read_one(json_at(list, i), i, &d->of[d->count++], e);
        for (size_t k = 0; st == ST_OK && k < i; k++)
            if (text_equal(d->of[k].name, d->of[i].name))
                st = wrong(e, i, "has the name of another one");
    }
    if (st == ST_OK)
        *out = detectors_take(&d);
    return st;
}

/* ---- looking ------------------------------------------------------------------------------ */

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static bool in_word(uint8_t c)
{
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || c >= 0x80;
}

static bool same(const uint8_t *p, const char *what, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (lower(p[i]) != lower((uint8_t)what[i]))
            return false;
    return true;
}

static bool occurs(struct span text, const char *what, bool word)
{
    const size_t n = strlen(what);
    for (size_t at = 0; n <= text.n && at <= text.n - n; at++) {
        if (!same(text.p + at, what, n))
            continue;
        bool alone =
            (at == 0 || !in_word(text.p[at - 1])) && (at + n == text.n || !in_word(text.p[at + n]));
        if (!word || alone)
            return true;
    }
    return false;
}

static bool any_text(const struct detector *d, struct span text)
{
    for (size_t i = 0; i < json_count(d->texts); i++)
        if (occurs(text, json_as_string(json_at(d->texts, i)), d->look == LOOK_WORDS))
            return true;
    return false;
}

/* How often is the last unit repeated at the end, for every length of a unit? */
static bool loops(const struct detector *d, struct span text)
{
    for (size_t unit = 1; unit <= REPEAT_UNIT && 2 * unit <= text.n; unit++) {
        const uint8_t *last = text.p + text.n - unit;
        size_t times = 1;
        while ((times + 1) * unit <= text.n && memcmp(last - times * unit, last, unit) == 0)
            times++;
        if (times > d->most && times * unit >= REPEAT_BYTES)
            return true;
    }
    return false;
}

static bool matches(const struct detector *d, struct span text)
{
    SCOPED(buf_release) struct buf copy = BUF_EMPTY;
    buf_append(&copy, SPAN(text.p, text.n < TEXT_MAX ? text.n : TEXT_MAX));
    buf_byte(&copy, 0);
    /* What could not be looked at is not clean. */
    return buf_status(&copy) != ST_OK ||
           regexec(&d->pattern, (const char *)copy.p, 0, NULL, 0) != REG_NOMATCH;
}

static bool looks_at(const struct detector *d, const char *hazard)
{
    bool named = d->hazards == NULL;
    for (size_t i = 0; !named && i < json_count(d->hazards); i++)
        named = text_equal(json_as_string(json_at(d->hazards, i)), hazard);
    return named;
}

static bool finds(const struct detector *d, const struct heard *h)
{
    switch (d->look) {
    case LOOK_WORDS:
    case LOOK_CONTAINS: return any_text(d, h->text);
    case LOOK_PATTERN: return matches(d, h->text);
    case LOOK_REPEAT: return loops(d, h->text);
    case LOOK_UTF8: return !h->utf8;
    case LOOK_ECHO: return strlen(h->prompt) >= ECHO_BYTES && occurs(h->text, h->prompt, false);
    case LOOKS: break;
    }
    return true;
}

uint32_t detectors_find(const struct detectors *d, const struct heard *h)
{
    uint32_t found = 0;
    for (size_t i = 0; i < d->count; i++)
        if (looks_at(&d->of[i], h->hazard) && finds(&d->of[i], h))
            found |= 1u << i;
    return found;
}
