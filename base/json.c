/* jansson reads the text; what it takes too lightly is looked for beforehand in one pass over the
 * bytes: encoding, depth (its own limit is 2,048) and numbers, each with its byte offset. Duplicate
 * keys, lone surrogates and NUL are refused by jansson when asked.
 *
 * Its tree is then laid out flat, breadth first, so that the i-th member costs nothing to find:
 *
 *     nodes: [root][members of root …][members of the root's first container …] …
 *
 * Strings stay jansson's, and its tree lives as long as ours. */
#include "base/json.h"
#include "base/ensure.h"
#include "base/heap.h"
#include "base/text.h"
#include <pthread.h>
#include <string.h>

/* jansson's kinds carry names of ours; its json_is_* macros, which would now mean ours, are not
 * used. */
#define JSON_NULL    JANSSON_NULL
#define JSON_INTEGER JANSSON_INTEGER
#define JSON_STRING  JANSSON_STRING
#define JSON_ARRAY   JANSSON_ARRAY
#define JSON_OBJECT  JANSSON_OBJECT
#include <jansson.h>
#undef JSON_NULL
#undef JSON_INTEGER
#undef JSON_STRING
#undef JSON_ARRAY
#undef JSON_OBJECT

#define INTEGER_MAX ((INT64_C(1) << 53) - 1) /* what every reader's double holds exactly */

struct json {
    enum json_kind kind;
    const char *key; /* within an object */
    union {
        bool truth;
        int64_t integer;
        double decimal;
        const char *string;
        struct {
            struct json *items;
            size_t count;
        } list;
        json_t *from; /* a container that is not laid out yet */
    } as;
};

/* What json_parse allocates: the nodes follow, the first of them is the root that is handed out. */
struct document {
    json_t *tree;
    struct json nodes[];
};

static void tree_release(json_t **tree)
{
    json_decref(*tree);
}

/* One pass over the text before the parser sees it. */
struct scan {
    struct span in;
    size_t at;
    size_t values;  /* at least as many as the text has values */
    size_t longest; /* bytes of its longest string or number */
    unsigned depth;
    bool decimals; /* are allowed */
};

static enum status refuse(struct err *e, const char *code, size_t at, const char *why)
{
    return err_at(e, ST_FORMAT, "json", code, at, "%s", why);
}

static enum status scan_number(struct scan *s, struct err *e)
{
    size_t from = s->at, digits;
    bool negative = s->in.p[from] == '-';
    digits = from + negative;
    for (s->at = digits; s->at < s->in.n && s->in.p[s->at] >= '0' && s->in.p[s->at] <= '9'; s->at++)
        continue;
    uint8_t next = s->at < s->in.n ? s->in.p[s->at] : 0;
    bool decimal = next == '.' || next == 'e' || next == 'E';
    if (decimal && s->decimals) { /* its form is left to the parser, too large ones as well */
        while (s->at < s->in.n && memchr("+-.0123456789Ee", s->in.p[s->at], 15) != NULL)
            s->at++;
        return ST_OK;
    }
    if (decimal)
        return refuse(e, "json-not-integer", from,
                      "a number is not an integer; decimals travel as strings");
    uint64_t v = 0;
    bool fits =
        s->at == digits || text_u64((struct span){.p = s->in.p + digits, .n = s->at - digits}, &v);
    if (!fits || v > INTEGER_MAX)
        return refuse(e, "json-integer-range", from,
                      "an integer lies beyond 2^53 - 1; larger ones travel as hex strings");
    return ST_OK; /* a lone minus or leading zeros are left to the parser */
}

/* Leaves `at` behind the closing quote, or at the end when there is none (the parser will say so).
 */
static void scan_string(struct scan *s)
{
    for (s->at++; s->at < s->in.n && s->in.p[s->at] != '"'; s->at++)
        if (s->in.p[s->at] == '\\')
            s->at++;
    s->at++;
}

static enum status scan_token(struct scan *s, struct err *e)
{
    uint8_t c = s->in.p[s->at];
    if (c == '"' || c == '-' || (c >= '0' && c <= '9')) {
        const size_t from = s->at;
        enum status st = ST_OK;
        if (c == '"')
            scan_string(s);
        else
            st = scan_number(s, e);
        s->longest = s->at - from > s->longest ? s->at - from : s->longest;
        return st;
    }
    if (c == '{' || c == '[') {
        s->values++;
        if (++s->depth > JSON_DEPTH_MAX)
            return refuse(e, "json-depth", s->at, "values are nested more than 32 deep");
    } else if (c == '}' || c == ']') {
        s->depth -= s->depth > 0;
    } else if (c == ',') {
        s->values++;
    }
    s->at++;
    return ST_OK;
}

/* A text that is none at all is told so, before its numbers are looked at. */
static bool begins_like_json(struct span in)
{
    static const char *const words[] = {"true", "false", "null"};
    size_t at = 0;
    while (at < in.n && strchr(" \t\r\n", in.p[at]) != NULL)
        at++;
    if (at == in.n || strchr("{[\"-0123456789", in.p[at]) != NULL)
        return true; /* what is cut short is told by the parser */
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i]);
        if (in.n - at >= n && memcmp(in.p + at, words[i], n) == 0)
            return true;
    }
    return false;
}

static enum status scan_text(struct scan *s, struct err *e)
{
    for (struct span rest = s->in; rest.n > 0;) {
        size_t n = utf8_sequence(rest);
        if (rest.p[0] == 0) /* jansson passes over one that follows a number */
            return refuse(e, "json-nul", s->in.n - rest.n, "the text holds a NUL byte");
        if (n == 0)
            return refuse(e, "json-utf8", s->in.n - rest.n, "the text is not valid UTF-8");
        rest.p += n;
        rest.n -= n;
    }
    if (!begins_like_json(s->in))
        return refuse(e, "json-syntax", 0, "this is no JSON text");
    s->values = 1;
    enum status st = ST_OK;
    while (st == ST_OK && s->at < s->in.n)
        st = scan_token(s, e);
    return st;
}

static enum status parser_said(const json_error_t *why, struct span in, struct err *e)
{
    size_t at = why->position < 0 ? 0 : (size_t)why->position;
    const char *code = "json-syntax";
    switch ((int)json_error_code(why)) {
    case json_error_out_of_memory:
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for the JSON tree");
    case json_error_duplicate_key: code = "json-duplicate-key"; break;
    case json_error_end_of_input_expected: code = "json-trailing"; break;
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return err_at(e, ST_FORMAT, "json", "json-nul", at < in.n ? at : in.n,
                      "a string holds NUL");
    case json_error_premature_end_of_input: code = "json-truncated"; break;
    default: break;
    }
    return err_at(e, ST_FORMAT, "json", code, at < in.n ? at : in.n, "%s", why->text);
}

/* Takes a scalar in whole; a container waits with its members until its turn comes. */
static void take_value(struct json *v, const char *key, json_t *from)
{
    *v = (struct json){.kind = JSON_NULL, .key = key};
    switch (json_typeof(from)) {
    case JANSSON_OBJECT:
    case JANSSON_ARRAY:
        v->kind = json_typeof(from) == JANSSON_OBJECT ? JSON_OBJECT : JSON_ARRAY;
        v->as.from = from;
        return;
    case JANSSON_STRING:
        v->kind = JSON_STRING;
        v->as.string = json_string_value(from);
        return;
    case JANSSON_INTEGER:
        v->kind = JSON_INTEGER;
        v->as.integer = json_integer_value(from);
        return;
    case JSON_TRUE:
    case JSON_FALSE:
        v->kind = JSON_BOOL;
        v->as.truth = json_typeof(from) == JSON_TRUE;
        return;
    case JSON_REAL: /* passes the scan only where decimals are allowed */
        v->kind = JSON_DECIMAL;
        v->as.decimal = json_real_value(from);
        return;
    case JANSSON_NULL: return;
    }
}

/* Lays the members of a waiting container out from `next` on; gives the node behind the last. */
static struct json *take_members(struct json *v, struct json *next)
{
    json_t *from = v->as.from;
    v->as.list.items = next;
    if (v->kind == JSON_ARRAY) {
        v->as.list.count = json_array_size(from);
        for (size_t i = 0; i < v->as.list.count; i++)
            take_value(next++, NULL, json_array_get(from, i));
        return next;
    }
    v->as.list.count = json_object_size(from);
    for (void *it = json_object_iter(from); it != NULL; it = json_object_iter_next(from, it))
        take_value(next++, json_object_iter_key(it), json_object_iter_value(it));
    return next;
}

/* jansson's memory comes through our door too. When it has none it may report a syntax error,
 * nothing at all, hand out a tree with holes, or write past a string that did not grow (2.14's
 * lexer). So there is a spare room that lets it come to its end, and it is noted that it was
 * needed: then the text ends for jansson behind the 1,024 bytes that it has read already, and the
 * tree is thrown away before anybody sees it. In so many bytes no more values can begin than the
 * fixed part holds, and the lexer's text, which grows twofold up to its longest token, grows once
 * at most. */
#define SPARE_BYTES (128u << 10)

static _Thread_local struct {
    bool needed; /* an allocation was denied */
    size_t used, cap;
    uint8_t *more; /* in place of `bytes` where a token is long */
    _Alignas(16) uint8_t bytes[SPARE_BYTES];
} spare;

static uint8_t *spare_room(void)
{
    return spare.more != NULL ? spare.more : spare.bytes;
}

/* Before anything is parsed; what lies in it outlives no parse. */
static bool spare_ready(size_t longest)
{
    const size_t wanted = SPARE_BYTES / 2 + (longest > SIZE_MAX / 8 ? SIZE_MAX / 2 : 4 * longest);
    spare.needed = false;
    spare.used = 0;
    spare.more = wanted > SPARE_BYTES ? heap_alloc(wanted) : NULL;
    spare.cap = spare.more != NULL ? wanted : SPARE_BYTES;
    return spare.more != NULL || wanted <= SPARE_BYTES;
}

static void spare_done(void)
{
    heap_free(spare.more);
    spare.more = NULL;
    spare.cap = SPARE_BYTES;
}

static void *alloc_noting(size_t n)
{
    void *p = heap_alloc(n);
    if (p != NULL)
        return p;
    spare.needed = true;
    if (n > spare.cap - spare.used)
        return NULL;
    p = spare_room() + spare.used;
    n = (n + 15) & ~(size_t)15;
    spare.used += n < spare.cap - spare.used ? n : spare.cap - spare.used;
    return p;
}

static void free_noting(void *p)
{
    const uint8_t *at = p, *room = spare_room();
    if (at < room || at >= room + spare.cap)
        heap_free(p);
}

/* For json_load_callback: no more once memory was denied. */
static size_t feed(void *to, size_t cap, void *ctx)
{
    struct span *left = ctx;
    const size_t n = spare.needed ? 0 : left->n < cap ? left->n : cap;
    if (n > 0)
        memcpy(to, left->p, n);
    *left = SPAN(left->p + n, left->n - n);
    return n;
}

static void use_our_heap(void)
{
    json_set_alloc_funcs(alloc_noting, free_noting);
}

static enum status parse(struct span in, size_t limit, bool decimals, struct json **root,
                         struct err *e)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    *root = NULL;
    (void)pthread_once(&once, use_our_heap);
    if (in.n > limit)
        return err_at(e, ST_FORMAT, "json", "json-too-long", limit,
                      "the text has %zu bytes; at most %zu are allowed", in.n, limit);
    struct scan scan = {.in = in, .decimals = decimals};
    enum status st = scan_text(&scan, e);
    if (st != ST_OK)
        return st;
    json_error_t why = {.position = 0};
    struct span left = in;
    if (!spare_ready(scan.longest))
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for the JSON tree");
    SCOPED(tree_release)
    json_t *tree = json_load_callback(feed, &left, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (spare.needed) { /* even when there is a tree: it may lack what there was no memory for */
        json_decref(tree);
        tree = NULL;
    }
    spare_done();
    if (spare.needed)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for the JSON tree");
    if (tree == NULL)
        return parser_said(&why, in, e);
    struct document *doc = heap_alloc(sizeof *doc + scan.values * sizeof doc->nodes[0]);
    if (doc == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for %zu JSON values", scan.values);
    doc->tree = json_incref(tree);
    struct json *next = doc->nodes;
    take_value(next++, NULL, tree);
    for (struct json *v = doc->nodes; v < next; v++)
        if (v->kind == JSON_ARRAY || v->kind == JSON_OBJECT)
            next = take_members(v, next);
    ENSURE((size_t)(next - doc->nodes) <= scan.values);
    *root = doc->nodes;
    return ST_OK;
}

enum status json_parse(struct span in, size_t limit, struct json **root, struct err *e)
{
    return parse(in, limit, false, root, e);
}

enum status json_parse_decimals(struct span in, size_t limit, struct json **root, struct err *e)
{
    return parse(in, limit, true, root, e);
}

void json_free(struct json *root)
{
    if (root == NULL)
        return;
    struct document *doc =
        (struct document *)(void *)((char *)root - offsetof(struct document, nodes));
    json_decref(doc->tree);
    heap_free(doc);
}

enum json_kind json_kind(const struct json *v)
{
    return v != NULL ? v->kind : JSON_NULL;
}

const struct json *json_get(const struct json *v, const char *key)
{
    if (json_kind(v) != JSON_OBJECT)
        return NULL;
    for (size_t i = 0; i < v->as.list.count; i++)
        if (strcmp(v->as.list.items[i].key, key) == 0)
            return &v->as.list.items[i];
    return NULL;
}

const struct json *json_at(const struct json *v, size_t i)
{
    return json_kind(v) == JSON_ARRAY && i < v->as.list.count ? &v->as.list.items[i] : NULL;
}

size_t json_count(const struct json *v)
{
    return json_kind(v) == JSON_ARRAY || json_kind(v) == JSON_OBJECT ? v->as.list.count : 0;
}

const char *json_member(const struct json *v, size_t i, const struct json **value)
{
    bool has = json_kind(v) == JSON_OBJECT && i < v->as.list.count;
    if (value != NULL)
        *value = has ? &v->as.list.items[i] : NULL;
    return has ? v->as.list.items[i].key : NULL;
}

const char *json_as_string(const struct json *v)
{
    return json_kind(v) == JSON_STRING ? v->as.string : NULL;
}

bool json_as_i64(const struct json *v, int64_t *out)
{
    if (json_kind(v) != JSON_INTEGER)
        return false;
    *out = v->as.integer;
    return true;
}

bool json_as_u64(const struct json *v, uint64_t *out)
{
    if (json_kind(v) != JSON_INTEGER || v->as.integer < 0)
        return false;
    *out = (uint64_t)v->as.integer;
    return true;
}

bool json_as_bool(const struct json *v, bool *out)
{
    if (json_kind(v) != JSON_BOOL)
        return false;
    *out = v->as.truth;
    return true;
}

bool json_as_double(const struct json *v, double *out)
{
    if (json_kind(v) == JSON_INTEGER)
        *out = (double)v->as.integer;
    else if (json_kind(v) == JSON_DECIMAL)
        *out = v->as.decimal;
    else
        return false;
    return true;
}

static enum status lacks(struct err *e, const char *what, const char *key, const char *kind)
{
    return err_set(e, ST_FORMAT, "json-member", "%s: \"%s\" is missing or not %s", what, key, kind);
}

enum status json_need_string(const struct json *v, const char *what, const char *key,
                             const char **out, struct err *e)
{
    *out = json_as_string(json_get(v, key));
    return *out != NULL ? ST_OK : lacks(e, what, key, "a string");
}

enum status json_need_u64(const struct json *v, const char *what, const char *key, uint64_t *out,
                          struct err *e)
{
    return json_as_u64(json_get(v, key), out) ? ST_OK : lacks(e, what, key, "a natural number");
}
