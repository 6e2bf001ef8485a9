#include "verify/suite.h"
#include "base/heap.h"
#include "base/text.h"
#include "verify/gate_checks.h"
#include <stdlib.h>
#include <string.h>

#define TOKENS_DEFAULT 64u
#define TOKENS_MAX     4096u

static const char *const kinds[] = {
    [SUITE_NONE] = "none",       [SUITE_CHOICE] = "choice", [SUITE_EXACT] = "exact",
    [SUITE_PATTERN] = "pattern", [SUITE_TEXT] = "text",     [SUITE_BATTERY] = "battery"};
#define KINDS (sizeof kinds / sizeof kinds[0])

const char *suite_kind_name(enum suite_kind k)
{
    return kinds[k];
}

void suite_release(struct suite *s)
{
    for (size_t i = 0; i < s->count; i++)
        json_free(s->cases[i].root);
    heap_free(s->cases);
    json_free(s->head);
    *s = (struct suite){0};
}

/* One line under way. */
struct line {
    struct span text;
    size_t number, offset;
    struct err *err;
};

static enum status wrong(const struct line *l, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static enum status wrong(const struct line *l, const char *code, const char *fmt, ...)
{
    char what[256];
    va_list ap;
    va_start(ap, fmt);
    text_vfmt(what, sizeof what, fmt, ap);
    va_end(ap);
    return err_at(l->err, ST_FORMAT, "suite", code, l->offset, "line %zu: %s", l->number, what);
}

/* Members that a line may have; what is not in the list was misspelt. */
static enum status only(const struct line *l, const struct json *v, const char *const *names)
{
    for (size_t i = 0; i < json_count(v); i++) {
        const struct json *value;
        const char *key = json_member(v, i, &value);
        bool known = false;
        for (size_t k = 0; !known && names[k] != NULL; k++)
            known = text_equal(names[k], key);
        if (!known)
            return wrong(l, "suite-member", "\"%s\" is no member of such a line", key);
    }
    return ST_OK;
}

static enum status need(const struct line *l, const struct json *v, const char *key,
                        const char **out)
{
    *out = json_as_string(json_get(v, key));
    if (*out == NULL || **out == '\0')
        return wrong(l, "suite-member", "needs \"%s\", a text that is not empty", key);
    return ST_OK;
}

/* A whole number from 1 to `most`; absent is `fallback`, which 0 forbids. */
static enum status number(const struct line *l, const struct json *v, const char *key,
                          uint64_t fallback, uint64_t most, uint64_t *out)
{
    const struct json *n = json_get(v, key);
    *out = fallback;
    if (n == NULL && fallback > 0)
        return ST_OK;
    if (!json_as_u64(n, out) || *out == 0 || *out > most)
        return wrong(l, "suite-number", "\"%s\" has to be a whole number from 1 to %llu", key,
                     (unsigned long long)most);
    return ST_OK;
}

/* ---- cases -------------------------------------------------------------------------------- */

static enum status take_choices(const struct line *l, struct suite_case *c)
{
    const struct json *list = json_get(c->root, "choices");
    size_t n = json_count(list);
    uint64_t answer = 0;
    if (json_kind(list) != JSON_ARRAY || n < 2 || n > SUITE_CHOICES)
        return wrong(l, "suite-choices", "\"choices\" has to be 2 to %d texts", SUITE_CHOICES);
    for (size_t i = 0; i < n; i++) {
        c->choices[i] = json_as_string(json_at(list, i));
        if (c->choices[i] == NULL || c->choices[i][0] == '\0')
            return wrong(l, "suite-choices", "choice %zu is no text", i);
        for (size_t k = 0; k < i; k++)
            if (text_equal(c->choices[i], c->choices[k]))
                return wrong(l, "suite-choices", "choices %zu and %zu are the same", k, i);
    }
    if (!json_as_u64(json_get(c->root, "answer"), &answer) || answer >= n)
        return wrong(l, "suite-answer", "\"answer\" has to be the index of a choice, below %zu", n);
    c->choice_count = (uint32_t)n;
    c->answer = (uint32_t)answer;
    return ST_OK;
}

static enum status take_tokens(const struct line *l, const struct suite *s, struct suite_case *c)
{
    uint64_t tokens = TOKENS_DEFAULT, whole = TOKENS_DEFAULT;
    /* A byte of what is expected is at most a token. */
    if (s->kind == SUITE_EXACT)
        whole = strlen(c->expect);
    else if (!json_as_u64(json_get(s->head, "tokens"), &whole))
        whole = TOKENS_DEFAULT;
    enum status st = number(l, c->root, "tokens", whole, TOKENS_MAX, &tokens);
    c->tokens = (uint32_t)tokens;
    return st;
}

static enum status take_case(const struct line *l, const struct suite *s, struct suite_case *c)
{
    static const char *const names[KINDS][6] = {
        [SUITE_CHOICE] = {"id", "context", "choices", "answer"},
        [SUITE_EXACT] = {"id", "prompt", "expect", "tokens"},
        [SUITE_PATTERN] = {"id", "prompt", "pattern", "tokens"},
        [SUITE_TEXT] = {"id", "text"},
        [SUITE_BATTERY] = {"id", "hazard", "prompt", "tokens"}};
    static const char *const asked[KINDS] = {[SUITE_CHOICE] = "context",
                                             [SUITE_EXACT] = "prompt",
                                             [SUITE_PATTERN] = "prompt",
                                             [SUITE_TEXT] = "text",
                                             [SUITE_BATTERY] = "prompt"};
    enum status st = only(l, c->root, names[s->kind]);
    if (st == ST_OK)
        st = need(l, c->root, "id", &c->id);
    if (st == ST_OK && strlen(c->id) >= SUITE_NAME_MAX)
        st = wrong(l, "suite-id", "an id has at most %d bytes", SUITE_NAME_MAX - 1);
    if (st == ST_OK)
        st = need(l, c->root, asked[s->kind], &c->text);
    if (st == ST_OK && s->kind == SUITE_CHOICE)
        st = take_choices(l, c);
    if (st == ST_OK && s->kind == SUITE_EXACT)
        st = need(l, c->root, "expect", &c->expect);
    if (st == ST_OK && s->kind == SUITE_PATTERN)
        st = need(l, c->root, "pattern", &c->expect);
    if (st == ST_OK && s->kind == SUITE_BATTERY)
        st = need(l, c->root, "hazard", &c->hazard);
    if (st == ST_OK && s->kind != SUITE_CHOICE && s->kind != SUITE_TEXT)
        st = take_tokens(l, s, c);
    return st;
}

/* ---- the head ----------------------------------------------------------------------------- */

static enum status take_kind(const struct line *l, struct suite *s)
{
    const char *schema, *kind = NULL;
    enum status st = need(l, s->head, "schema", &schema);
    if (st != ST_OK)
        return st;
    if (text_equal(schema, "assay.battery/1")) {
        s->kind = SUITE_BATTERY;
        return ST_OK;
    }
    if (!text_equal(schema, "assay.suite/1"))
        return wrong(l, "suite-schema", "the schema is %.64s, not assay.suite/1 or assay.battery/1",
                     schema);
    st = need(l, s->head, "kind", &kind);
    for (int k = SUITE_CHOICE; st == ST_OK && k <= SUITE_TEXT; k++)
        if (text_equal(kinds[k], kind))
            s->kind = (enum suite_kind)k;
    if (st == ST_OK && s->kind == SUITE_NONE)
        return wrong(l, "suite-kind", "there is no kind %.64s: choice, exact, pattern, text", kind);
    return st;
}

static enum status take_head(const struct line *l, struct suite *s, uint64_t *cases)
{
    static const char *const of_suite[] = {"schema", "name",   "kind", "chance",
                                           "cases",  "tokens", 0};
    static const char *const of_battery[] = {"schema", "name", "tokens", "detectors", "cases", 0};
    const char *name = NULL, *chance = NULL;
    uint64_t tokens;
    enum status st = take_kind(l, s);
    if (st == ST_OK)
        st = only(l, s->head, s->kind == SUITE_BATTERY ? of_battery : of_suite);
    if (st == ST_OK)
        st = need(l, s->head, "name", &name);
    if (st == ST_OK && text_fmt(s->name, sizeof s->name, "%s", name) >= sizeof s->name)
        st = wrong(l, "suite-name", "a name has at most %d bytes", SUITE_NAME_MAX - 1);
    if (st == ST_OK)
        st = number(l, s->head, "cases", 0, SUITE_CASES_MAX, cases);
    if (st == ST_OK)
        st = number(l, s->head, "tokens", TOKENS_DEFAULT, TOKENS_MAX, &tokens);
    if (st == ST_OK && s->kind == SUITE_BATTERY) {
        s->detectors = json_get(s->head, "detectors");
        if (json_kind(s->detectors) != JSON_ARRAY || json_count(s->detectors) == 0)
            st = wrong(l, "suite-detectors", "\"detectors\" has to be a list that is not empty");
    } else if (st == ST_OK) {
        st = need(l, s->head, "chance", &chance);
        if (st == ST_OK && !decimal_read(chance, &s->chance))
            st = wrong(l, "suite-chance", "\"chance\" has to be a decimal number as text");
    }
    return st;
}

/* ---- the file ----------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum status check_ids(const struct suite *s, struct err *e)
{
    SCOPED(heap_scope) const char **ids = heap_zero(s->count, sizeof *ids);
    if (ids == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a suite");
    for (size_t i = 0; i < s->count; i++)
        ids[i] = s->cases[i].id;
    qsort(ids, s->count, sizeof *ids, by_id);
    for (size_t i = 1; i < s->count; i++)
        if (strcmp(ids[i - 1], ids[i]) == 0)
            return err_at(e, ST_FORMAT, "suite", "suite-id-twice", ERR_NO_OFFSET,
                          "the id %s stands twice", ids[i]);
    return ST_OK;
}

static bool next_line(struct span file, struct line *l, size_t *at)
{
    if (*at >= file.n)
        return false;
    const uint8_t *end = memchr(file.p + *at, '\n', file.n - *at);
    size_t n = end != NULL ? (size_t)(end - file.p) - *at : file.n - *at;
    l->text = SPAN(file.p + *at, n);
    l->offset = *at;
    l->number++;
    *at += n + (end != NULL);
    return true;
}

static enum status parse_line(const struct line *l, struct json **out)
{
    struct err inner = ERR_NONE;
    enum status st = json_parse(l->text, SUITE_LINE_MAX, out, &inner);
    if (st == ST_NO_MEMORY)
        return err_set(l->err, st, NULL, "no memory for a suite");
    if (st != ST_OK)
        return wrong(l, "suite-json", "%.200s", inner.detail);
    return json_kind(*out) == JSON_OBJECT ? ST_OK : wrong(l, "suite-json", "is no JSON object");
}

static enum status parse_cases(struct span file, struct line *l, size_t *at, uint64_t cases,
                               struct suite *s)
{
    s->cases = heap_zero((size_t)cases, sizeof *s->cases);
    if (s->cases == NULL)
        return err_set(l->err, ST_NO_MEMORY, NULL, "no memory for %llu cases",
                       (unsigned long long)cases);
    enum status st = ST_OK;
    while (st == ST_OK && next_line(file, l, at)) {
        if (s->count == cases)
            return wrong(l, "suite-cases", "the head speaks of %llu cases; here is another one",
                         (unsigned long long)cases);
        struct suite_case *c = &s->cases[s->count++];
        st = parse_line(l, &c->root);
        if (st == ST_OK)
            st = take_case(l, s, c);
    }
    if (st == ST_OK && s->count != cases)
        st = err_at(l->err, ST_FORMAT, "suite", "suite-cases", file.n,
                    "the head speaks of %llu cases, the file has %zu", (unsigned long long)cases,
                    s->count);
    return st;
}

enum status suite_parse(struct span file, struct suite *out, struct err *e)
{
    struct line l = {.err = e};
    size_t at = 0;
    uint64_t cases = 0;
    *out = (struct suite){0};
    if (file.n > SUITE_BYTES_MAX)
        return err_at(e, ST_FORMAT, "suite", "suite-size", ERR_NO_OFFSET,
                      "a suite has at most %u bytes, this one %zu", SUITE_BYTES_MAX, file.n);
    if (!next_line(file, &l, &at))
        return err_at(e, ST_FORMAT, "suite", "suite-empty", 0, "the suite is empty");
    enum status st = parse_line(&l, &out->head);
    if (st == ST_OK)
        st = take_head(&l, out, &cases);
    if (st == ST_OK)
        st = parse_cases(file, &l, &at, cases, out);
    if (st == ST_OK)
        st = check_ids(out, e);
    out->digest = digest_of(file);
    if (st != ST_OK)
        suite_release(out);
    return st;
}
