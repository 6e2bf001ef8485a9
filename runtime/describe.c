#include "runtime/describe.h"

#include "base/heap.h"
#include "base/text.h"
#include "runtime/quant.h"
#include "runtime/slm1.h"
#include "runtime/tokenizer_kinds.h"
#include <string.h>

static struct front front_of(struct span file, struct err *e)
{
    return (struct front){.have = file,
                          .file_bytes = file.n,
                          .limit = model_limits_default.head_bytes,
                          .stage = "container",
                          .code_short = "gguf-truncated",
                          .code_limit = "gguf-head-limit",
                          .err = e};
}

enum status describe_open(struct span file, struct description *out, struct err *e)
{
    *out = (struct description){.file = file};
    const bool gguf = file.n >= 4 && memcmp(file.p, "GGUF", 4) == 0;
    enum status st = ST_OK;
    if (gguf) {
        out->front = front_of(file, e);
        st = gguf_read(&out->gguf, &out->front);
    }
    if (st == ST_OK && gguf && out->gguf.tensor_count == 0)
        st = gguf_vocabulary(file, &out->alone, e);
    else if (st == ST_OK)
        st = model_open(file, NULL, true, &out->model, e);
    const struct gguf_pair *p = gguf_find(&out->gguf, "tokenizer.chat_template");
    if (st == ST_OK && p != NULL && p->type == GGUF_STRING)
        out->chat_template = p->value;
    return st;
}

void describe_release(struct description *d)
{
    model_scope(&d->model);
    tokenizer_scope(&d->alone);
    gguf_release(&d->gguf);
}

const struct tokenizer *describe_tokenizer(const struct description *d)
{
    return d->model != NULL ? model_tokenizer(d->model) : d->alone;
}

/* Cut to a length; JSON has no place for NUL, whoever writes one. */
static void put_text(struct json_out *j, struct span s)
{
    uint8_t shown[DESCRIBE_TEXT_MAX];
    size_t n = s.n < sizeof shown ? s.n : sizeof shown;
    while (n < s.n && n > 0 && (s.p[n] & 0xc0) == 0x80) /* not through a character */
        n--;
    for (size_t i = 0; i < n; i++)
        shown[i] = s.p[i] != 0 ? s.p[i] : ' ';
    json_text(j, SPAN(shown, n));
}

static void put_number(struct json_out *j, const struct gguf_pair *p)
{
    uint8_t wide[8] = {0};
    char text[24];
    memcpy(wide, p->value.p, p->value.n);
    uint64_t v = get_le64(wide);
    const unsigned bits = 8 * (unsigned)p->value.n;
    const bool negative = v >> (bits - 1) != 0;
    switch (p->type) {
    case GGUF_I8:
    case GGUF_I16:
    case GGUF_I32:
    case GGUF_I64:
        if (negative && bits < 64)
            v |= UINT64_MAX << bits;
        text_fmt(text, sizeof text, "%lld", (long long)v);
        break;
    case GGUF_F32: text_fmt(text, sizeof text, "%08llx", (unsigned long long)v); break;
    case GGUF_F64: text_fmt(text, sizeof text, "%016llx", (unsigned long long)v); break;
    case GGUF_BOOL: text_fmt(text, sizeof text, "%s", v != 0 ? "true" : "false"); break;
    case GGUF_U8:
    case GGUF_U16:
    case GGUF_U32:
    case GGUF_U64:
    case GGUF_STRING:
    case GGUF_ARRAY:
    case GGUF_TYPES: text_fmt(text, sizeof text, "%llu", (unsigned long long)v); break;
    }
    json_string(j, text);
}

static void put_pair(struct json_out *j, const struct gguf_pair *p)
{
    static const char *const names[GGUF_TYPES] = {"u8",  "i8",  "u16",  "i16",    "u32",
                                                  "i32", "f32", "bool", "string", "array",
                                                  "u64", "i64", "f64"};
    char text[32];
    json_array(j);
    put_text(j, p->key);
    if (p->type == GGUF_ARRAY) {
        text_fmt(text, sizeof text, "array of %s", names[p->items]);
        json_string(j, text);
        text_fmt(text, sizeof text, "%llu", (unsigned long long)p->count);
        json_string(j, text);
    } else {
        json_string(j, names[p->type]);
        if (p->type == GGUF_STRING)
            put_text(j, p->value);
        else
            put_number(j, p);
    }
    json_close(j);
}

/* Every field of SLM1's header, as it stands there. */
static void put_header(struct json_out *j, const uint8_t *p)
{
    static const struct {
        const char *name;
        uint8_t at, bytes;
        bool real;
    } fields[] = {{"version", 4, 4, false},           {"header_length", 8, 4, false},
                  {"model_type", 12, 4, false},       {"flags", 16, 4, false},
                  {"vocab_size", 20, 4, false},       {"special_token_count", 24, 4, false},
                  {"hidden_size", 28, 4, false},      {"layer_count", 32, 4, false},
                  {"head_count", 36, 4, false},       {"kv_head_count", 40, 4, false},
                  {"head_dim", 44, 4, false},         {"ffn_size", 48, 4, false},
                  {"max_context", 52, 4, false},      {"rope_theta", 56, 4, true},
                  {"rms_norm_epsilon", 60, 4, true},  {"tokenizer_offset", 64, 8, false},
                  {"tokenizer_length", 72, 8, false}, {"tensor_directory_offset", 80, 8, false},
                  {"tensor_count", 88, 4, false},     {"tensor_data_offset", 92, 8, false},
                  {"checksum", 100, 8, false}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const struct gguf_pair as = {.key = span_text(fields[i].name),
                                     .type = fields[i].real         ? GGUF_F32
                                             : fields[i].bytes == 8 ? GGUF_U64
                                                                    : GGUF_U32,
                                     .value = SPAN(p + fields[i].at, fields[i].bytes)};
        put_pair(j, &as);
    }
}

/* The name as the file spells it: GGUF has it where the tensor is described. */
static struct span name_of(const struct description *d, size_t index, char room[SLM1_NAME_MAX])
{
    const struct layout *l = model_layout(d->model);
    if (l->facts.format == MODEL_FORMAT_GGUF) {
        const uint8_t *entry = d->file.p + l->placed[index].entry;
        return SPAN(entry + 8, (size_t)get_le64(entry));
    }
    slm1_name(index, room);
    return span_text(room);
}

static void put_shape(struct json_out *j, const struct placed *p)
{
    json_array(j);
    json_u64(j, p->cols);
    if (p->rows > 1)
        json_u64(j, p->rows);
    json_close(j);
}

/* The place whose payload comes next after `after`; placed_count: none. */
static size_t next_place(const struct layout *l, uint64_t after)
{
    size_t found = l->placed_count;
    for (size_t i = 0; i < l->placed_count; i++)
        if (l->placed[i].present && l->placed[i].offset > after &&
            (found == l->placed_count || l->placed[i].offset < l->placed[found].offset))
            found = i;
    return found;
}

static void put_tensors(const struct description *d, struct json_out *j)
{
    const struct layout *l = model_layout(d->model);
    char room[SLM1_NAME_MAX];
    for (size_t i = next_place(l, 0); i < l->placed_count; i = next_place(l, l->placed[i].offset)) {
        const struct placed *p = &l->placed[i];
        json_array(j);
        json_text(j, name_of(d, i, room));
        json_string(j, dtype_name(p->type));
        put_shape(j, p);
        json_u64(j, p->offset);
        json_u64(j, p->bytes + p->scale_bytes);
        json_close(j);
    }
}

void describe_write(const struct description *d, struct json_out *j)
{
    json_key(j, "metadata");
    json_array(j);
    for (uint32_t i = 0; i < d->gguf.pair_count; i++)
        if (d->chat_template.p == NULL || d->gguf.pairs[i].value.p != d->chat_template.p)
            put_pair(j, &d->gguf.pairs[i]);
    if (d->gguf.pairs == NULL)
        put_header(j, d->file.p);
    json_close(j);
    json_key(j, "tensors");
    json_array(j);
    if (d->model != NULL)
        put_tensors(d, j);
    json_close(j);
    json_key(j, "template");
    if (d->chat_template.p != NULL)
        json_u64(j, d->chat_template.n);
    else
        json_null(j);
}

/* What is gathered of a tensor's values, one by one. */
struct census {
    uint64_t count, total;
    double sum, squares;
    float least, greatest;
    float first[8], last[2];
};

static void count_row(struct census *c, const float *row, uint32_t cols)
{
    for (uint32_t i = 0; i < cols; i++, c->count++) {
        const float v = row[i];
        c->sum += (double)v;
        c->squares += (double)v * (double)v;
        c->least = c->count == 0 || v < c->least ? v : c->least;
        c->greatest = c->count == 0 || v > c->greatest ? v : c->greatest;
        if (c->count < 8)
            c->first[c->count] = v;
        if (c->total - c->count <= 2)
            c->last[2 - (c->total - c->count)] = v;
    }
}

static void put_bits(struct json_out *j, const char *key, const void *v, size_t bytes)
{
    uint8_t wide[8] = {0};
    char text[20];
    memcpy(wide, v, bytes); /* little-endian machines only, as everywhere */
    text_fmt(text, sizeof text, bytes == 4 ? "%08llx" : "%016llx",
             (unsigned long long)get_le64(wide));
    if (key != NULL)
        json_key(j, key);
    json_string(j, text);
}

static void put_values(struct json_out *j, const char *key, const float *v, uint64_t count)
{
    json_key(j, key);
    json_array(j);
    for (uint64_t i = 0; i < count; i++)
        put_bits(j, NULL, &v[i], sizeof *v);
    json_close(j);
}

static void put_census(struct json_out *j, const struct census *c)
{
    const uint64_t last = c->count < 2 ? c->count : 2;
    json_key(j, "count");
    json_u64(j, c->count);
    put_bits(j, "sum", &c->sum, sizeof c->sum);
    put_bits(j, "squares", &c->squares, sizeof c->squares);
    put_bits(j, "least", &c->least, sizeof c->least);
    put_bits(j, "greatest", &c->greatest, sizeof c->greatest);
    put_values(j, "first", c->first, c->count < 8 ? c->count : 8);
    put_values(j, "last", c->last + (2 - last), last);
}

enum status describe_tensor(const struct description *d, struct span name, struct json_out *j,
                            struct err *e)
{
    char room[SLM1_NAME_MAX];
    const struct layout *l = d->model != NULL ? model_layout(d->model) : NULL;
    size_t i = 0, count = l != NULL ? l->placed_count : 0;
    while (i < count && !(l->placed[i].present && span_equal(name_of(d, i, room), name)))
        i++;
    if (i == count)
        return err_set(e, ST_NOT_FOUND, "no-tensor", "the file has no tensor of that name");
    const struct placed *p = &l->placed[i];
    struct tensor t = layout_tensor(l, i, d->file);
    struct census c = {.total = (uint64_t)p->rows * p->cols};
    SCOPED(heap_scope) float *row = heap_zero(p->cols, sizeof *row);
    if (row == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a row of %u values", p->cols);
    for (uint32_t r = 0; r < p->rows; r++) {
        tensor_row(&t, r, row);
        count_row(&c, row, p->cols);
    }
    json_object(j);
    json_key(j, "name");
    json_text(j, name);
    json_key(j, "type");
    json_string(j, dtype_name(p->type));
    json_key(j, "shape");
    put_shape(j, p);
    put_census(j, &c);
    json_close(j);
    return ST_OK;
}
