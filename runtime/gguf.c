#include "runtime/gguf.h"
#include "base/checked.h"
#include "base/heap.h"
#include "base/text.h"
#include "runtime/quant.h"
#include "runtime/tokenizer_kinds.h"
#include <string.h>

/* Bytes of a scalar; 0: not a scalar. */
static const uint8_t scalar_bytes[GGUF_TYPES] = {
    [GGUF_U8] = 1,  [GGUF_I8] = 1,   [GGUF_U16] = 2, [GGUF_I16] = 2, [GGUF_U32] = 4, [GGUF_I32] = 4,
    [GGUF_F32] = 4, [GGUF_BOOL] = 1, [GGUF_U64] = 8, [GGUF_I64] = 8, [GGUF_F64] = 8,
};

static enum status refuse(const struct gguf *g, const char *code, uint64_t at, const char *what,
                          uint64_t number)
{
    return g->head->status = err_at(g->head->err, ST_MODEL_HEADER, g->head->stage, code, at,
                                    "%s: %llu", what, (unsigned long long)number);
}

void gguf_release(struct gguf *g)
{
    heap_free(g->pairs);
}

static enum status read_version(struct gguf *g)
{
    struct front *h = g->head;
    struct span magic = front_bytes(h, 4);
    if (h->status != ST_OK)
        return h->status;
    if (memcmp(magic.p, "GGUF", 4) != 0)
        return err_at(h->err, ST_MODEL_MAGIC, h->stage,
                      memcmp(magic.p, "SLM1", 4) == 0 ? "gguf-is-slm1" : "gguf-magic", 0,
                      "the magic is %02x %02x %02x %02x, not GGUF", magic.p[0], magic.p[1],
                      magic.p[2], magic.p[3]);
    g->version = front_u32(h);
    if (h->status != ST_OK || g->version == 2 || g->version == 3)
        return h->status;
    const char *code = g->version == 0              ? "gguf-version-0"
                       : g->version == 1            ? "gguf-version-1"
                       : (g->version & 0xffff) == 0 ? "gguf-byte-swapped"
                                                    : "gguf-version-unknown";
    return err_at(h->err, ST_MODEL_VERSION, h->stage, code, 4,
                  "version %u (0x%08x) is not read; little-endian 2 and 3 are", g->version,
                  g->version);
}

static enum status read_counts(struct gguf *g)
{
    struct front *h = g->head;
    h->stage = "header";
    g->tensor_count = front_u64(h);
    uint64_t pairs = front_u64(h);
    if (h->status != ST_OK)
        return h->status;
    if (g->tensor_count > GGUF_TENSORS_MAX)
        return refuse(g, "gguf-tensor-count", 8, "more tensors than 8192", g->tensor_count);
    if (pairs > GGUF_PAIRS_MAX)
        return refuse(g, "gguf-pair-count", 16, "more metadata pairs than 4096", pairs);
    g->pairs = heap_zero((size_t)pairs + 1, sizeof *g->pairs);
    if (g->pairs == NULL)
        return err_set(h->err, ST_NO_MEMORY, NULL, "no memory for %llu metadata pairs",
                       (unsigned long long)pairs);
    g->pair_count = (uint32_t)pairs;
    return ST_OK;
}

/* A string of at most max bytes, UTF-8; keys and names come through gguf_key. */
static struct span read_string(const struct gguf *g, uint64_t max)
{
    struct front *h = g->head;
    uint64_t at = h->at, n = front_u64(h);
    if (h->status == ST_OK && n > max)
        (void)refuse(g, "gguf-string-length", at, "a string is longer than its limit", n);
    struct span s = front_bytes(h, n);
    if (h->status == ST_OK && !utf8_valid(s))
        (void)refuse(g, "gguf-string-utf8", at, "a string is not UTF-8; its bytes", n);
    return s;
}

static struct span read_key(const struct gguf *g)
{
    struct front *h = g->head;
    uint64_t at = h->at, n = front_u64(h);
    if (h->status == ST_OK && n == 0)
        (void)refuse(g, "gguf-key-empty", at, "a key has no bytes", n);
    if (h->status == ST_OK && n > GGUF_KEY_MAX)
        (void)refuse(g, "gguf-key-length", at, "a key is longer than 65535 bytes", n);
    struct span key = front_bytes(h, n);
    for (size_t i = 0; i < key.n && h->status == ST_OK; i++)
        if (key.p[i] <= ' ' || key.p[i] > '~')
            (void)refuse(g, "gguf-key-bytes", at + 8 + i, "a key has a byte that is not ASCII text",
                         key.p[i]);
    return key;
}

static void check_bools(const struct gguf *g, struct span s, uint64_t at)
{
    for (size_t i = 0; i < s.n && g->head->status == ST_OK; i++)
        if (s.p[i] > 1)
            (void)refuse(g, "gguf-bool", at + i, "a bool is neither 0 nor 1", s.p[i]);
}

static void read_array(const struct gguf *g, struct gguf_pair *p)
{
    struct front *h = g->head;
    uint32_t items = front_u32(h);
    uint64_t at = h->at, bytes = 0;
    p->count = front_u64(h);
    if (h->status != ST_OK)
        return;
    p->items = (enum gguf_type)(items < GGUF_TYPES ? items : GGUF_TYPES);
    if (items == GGUF_ARRAY || items >= GGUF_TYPES) {
        (void)refuse(g, items == GGUF_ARRAY ? "gguf-array-nested" : "gguf-array-type", p->at,
                     "an array cannot have items of type", items);
        return;
    }
    uint64_t each = items == GGUF_STRING ? 8 : scalar_bytes[items];
    if (p->count > GGUF_ITEMS_MAX || !checked_mul(p->count, each, &bytes) ||
        bytes > h->file_bytes - h->at) {
        (void)refuse(g, "gguf-array-length", at, "the file has no room for so many items",
                     p->count);
        return;
    }
    uint64_t from = h->at;
    if (items != GGUF_STRING) {
        p->value = front_bytes(h, bytes);
        if (items == GGUF_BOOL)
            check_bools(g, p->value, from);
        return;
    }
    for (uint64_t i = 0; i < p->count && h->status == ST_OK; i++)
        (void)read_string(g, GGUF_ITEM_MAX);
    if (h->status == ST_OK)
        p->value = SPAN(h->have.p + from, (size_t)(h->at - from));
}

static void read_pair(const struct gguf *g, struct gguf_pair *p)
{
    struct front *h = g->head;
    p->key = read_key(g);
    uint64_t type_at = h->at;
    uint32_t type = front_u32(h);
    if (h->status != ST_OK)
        return;
    if (type >= GGUF_TYPES) {
        (void)refuse(g, "gguf-value-type", type_at, "there is no value type", type);
        return;
    }
    p->type = (enum gguf_type)type;
    p->at = h->at;
    if (type == GGUF_ARRAY)
        read_array(g, p);
    else if (type == GGUF_STRING)
        p->value = read_string(g, GGUF_STRING_MAX);
    else
        p->value = front_bytes(h, scalar_bytes[type]);
    if (type == GGUF_BOOL)
        check_bools(g, p->value, p->at);
}

/* Hashes of the keys so far make the common case cheap; equal keys are found in any case. */
static bool key_seen(const struct gguf *g, const uint32_t *hashes, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++)
        if (hashes[i] == hashes[index] && span_equal(g->pairs[i].key, g->pairs[index].key))
            return true;
    return false;
}

static uint32_t key_hash(struct span key)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < key.n; i++)
        h = (h ^ key.p[i]) * 16777619u;
    return h;
}

static enum status read_pairs(struct gguf *g)
{
    struct front *h = g->head;
    h->stage = "metadata";
    SCOPED(heap_scope) uint32_t *hashes = heap_zero((size_t)g->pair_count + 1, sizeof *hashes);
    if (hashes == NULL)
        return err_set(h->err, ST_NO_MEMORY, NULL, "no memory for %u keys", g->pair_count);
    for (uint32_t i = 0; i < g->pair_count && h->status == ST_OK; i++) {
        uint64_t at = h->at;
        read_pair(g, &g->pairs[i]);
        hashes[i] = key_hash(g->pairs[i].key);
        if (h->status == ST_OK && key_seen(g, hashes, i))
            return refuse(g, "gguf-key-duplicate", at, "a key stands in the metadata twice; pair",
                          i);
    }
    return h->status;
}

static enum status read_alignment(struct gguf *g)
{
    const struct gguf_pair *p = gguf_find(g, "general.alignment");
    g->alignment = GGUF_ALIGN_DEFAULT;
    if (p == NULL)
        return ST_OK;
    if (p->type != GGUF_U32)
        return refuse(g, "gguf-alignment-type", p->at, "general.alignment must be a u32, not type",
                      (uint64_t)p->type);
    uint32_t a = get_le32(p->value.p);
    if (a < GGUF_ALIGN_MIN || a > GGUF_ALIGN_MAX || (a & (a - 1)) != 0)
        return refuse(g, "gguf-alignment", p->at,
                      "general.alignment must be a power of two in 8…65536, it is", a);
    g->alignment = a;
    return ST_OK;
}

enum status gguf_read(struct gguf *g, struct front *h)
{
    *g = (struct gguf){.head = h};
    enum status st = read_version(g);
    if (st == ST_OK)
        st = read_counts(g);
    if (st == ST_OK)
        st = read_pairs(g);
    return st == ST_OK ? read_alignment(g) : st;
}

const struct gguf_pair *gguf_find(const struct gguf *g, const char *key)
{
    struct span want = span_text(key);
    for (uint32_t i = 0; i < g->pair_count; i++)
        if (span_equal(g->pairs[i].key, want))
            return &g->pairs[i];
    return NULL;
}

/* false: not an integer, or negative. */
static bool pair_count_of(const struct gguf_pair *p, uint64_t *out)
{
    if (p->type > GGUF_I64 || scalar_bytes[p->type] == 0 || p->type == GGUF_F32 ||
        p->type == GGUF_BOOL)
        return false;
    uint8_t wide[8] = {0};
    memcpy(wide, p->value.p, p->value.n);
    *out = get_le64(wide);
    bool is_signed =
        p->type == GGUF_I8 || p->type == GGUF_I16 || p->type == GGUF_I32 || p->type == GGUF_I64;
    return !is_signed || p->value.p[p->value.n - 1] < 0x80;
}

enum status gguf_number(const struct gguf *g, const char *key, const char *code, uint64_t low,
                        uint64_t high, uint64_t *out)
{
    const struct gguf_pair *p = gguf_find(g, key);
    uint64_t v;
    if (p == NULL)
        return ST_OK;
    struct front *h = g->head;
    if (p->type == GGUF_ARRAY)
        return err_at(h->err, ST_MODEL_HEADER, h->stage, "gguf-per-layer-array", p->at,
                      "%s is an array; a value for each layer is not supported", key);
    if (!pair_count_of(p, &v))
        return err_at(h->err, ST_MODEL_HEADER, h->stage, code, p->at,
                      "%s must be a whole number that is not negative", key);
    if (v < low || v > high)
        return err_at(h->err, ST_MODEL_HEADER, h->stage, code, p->at,
                      "%s is %llu, allowed are %llu…%llu", key, (unsigned long long)v,
                      (unsigned long long)low, (unsigned long long)high);
    *out = v;
    return ST_OK;
}

enum status gguf_float(const struct gguf *g, const char *key, const char *code, float *out)
{
    const struct gguf_pair *p = gguf_find(g, key);
    if (p == NULL)
        return ST_OK;
    struct front *h = g->head;
    if (p->type != GGUF_F32)
        return err_at(h->err, ST_MODEL_HEADER, h->stage, code, p->at, "%s must be an f32", key);
    float f = get_f32(p->value.p);
    if (!float_is_sound(f))
        return err_at(h->err, ST_MODEL_HEADER, h->stage, code, p->at,
                      "%s (bits %08x) is not a positive finite number", key, get_le32(p->value.p));
    *out = f;
    return ST_OK;
}

enum status gguf_flag(const struct gguf *g, const char *key, const char *code, bool *out)
{
    const struct gguf_pair *p = gguf_find(g, key);
    if (p == NULL)
        return ST_OK;
    if (p->type != GGUF_BOOL)
        return err_at(g->head->err, ST_MODEL_HEADER, g->head->stage, code, p->at,
                      "%s must be a bool", key);
    *out = p->value.p[0] == 1;
    return ST_OK;
}

enum status gguf_text(const struct gguf *g, const char *key, const char *code, struct span *out)
{
    const struct gguf_pair *p = gguf_find(g, key);
    if (p == NULL)
        return ST_OK;
    if (p->type != GGUF_STRING)
        return err_at(g->head->err, ST_MODEL_HEADER, g->head->stage, code, p->at,
                      "%s must be a string", key);
    *out = p->value;
    return ST_OK;
}

enum status gguf_parse(struct front *h, struct layout *out)
{
    SCOPED(gguf_release) struct gguf g = {0};
    enum status st = gguf_read(&g, h);
    out->facts.format_version = g.version;
    out->facts.tensors = (uint32_t)(st == ST_OK ? g.tensor_count : 0);
    const struct gguf_architecture *a = NULL;
    if (st == ST_OK)
        st = gguf_architecture(&g, &out->facts, &a);
    if (st == ST_OK)
        st = a->shape(&g, out);
    if (st == ST_OK)
        st = gguf_tensors(&g, a, out);
    if (st != ST_OK)
        return st;
    h->stage = "tokenizer";
    st = gguf_tokenizer(&g, &out->tokenizer);
    if (st != ST_OK)
        return st;
    tokenizer_describe(out->tokenizer, &out->facts);
    layout_count(out);
    return ST_OK;
}

enum status gguf_vocabulary(struct span file, struct tokenizer **out, struct err *e)
{
    struct front h = {.have = file,
                      .file_bytes = file.n,
                      .limit = model_limits_default.head_bytes,
                      .stage = "container",
                      .code_short = "gguf-truncated",
                      .code_limit = "gguf-head-limit",
                      .err = e};
    SCOPED(gguf_release) struct gguf g = {0};
    enum status st = gguf_read(&g, &h);
    h.stage = "tokenizer";
    return st == ST_OK ? gguf_tokenizer(&g, out) : st;
}
