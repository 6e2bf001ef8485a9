#include "runtime/slm1_write.h"
#include "base/checked.h"
#include "base/heap.h"
#include <assert.h>
#include <string.h>

#define BLOCK_DEFAULT 32u

struct span slm1_btok(void)
{
    static const uint8_t section[28] = {'B', 'T', 'O', 'K', 1, 0, 0, 0, 4, 1, 0, 0, 0, 1,
                                        0,   0,   1,   1,   0, 0, 2, 1, 0, 0, 3, 1, 0, 0};
    return SPAN(section, sizeof section);
}

/* One file being written: where everything goes, then the two passes. */
struct writer {
    const struct slm1_spec *spec;
    const struct slm1_values *values;
    struct sink to;
    bool counting; /* the first pass: only the checksum */
    struct slm1_sum sum;
    struct buf front;
    uint64_t total;
    float *row;        /* [cols of the widest] */
    uint8_t *packed;   /* [bytes of the widest] */
    struct buf scales; /* of the tensor at hand */
};

static void writer_release(struct writer *w)
{
    buf_release(&w->front);
    buf_release(&w->scales);
    heap_free(w->row);
    heap_free(w->packed);
}

/* The most values a scale, up to the usual number, that divide a row. */
static uint32_t block_for(uint32_t cols)
{
    uint32_t block = BLOCK_DEFAULT;
    while (block > 2 && cols % block != 0)
        block -= 2;
    return block;
}

static enum status place(const struct slm1_spec *spec, size_t index, struct placed *p,
                         struct err *e)
{
    enum tensor_role role = plan_role(index);
    role_shape(&spec->shape, role, &p->rows, &p->cols);
    enum slm1_dtype dtype = role_is_vector(role) && !spec->whole ? SLM1_F32 : spec->dtype;
    p->type = dtype == SLM1_F32 ? DTYPE_F32 : dtype == SLM1_Q8_0 ? DTYPE_SLM_Q8 : DTYPE_SLM_Q4;
    p->block = dtype != SLM1_Q4_0 ? 0 : spec->block != 0 ? spec->block : block_for(p->cols);
    char name[SLM1_NAME_MAX];
    slm1_name(index, name);
    if (p->block % 2 != 0 || !placed_measure(p))
        return err_set(e, ST_INVALID_LENGTH, "slm1-block-size",
                       "%s: a block of %u must be even and divide a row of %u", name, p->block,
                       p->cols);
    return ST_OK;
}

/* Moves *at past `bytes`, padded. */
static enum status advance(uint64_t *at, uint64_t bytes, struct err *e)
{
    if (!checked_add(*at, bytes, at) || !checked_align(*at, SLM1_ALIGN, at))
        return err_set(e, ST_INVALID_LENGTH, NULL, "the model's size leaves 64 bits");
    return ST_OK;
}

static void put_entry(uint8_t *p, size_t index, const struct placed *t)
{
    char name[SLM1_NAME_MAX];
    slm1_name(index, name);
    bool vector = role_is_vector(plan_role(index));
    put_le64(p, slm1_name_hash(name));
    put_le32(p + 8, t->type == DTYPE_F32      ? SLM1_F32
                    : t->type == DTYPE_SLM_Q8 ? SLM1_Q8_0
                                              : SLM1_Q4_0);
    put_le32(p + 12, vector ? 1 : 2);
    put_le32(p + 16, vector ? t->cols : t->rows);
    put_le32(p + 20, vector ? 1 : t->cols);
    put_le32(p + 24, 1);
    put_le32(p + 28, 1);
    put_le64(p + 32, t->offset);
    put_le64(p + 40, t->bytes);
    put_le64(p + 48, t->scale_offset);
    put_le32(p + 56, t->type == DTYPE_SLM_Q8 ? t->cols : t->block);
}

static void put_f32(uint8_t *p, float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    put_le32(p, bits);
}

static void put_header(uint8_t *p, const struct slm1_spec *spec, uint32_t tensors,
                       uint64_t directory, uint64_t data)
{
    const struct model_shape *s = &spec->shape;
    memcpy(p, "SLM1", 4);
    const uint32_t words[] = {SLM1_VERSION,
                              SLM1_HEADER_BYTES,
                              1,
                              s->tied ? SLM1_FLAG_TIED : 0,
                              s->vocab,
                              4,
                              s->hidden,
                              s->layers,
                              s->heads,
                              s->kv_heads,
                              s->head_dim,
                              s->ffn,
                              s->context};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        put_le32(p + 4 + 4 * i, words[i]);
    put_f32(p + 56, s->rope_theta);
    put_f32(p + 60, s->rms_epsilon);
    put_le64(p + 64, SLM1_HEADER_BYTES);
    put_le64(p + 72, spec->tokenizer.n);
    put_le64(p + 80, directory);
    put_le32(p + 88, tensors);
    put_le64(p + 92, data);
    put_le64(p + SLM1_CHECKSUM_AT, 1); /* until it is known */
}

/* Header, tokenizer and directory; w->total comes out of the last offset. */
static enum status build_front(struct writer *w, struct err *e)
{
    const struct slm1_spec *spec = w->spec;
    const struct model_shape *s = &spec->shape;
    if (s->layers > MODEL_LAYERS_MAX)
        return err_set(e, ST_INVALID_LENGTH, "slm1-layer-count", "%u layers are more than %u",
                       s->layers, MODEL_LAYERS_MAX);
    uint32_t tensors = (uint32_t)plan_needed(s);
    uint64_t directory = SLM1_HEADER_BYTES, data;
    enum status st = advance(&directory, spec->tokenizer.n, e);
    if (st != ST_OK)
        return st;
    data = directory + (uint64_t)tensors * SLM1_ENTRY_BYTES; /* a multiple of 64 */
    size_t front;
    uint8_t *p = checked_size(data, &front) ? buf_space(&w->front, front) : NULL;
    if (p == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for the model's front");
    put_header(p, spec, tensors, directory, data);
    if (spec->tokenizer.n > 0)
        memcpy(p + SLM1_HEADER_BYTES, spec->tokenizer.p, spec->tokenizer.n);
    uint8_t *entry = p + directory;
    w->total = data;
    for (size_t i = 0; i < plan_count(s); i++) {
        struct placed t = {0};
        if (!plan_wanted(s, i))
            continue;
        st = place(spec, i, &t, e);
        t.offset = w->total;
        if (st == ST_OK)
            st = advance(&w->total, t.bytes, e);
        t.scale_offset = t.scale_bytes != 0 ? w->total : 0;
        if (st == ST_OK)
            st = advance(&w->total, t.scale_bytes, e);
        if (st != ST_OK)
            return st;
        put_entry(entry, i, &t);
        entry += SLM1_ENTRY_BYTES;
    }
    return ST_OK;
}

/* The reader's opinion of the front, before anything leaves. */
static enum status prove_front(const struct writer *w, struct err *e)
{
    struct model_limits none = {.file_bytes = UINT64_MAX, .head_bytes = UINT64_MAX};
    struct layout l;
    uint64_t need;
    enum status st =
        layout_parse(MODEL_FORMAT_SLM1, buf_span(&w->front), w->total, &none, &l, &need, e);
    if (st == ST_OK)
        layout_release(&l);
    return st;
}

static enum status prepare(struct writer *w, struct err *e)
{
    const struct model_shape *s = &w->spec->shape;
    enum status st = build_front(w, e);
    if (st == ST_OK)
        st = prove_front(w, e);
    if (st != ST_OK)
        return st;
    size_t widest = s->hidden > s->ffn ? s->hidden : s->ffn;
    w->row = heap_zero(widest, sizeof *w->row);
    w->packed = heap_zero(widest, sizeof(float));
    if (w->row == NULL || w->packed == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a row of %zu", widest);
    return ST_OK;
}

static enum status emit(struct writer *w, struct span bytes, struct err *e)
{
    slm1_sum_add(&w->sum, bytes);
    return w->counting ? ST_OK : w->to.write(w->to.ctx, bytes, e);
}

static enum status emit_padding(struct writer *w, struct err *e)
{
    static const uint8_t zeros[SLM1_ALIGN];
    size_t over = (size_t)(w->sum.at % SLM1_ALIGN);
    return over == 0 ? ST_OK : emit(w, SPAN(zeros, SLM1_ALIGN - over), e);
}

static float magnitude(float x)
{
    return x < 0 ? -x : x;
}

/* The scale that maps the largest of n values to `top`; always positive, as the format wants it. */
static float scale_for(const float *x, size_t n, float top)
{
    float most = 0;
    for (size_t i = 0; i < n; i++)
        most = magnitude(x[i]) > most ? magnitude(x[i]) : most;
    float scale = most / top;
    return scale > 0 ? scale : 1;
}

/* x / scale rounded half away from zero, at most ±top. */
static int quantum(float x, float scale, int top)
{
    float q = x / scale;
    if (q >= (float)top)
        return top;
    if (q <= (float)-top)
        return -top;
    return (int)(q < 0 ? q - 0.5f : q + 0.5f);
}

static void append_scale(struct writer *w, float scale)
{
    uint8_t bytes[4];
    put_f32(bytes, scale);
    buf_append(&w->scales, SPAN(bytes, 4));
}

/* Packs w->row into w->packed and collects its scales. */
static void pack_row(struct writer *w, const struct placed *t)
{
    const float *x = w->row;
    if (t->type == DTYPE_F32) {
        for (size_t i = 0; i < t->cols; i++)
            put_f32(w->packed + 4 * i, x[i]);
        return;
    }
    size_t block = t->type == DTYPE_SLM_Q8 ? t->cols : t->block;
    int top = t->type == DTYPE_SLM_Q8 ? 127 : 7;
    for (size_t from = 0; from < t->cols; from += block) {
        float scale = scale_for(x + from, block, (float)top);
        append_scale(w, scale);
        for (size_t i = from; i < from + block; i++) {
            unsigned q = (unsigned)quantum(x[i], scale, top);
            if (t->type == DTYPE_SLM_Q8)
                w->packed[i] = (uint8_t)q;
            else
                w->packed[i / 2] =
                    (uint8_t)(i % 2 == 0 ? q & 15u : w->packed[i / 2] | (q & 15u) << 4);
        }
    }
}

static enum status check_row(const struct writer *w, const struct placed *t, const char *name,
                             uint32_t row, struct err *e)
{
    for (uint32_t i = 0; i < t->cols; i++) {
        uint32_t bits;
        memcpy(&bits, &w->row[i], sizeof bits);
        if ((bits & 0x7f800000u) == 0x7f800000u)
            return err_at(e, ST_MODEL_DIRECTORY, "values", "slm1-not-finite", ERR_NO_OFFSET,
                          "%s: value %u of row %u is not finite", name, i, row);
    }
    return ST_OK;
}

static enum status emit_tensor(struct writer *w, size_t index, struct err *e)
{
    struct placed t = {0};
    enum status st = place(w->spec, index, &t, e);
    char name[SLM1_NAME_MAX];
    slm1_name(index, name);
    w->scales.n = 0;
    for (uint32_t row = 0; row < t.rows && st == ST_OK; row++) {
        st = w->values->row(w->values->ctx, name, row, t.cols, w->row, e);
        if (st == ST_OK)
            st = check_row(w, &t, name, row, e);
        if (st != ST_OK)
            break;
        pack_row(w, &t);
        st = emit(w, SPAN(w->packed, (size_t)t.row_bytes), e);
    }
    if (st == ST_OK)
        st = emit_padding(w, e);
    if (st == ST_OK && buf_status(&w->scales) != ST_OK)
        st = err_set(e, ST_NO_MEMORY, NULL, "no memory for the scales of %s", name);
    if (st == ST_OK)
        st = emit(w, buf_span(&w->scales), e);
    return st == ST_OK ? emit_padding(w, e) : st;
}

static enum status emit_all(struct writer *w, bool counting, struct err *e)
{
    w->counting = counting;
    w->sum = slm1_sum_start();
    enum status st = emit(w, buf_span(&w->front), e);
    for (size_t i = 0; i < plan_count(&w->spec->shape) && st == ST_OK; i++)
        if (plan_wanted(&w->spec->shape, i))
            st = emit_tensor(w, i, e);
    assert(st != ST_OK || w->sum.at == w->total);
    return st;
}

enum status slm1_write(const struct slm1_spec *spec, const struct slm1_values *values,
                       struct sink to, struct err *e)
{
    SCOPED(writer_release) struct writer w = {.spec = spec, .values = values, .to = to};
    enum status st = prepare(&w, e);
    if (st == ST_OK)
        st = emit_all(&w, true, e);
    if (st != ST_OK)
        return st;
    uint64_t sum = slm1_sum_finish(&w.sum);
    put_le64(w.front.p + SLM1_CHECKSUM_AT, sum);
    st = emit_all(&w, false, e);
    if (st == ST_OK && slm1_sum_finish(&w.sum) != sum)
        return err_set(e, ST_CONFLICT, "slm1-values-changed",
                       "the values changed between the first reading and the second");
    return st;
}

enum status slm1_size(const struct slm1_spec *spec, uint64_t *bytes, struct err *e)
{
    SCOPED(writer_release) struct writer w = {.spec = spec};
    enum status st = build_front(&w, e);
    if (st == ST_OK)
        *bytes = w.total;
    return st;
}
