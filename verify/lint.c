#include "verify/lint.h"
#include "base/text.h"
#include "runtime/gguf.h"
#include <ctype.h>
#include <string.h>

static const char *const names[LINT_COUNT] = {
    [LINT_URL] = "url",
    [LINT_CONTROL] = "control-character",
    [LINT_EXECUTABLE] = "executable",
    [LINT_ARCHIVE] = "archive",
    [LINT_ENCODED] = "encoded-file",
    [LINT_TEMPLATE_CODE] = "template-code",
    [LINT_TEMPLATE_INCLUDE] = "template-include",
    [LINT_TEMPLATE_CONDITION] = "template-condition",
    [LINT_TEMPLATE_CONTROL] = "template-control",
    [LINT_TEMPLATE_URL] = "template-url",
};

const char *lint_name(enum lint l)
{
    return names[l];
}

/* Cut to a length and to ASCII: what it shows is for people to look the place up. */
static void show(char *out, size_t cap, struct span text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n && n + 1 < cap; i++)
        out[n++] = text.p[i] >= ' ' && text.p[i] < 0x7f ? (char)text.p[i] : '?';
    out[n] = '\0';
}

static void found(struct linted *l, enum lint what, const char *where, struct span sample)
{
    if (l->of[what].count++ > 0)
        return;
    show(l->of[what].where, sizeof l->of[what].where, span_text(where));
    show(l->of[what].sample, sizeof l->of[what].sample, sample);
}

static struct span rest(struct span s, size_t at)
{
    return SPAN(s.p + at, s.n - at);
}

static bool begins(struct span s, const char *with, size_t n)
{
    return s.n >= n && memcmp(s.p, with, n) == 0;
}

/* ---- texts -------------------------------------------------------------------------------- */

static bool is_scheme(uint8_t c)
{
    return isalnum(c) != 0 || c == '+' || c == '-' || c == '.';
}

static void find_urls(struct linted *l, enum lint what, const char *where, struct span text)
{
    for (size_t i = 1; i + 3 <= text.n; i++) {
        size_t from = i;
        if (!begins(rest(text, i), "://", 3))
            continue;
        while (from > 0 && is_scheme(text.p[from - 1]))
            from--;
        if (i - from >= 2 && isalpha(text.p[from]) != 0)
            found(l, what, where, rest(text, from));
    }
}

static void find_controls(struct linted *l, enum lint what, const char *where, struct span text)
{
    for (size_t i = 0; i < text.n;) {
        size_t n = 0;
        uint32_t code = utf8_decode(rest(text, i), &n);
        bool valid = utf8_sequence(rest(text, i)) > 0;
        bool line = code == '\n' || code == '\r' || code == '\t';
        if (!valid || (utf8_control(code) && !line))
            found(l, what, where, rest(text, i > 16 ? i - 16 : 0));
        i += n > 0 ? n : 1;
    }
}

void lint_value(struct linted *l, const char *where, struct span text)
{
    find_urls(l, LINT_URL, where, text);
    find_controls(l, LINT_CONTROL, where, text);
}

/* ---- files in bytes ----------------------------------------------------------------------- */

/* How a file of a kind begins. `anywhere`: long and odd enough to be meant wherever it stands. */
static const struct magic {
    enum lint what;
    bool anywhere;
    uint8_t n;
    const char *bytes;
} magics[] = {
    {LINT_EXECUTABLE, true, 4,
     "\x7f"
     "ELF"},
    {LINT_EXECUTABLE, true, 4, "\0asm"},
    {LINT_EXECUTABLE, true, 4, "\xcf\xfa\xed\xfe"},
    {LINT_EXECUTABLE, true, 4, "\xce\xfa\xed\xfe"},
    {LINT_EXECUTABLE, true, 4, "\xca\xfe\xba\xbe"},
    {LINT_EXECUTABLE, false, 2, "#!"},
    {LINT_ARCHIVE, true, 4, "PK\x03\x04"},
    {LINT_ARCHIVE, true, 4, "\x1f\x8b\x08\x00"},
    {LINT_ARCHIVE, false, 3, "\x1f\x8b\x08"},
    {LINT_ARCHIVE, true, 6,
     "\xfd"
     "7zXZ\0"},
    {LINT_ARCHIVE, true, 4, "\x28\xb5\x2f\xfd"},
    {LINT_ARCHIVE, true, 6, "7z\xbc\xaf\x27\x1c"},
    {LINT_ARCHIVE, true, 6, "Rar!\x1a\x07"},
    {LINT_ARCHIVE, true, 10, "1AY&SY\0\0\0\0"},
    {LINT_ARCHIVE, false, 3, "BZh"},
    {LINT_ARCHIVE, false, 2, "\x80\x02"},
    {LINT_ARCHIVE, false, 2, "\x80\x03"},
    {LINT_ARCHIVE, false, 2, "\x80\x04"},
    {LINT_ARCHIVE, false, 2, "\x80\x05"},
    {LINT_ARCHIVE, true, 5, "%PDF-"},
    {LINT_ARCHIVE, true, 15, "SQLite format 3"},
    {LINT_ENCODED, true, 6, "f0VMRg"},  /* ELF */
    {LINT_ENCODED, true, 6, "UEsDBB"},  /* zip */
    {LINT_ENCODED, true, 6, "H4sIAA"},  /* gzip */
    {LINT_ENCODED, false, 4, "TVqQ"},   /* PE */
    {LINT_ENCODED, true, 7, "/Td6WFo"}, /* xz */
};
#define MAGICS (sizeof magics / sizeof magics[0])

/* A program for Windows: MZ, and PE where its header points to. */
static bool is_pe(struct span s)
{
    if (s.n < 64 || !begins(s, "MZ", 2))
        return false;
    uint32_t at = get_le32(s.p + 60);
    return at < s.n && begins(rest(s, at), "PE\0\0", 4);
}

static bool is_tar(struct span s)
{
    return s.n >= 263 && begins(rest(s, 257), "ustar", 5);
}

void lint_bytes(struct linted *l, const char *where, struct span bytes, bool head_only)
{
    if (is_pe(bytes))
        found(l, LINT_EXECUTABLE, where, bytes);
    if (is_tar(bytes))
        found(l, LINT_ARCHIVE, where, bytes);
    for (size_t i = 0; i < bytes.n && (i == 0 || !head_only); i++) {
        struct span at = rest(bytes, i);
        for (size_t k = 0; k < MAGICS; k++) {
            const struct magic *m = &magics[k];
            if ((m->anywhere || i == 0) && begins(at, m->bytes, m->n)) {
                found(l, m->what, where, at);
                break;
            }
        }
    }
}

/* ---- the template ------------------------------------------------------------------------- */

/* What stands in a template as a word of its own (unless it begins with what is no letter). */
static const struct phrase {
    enum lint what;
    const char *text;
} phrases[] = {
    {LINT_TEMPLATE_CODE, "__"},
    {LINT_TEMPLATE_CODE, "|attr"},
    {LINT_TEMPLATE_CODE, "| attr"},
    {LINT_TEMPLATE_CODE, "os."},
    {LINT_TEMPLATE_CODE, "sys."},
    {LINT_TEMPLATE_CODE, "subprocess"},
    {LINT_TEMPLATE_CODE, "popen"},
    {LINT_TEMPLATE_CODE, "builtins"},
    {LINT_TEMPLATE_CODE, "eval("},
    {LINT_TEMPLATE_CODE, "exec("},
    {LINT_TEMPLATE_CODE, "getattr"},
    {LINT_TEMPLATE_CODE, "lipsum"},
    {LINT_TEMPLATE_CODE, "cycler"},
    {LINT_TEMPLATE_CODE, "joiner"},
    {LINT_TEMPLATE_CODE, ".mro"},
    {LINT_TEMPLATE_CODE, "func_globals"},
    {LINT_TEMPLATE_INCLUDE, "% include"},
    {LINT_TEMPLATE_INCLUDE, "%include"},
    {LINT_TEMPLATE_INCLUDE, "% import"},
    {LINT_TEMPLATE_INCLUDE, "%import"},
    {LINT_TEMPLATE_INCLUDE, "% extends"},
    {LINT_TEMPLATE_INCLUDE, "%extends"},
    {LINT_TEMPLATE_INCLUDE, "%- include"},
    {LINT_TEMPLATE_INCLUDE, "%- import"},
    {LINT_TEMPLATE_INCLUDE, "%- extends"},
    {LINT_TEMPLATE_INCLUDE, "% from"},
    {LINT_TEMPLATE_INCLUDE, "%- from"},
};

static bool is_letter(uint8_t c)
{
    return isalnum(c) != 0 || c == '_';
}

static void find_phrases(struct linted *l, const char *where, struct span text)
{
    for (size_t i = 0; i < text.n; i++)
        for (size_t k = 0; k < sizeof phrases / sizeof phrases[0]; k++) {
            const char *p = phrases[k].text;
            bool word = isalpha((uint8_t)p[0]) != 0;
            if (begins(rest(text, i), p, strlen(p)) && !(word && i > 0 && is_letter(text.p[i - 1])))
                found(l, phrases[k].what, where, rest(text, i));
        }
}

/* 'text' in message… within a tag: the template says something else to some. */
static void find_conditions(struct linted *l, const char *where, struct span text)
{
    for (size_t i = 2; i + 4 < text.n; i++) {
        if (!begins(rest(text, i), " in ", 4) || (text.p[i - 1] != '\'' && text.p[i - 1] != '"'))
            continue;
        size_t end = i + 4;
        while (end < text.n && end < i + 80 && text.p[end] != '%' && text.p[end] != '}')
            end++;
        struct span what = SPAN(text.p + i + 4, end - i - 4);
        for (size_t k = 0; k < what.n; k++)
            if (begins(rest(what, k), "message", 7) || begins(rest(what, k), "content", 7)) {
                found(l, LINT_TEMPLATE_CONDITION, where, rest(text, i > 24 ? i - 24 : 0));
                break;
            }
    }
}

void lint_template(struct linted *l, struct span text)
{
    static const char where[] = "tokenizer.chat_template";
    if (!l->has_template)
        l->chat_template = digest_of(text);
    l->has_template = true;
    find_phrases(l, where, text);
    find_conditions(l, where, text);
    find_urls(l, LINT_TEMPLATE_URL, where, text);
    find_controls(l, LINT_TEMPLATE_CONTROL, where, text);
}

/* ---- a model file ------------------------------------------------------------------------- */

static bool key_begins(struct span key, const char *with)
{
    return begins(key, with, strlen(with));
}

/* The items of an array of texts, or its bytes as they lie. */
static void lint_array(struct linted *l, const char *where, const struct gguf_pair *p)
{
    struct span left = p->value;
    if (p->items != GGUF_STRING) {
        lint_bytes(l, where, left, p->items != GGUF_U8 && p->items != GGUF_I8);
        return;
    }
    for (uint64_t i = 0; i < p->count && left.n >= 8; i++) {
        uint64_t n = get_le64(left.p);
        left = rest(left, 8);
        if (n > left.n)
            return;
        lint_value(l, where, SPAN(left.p, (size_t)n));
        lint_bytes(l, where, SPAN(left.p, (size_t)n), false);
        left = rest(left, (size_t)n);
    }
}

static void lint_pair(struct linted *l, const struct gguf_pair *p)
{
    char where[64];
    show(where, sizeof where, p->key);
    find_controls(l, LINT_CONTROL, where, p->key);
    if (p->type == GGUF_STRING && key_begins(p->key, "tokenizer.chat_template")) {
        lint_template(l, p->value);
        lint_bytes(l, where, p->value, false);
    } else if (p->type == GGUF_STRING) {
        lint_value(l, where, p->value);
        lint_bytes(l, where, p->value, false);
    } else if (p->type == GGUF_ARRAY && !key_begins(p->key, "tokenizer.ggml.")) {
        lint_array(l, where, p);
    }
}

enum status lint_model(struct span file, struct linted *out, struct err *e)
{
    SCOPED(gguf_release) struct gguf g = {0};
    struct front front = {.have = file,
                          .file_bytes = file.n,
                          .limit = model_limits_default.head_bytes,
                          .stage = "container",
                          .code_short = "gguf-truncated",
                          .code_limit = "gguf-head-limit",
                          .err = e};
    *out = (struct linted){0};
    if (!begins(file, "GGUF", 4))
        return ST_OK; /* SLM1 has no texts beside its vocabulary, and no byte unclaimed */
    enum status st = gguf_read(&g, &front);
    for (uint32_t i = 0; st == ST_OK && i < g.pair_count; i++)
        lint_pair(out, &g.pairs[i]);
    return st;
}

/* ---- as JSON ------------------------------------------------------------------------------ */

void lint_write(const struct linted *l, struct json_out *j)
{
    char hex[DIGEST_TEXT];
    digest_text(&l->chat_template, hex);
    json_object(j);
    json_key(j, "finds");
    json_array(j);
    for (size_t i = 0; i < LINT_COUNT; i++) {
        json_object(j);
        json_key(j, "code");
        json_string(j, names[i]);
        json_key(j, "count");
        json_u64(j, l->of[i].count);
        json_key(j, "where");
        json_string(j, l->of[i].where);
        json_key(j, "sample");
        json_string(j, l->of[i].sample);
        json_close(j);
    }
    json_close(j);
    json_key(j, "template");
    json_string(j, l->has_template ? hex : NULL);
    json_close(j);
}

static bool read_find(const struct json *v, size_t i, struct linted *out)
{
    const char *code = json_as_string(json_get(v, "code")),
               *where = json_as_string(json_get(v, "where")),
               *sample = json_as_string(json_get(v, "sample"));
    if (code == NULL || where == NULL || sample == NULL || !text_equal(code, names[i]) ||
        !json_as_u64(json_get(v, "count"), &out->of[i].count))
        return false;
    show(out->of[i].where, sizeof out->of[i].where, span_text(where));
    show(out->of[i].sample, sizeof out->of[i].sample, span_text(sample));
    return true;
}

enum status lint_read(const struct json *v, struct linted *out, struct err *e)
{
    const struct json *finds = json_get(v, "finds"), *hash = json_get(v, "template");
    const char *hex = json_as_string(hash);
    *out = (struct linted){0};
    bool fine = json_kind(finds) == JSON_ARRAY && json_count(finds) == LINT_COUNT &&
                (hex != NULL || json_kind(hash) == JSON_NULL);
    for (size_t i = 0; fine && i < LINT_COUNT; i++)
        fine = read_find(json_at(finds, i), i, out);
    out->has_template = hex != NULL;
    fine = fine && (hex == NULL || digest_parse(hex, &out->chat_template));
    return fine ? ST_OK
                : err_set(e, ST_FORMAT, "lint", "what was told of a model's texts makes no sense");
}
