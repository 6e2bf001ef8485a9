/* GGUF's tensor descriptions → places in the plan, and the data behind them. The descriptions are
 * in the order of the data; each offset must be the padded end of the tensor before. */
#include "base/checked.h"
#include "base/text.h"
#include "runtime/gguf.h"
#include <assert.h>
#include <string.h>

/* Type numbers of the file. Names only: known, but not read here. */
static const struct {
    const char *name;
    bool read;
    enum dtype type;
} types[] = {
    [0] = {"F32", true, DTYPE_F32},       [1] = {"F16", true, DTYPE_F16},
    [2] = {"Q4_0", true, DTYPE_Q4_0},     [3] = {"Q4_1", true, DTYPE_Q4_1},
    [6] = {"Q5_0", true, DTYPE_Q5_0},     [7] = {"Q5_1", true, DTYPE_Q5_1},
    [8] = {"Q8_0", true, DTYPE_Q8_0},     [9] = {"Q8_1", false, DTYPE_F32},
    [10] = {"Q2_K", true, DTYPE_Q2_K},    [11] = {"Q3_K", true, DTYPE_Q3_K},
    [12] = {"Q4_K", true, DTYPE_Q4_K},    [13] = {"Q5_K", true, DTYPE_Q5_K},
    [14] = {"Q6_K", true, DTYPE_Q6_K},    [15] = {"Q8_K", false, DTYPE_F32},
    [16] = {"IQ2_XXS", false, DTYPE_F32}, [17] = {"IQ2_XS", false, DTYPE_F32},
    [18] = {"IQ3_XXS", false, DTYPE_F32}, [19] = {"IQ1_S", false, DTYPE_F32},
    [20] = {"IQ4_NL", false, DTYPE_F32},  [21] = {"IQ3_S", false, DTYPE_F32},
    [22] = {"IQ2_S", false, DTYPE_F32},   [23] = {"IQ4_XS", false, DTYPE_F32},
    [24] = {"I8", false, DTYPE_F32},      [25] = {"I16", false, DTYPE_F32},
    [26] = {"I32", false, DTYPE_F32},     [27] = {"I64", false, DTYPE_F32},
    [28] = {"F64", false, DTYPE_F32},     [29] = {"IQ1_M", false, DTYPE_F32},
    [30] = {"BF16", true, DTYPE_BF16},    [34] = {"TQ1_0", false, DTYPE_F32},
    [35] = {"TQ2_0", false, DTYPE_F32},   [39] = {"MXFP4", false, DTYPE_F32},
    [40] = {"NVFP4", false, DTYPE_F32},   [41] = {"Q1_0", false, DTYPE_F32},
    [42] = {"Q2_0", false, DTYPE_F32},
};

/* One description, as it stands in the file. */
struct described {
    struct span name;
    uint32_t n_dims, type;
    uint64_t dims[GGUF_DIMS_MAX];
    uint64_t offset;
    uint64_t at, dims_at, type_at, offset_at; /* where each stands */
};

struct walk {
    const struct gguf *gguf;
    const struct gguf_architecture *architecture;
    struct layout *out;
    uint64_t end; /* of the data so far, padded, from the data's start */
};

static struct err *err_of(const struct walk *w)
{
    return w->gguf->head->err;
}

static int shown(struct span s)
{
    return (int)(s.n < GGUF_NAME_MAX ? s.n : GGUF_NAME_MAX);
}

/* Fills *d; the head's status tells. */
static void read_described(const struct walk *w, struct described *d)
{
    struct front *h = w->gguf->head;
    *d = (struct described){.at = h->at};
    uint64_t n = front_u64(h);
    if (h->status == ST_OK && (n == 0 || n > GGUF_NAME_MAX))
        h->status =
            err_at(h->err, ST_MODEL_DIRECTORY, h->stage, "gguf-name-length", d->at,
                   "a tensor's name has %llu bytes, allowed are 1…63", (unsigned long long)n);
    d->name = front_bytes(h, n);
    d->dims_at = h->at;
    d->n_dims = front_u32(h);
    if (h->status == ST_OK && (d->n_dims == 0 || d->n_dims > GGUF_DIMS_MAX))
        h->status = err_at(h->err, ST_MODEL_DIRECTORY, h->stage, "gguf-dims-count", d->dims_at,
                           "a tensor of %u dimensions, allowed are 1…4", d->n_dims);
    for (uint32_t i = 0; i < d->n_dims && h->status == ST_OK; i++)
        d->dims[i] = front_u64(h);
    d->type_at = h->at;
    d->type = front_u32(h);
    d->offset_at = h->at;
    d->offset = front_u64(h);
}

/* Elements fit 63 bits, and no dimension is zero. Checked one by one: a wrapped product looks
 * sound. */
static enum status check_dims(const struct walk *w, const struct described *d)
{
    uint64_t elements = 1;
    for (uint32_t i = 0; i < d->n_dims; i++) {
        uint64_t at = d->dims_at + 4 + 8 * (uint64_t)i;
        if (d->dims[i] == 0)
            return err_at(err_of(w), ST_MODEL_SHAPE, "directory", "gguf-dim-zero", at,
                          "%.*s: dimension %u is zero", shown(d->name), (const char *)d->name.p, i);
        if (!checked_mul(elements, d->dims[i], &elements) || elements > INT64_MAX)
            return err_at(err_of(w), ST_MODEL_SHAPE, "directory", "gguf-dims-overflow", at,
                          "%.*s: the product of its dimensions leaves 63 bits", shown(d->name),
                          (const char *)d->name.p);
    }
    return ST_OK;
}

static enum status check_type(const struct walk *w, const struct described *d, enum dtype *out)
{
    bool named = d->type < sizeof types / sizeof types[0] && types[d->type].name != NULL;
    if (!named || !types[d->type].read)
        return err_at(err_of(w), ST_MODEL_DTYPE, "directory", "gguf-tensor-type", d->type_at,
                      "%.*s has type %u (%s), which is not supported", shown(d->name),
                      (const char *)d->name.p, d->type, named ? types[d->type].name : "unknown");
    *out = types[d->type].type;
    return ST_OK;
}

/* "blk.12.attn_q.weight" → role and layer; digits only, no leading zero. */
static bool parse_layer(struct span name, uint64_t *layer, struct span *rest)
{
    if (name.n < 4 || memcmp(name.p, "blk.", 4) != 0)
        return false;
    size_t i = 4;
    *layer = 0;
    while (i < name.n && name.p[i] >= '0' && name.p[i] <= '9' && i < 4 + 9)
        *layer = *layer * 10 + (uint64_t)(name.p[i++] - '0');
    if (i == 4 || (i > 5 && name.p[4] == '0') || i >= name.n || name.p[i] != '.')
        return false;
    *rest = SPAN(name.p + i + 1, name.n - i - 1);
    return true;
}

static enum tensor_role look_up(const struct gguf_tensor_name *names, struct span name)
{
    while (names->name != NULL && !span_equal(name, span_text(names->name)))
        names++;
    return names->role;
}

/* TENSOR_ROLE_COUNT: none of the architecture. */
static enum tensor_role role_of(const struct walk *w, struct span name, uint64_t *layer)
{
    struct span rest;
    *layer = 0;
    return parse_layer(name, layer, &rest) ? look_up(w->architecture->locals, rest)
                                           : look_up(w->architecture->globals, name);
}

static bool name_ends(struct span name, const char *end)
{
    struct span e = span_text(end);
    return name.n >= e.n && memcmp(name.p + name.n - e.n, e.p, e.n) == 0;
}

/* What is no part of the plan, by name. */
static enum status refuse_name(const struct walk *w, const struct described *d)
{
    const char *code = "gguf-unknown-tensor", *what = "is no tensor of this architecture";
    if (name_ends(d->name, ".bias")) {
        code = "gguf-bias";
        what = "is a bias that this architecture does not have";
    } else if (name_ends(d->name, "_exps.weight") || name_ends(d->name, "ffn_gate_inp.weight")) {
        code = "gguf-experts";
        what = "belongs to a mixture of experts, which is not supported";
    }
    return err_at(err_of(w), ST_MODEL_DIRECTORY, "directory", code, d->at, "%.*s %s",
                  shown(d->name), (const char *)d->name.p, what);
}

static enum status find_place(const struct walk *w, const struct described *d, size_t *index)
{
    uint64_t layer;
    enum tensor_role role = role_of(w, d->name, &layer);
    if (role == TENSOR_ROLE_COUNT)
        return refuse_name(w, d);
    const struct model_shape *s = &w->out->facts.shape;
    if (layer >= s->layers)
        return err_at(err_of(w), ST_MODEL_DIRECTORY, "directory", "gguf-layer-range", d->at,
                      "%.*s: the model has %u layers", shown(d->name), (const char *)d->name.p,
                      s->layers);
    *index = plan_index(role, (uint32_t)layer);
    if (w->out->placed[*index].present)
        return err_at(err_of(w), ST_MODEL_DIRECTORY, "directory", "gguf-duplicate-tensor", d->at,
                      "%.*s is described twice", shown(d->name), (const char *)d->name.p);
    uint32_t rows, cols;
    role_shape(s, role, &rows, &cols);
    const uint64_t want[GGUF_DIMS_MAX] = {cols, rows, 1, 1};
    for (uint32_t i = 0; i < GGUF_DIMS_MAX; i++) {
        uint64_t dim = i < d->n_dims ? d->dims[i] : 1;
        if (dim != want[i])
            return err_at(err_of(w), ST_MODEL_SHAPE, "directory", "gguf-shape",
                          d->dims_at + 4 + 8 * (uint64_t)(i < d->n_dims ? i : 0),
                          "%.*s: dimension %u is %llu, it must be %llu", shown(d->name),
                          (const char *)d->name.p, i, (unsigned long long)dim,
                          (unsigned long long)want[i]);
    }
    return ST_OK;
}

static enum status check_extent(struct walk *w, const struct described *d, struct placed *t)
{
    uint32_t align = w->gguf->alignment;
    if (!placed_measure(t))
        return err_at(err_of(w), ST_MODEL_SHAPE, "directory", "gguf-row-block", d->type_at,
                      "%.*s: a row of %u values is no whole number of %s blocks", shown(d->name),
                      (const char *)d->name.p, t->cols, dtype_name(t->type));
    if (!checked_range(d->offset, t->bytes, w->gguf->head->file_bytes))
        return err_at(err_of(w), ST_MODEL_DIRECTORY, "tensors", "gguf-tensor-past-end",
                      d->offset_at, "%.*s: %llu bytes at %llu end after the file", shown(d->name),
                      (const char *)d->name.p, (unsigned long long)t->bytes,
                      (unsigned long long)d->offset);
    if (d->offset % align != 0)
        return err_at(err_of(w), ST_MODEL_DIRECTORY, "tensors", "gguf-offset-unaligned",
                      d->offset_at, "%.*s: offset %llu is no multiple of %u", shown(d->name),
                      (const char *)d->name.p, (unsigned long long)d->offset, align);
    if (d->offset != w->end)
        return err_at(err_of(w), ST_MODEL_DIRECTORY, "tensors",
                      d->offset < w->end ? "gguf-overlap" : "gguf-gap", d->offset_at,
                      "%.*s begins at %llu, the one before ends at %llu", shown(d->name),
                      (const char *)d->name.p, (unsigned long long)d->offset,
                      (unsigned long long)w->end);
    bool fits = checked_align(d->offset + t->bytes, align, &w->end);
    assert(fits); /* the end lies in the file */
    return ST_OK;
}

static enum status walk_one(struct walk *w)
{
    struct front *h = w->gguf->head;
    struct described d;
    read_described(w, &d);
    if (h->status != ST_OK)
        return h->status;
    enum dtype type = DTYPE_F32;
    size_t index = 0;
    enum status st = check_dims(w, &d);
    if (st == ST_OK)
        st = check_type(w, &d, &type);
    if (st == ST_OK)
        st = find_place(w, &d, &index);
    if (st != ST_OK)
        return st;
    bool freqs = plan_role(index) == ROLE_ROPE_FREQS;
    if (freqs && type != DTYPE_F32)
        return err_at(err_of(w), ST_MODEL_DTYPE, "directory", "gguf-rope-freqs", d.type_at,
                      "the divisors of the rotation must be F32, not %s", dtype_name(type));
    struct placed *t = &w->out->placed[index];
    *t = (struct placed){.present = true, .type = type, .entry = d.at, .offset = d.offset};
    role_shape(&w->out->facts.shape, plan_role(index), &t->rows, &t->cols);
    st = check_extent(w, &d, t);
    if (st == ST_OK)
        w->out->regions[w->out->region_count++] = (struct region){.offset = t->offset,
                                                                  .length = t->bytes,
                                                                  .entry = d.offset_at,
                                                                  .type = type,
                                                                  .scales = freqs};
    return st;
}

static const char *name_of(const struct gguf_architecture *a, enum tensor_role role)
{
    const struct gguf_tensor_name *n = role < ROLE_ATTN_NORM ? a->globals : a->locals;
    while (n->name != NULL && n->role != role)
        n++;
    return n->name;
}

static enum status check_missing(const struct walk *w)
{
    for (size_t i = 0; i < w->out->placed_count; i++) {
        if (w->out->placed[i].present || !plan_wanted(&w->out->facts.shape, i))
            continue;
        char prefix[32] = "";
        if (i >= ROLES_GLOBAL)
            text_fmt(prefix, sizeof prefix, "blk.%u.", plan_layer(i));
        return err_at(err_of(w), ST_MODEL_MISSING_TENSOR, "directory", "gguf-missing-tensor",
                      w->gguf->head->at, "%s%s is missing", prefix,
                      name_of(w->architecture, plan_role(i)));
    }
    return ST_OK;
}

/* Moves everything to absolute offsets and holds it against the file's size. */
static enum status settle(struct walk *w, uint64_t data)
{
    struct layout *out = w->out;
    uint64_t bytes = w->gguf->head->file_bytes, exact = data, padded;
    for (size_t i = 0; i < out->placed_count; i++)
        out->placed[i].offset += data;
    for (size_t i = 0; i < out->region_count; i++) {
        struct region *r = &out->regions[i];
        r->offset += data; /* both are below the file's size */
        exact = r->offset + r->length;
        if (exact > bytes)
            return err_at(err_of(w), ST_MODEL_DIRECTORY, "length", "gguf-truncated", bytes,
                          "the tensor described at %llu ends at %llu, the file has %llu bytes",
                          (unsigned long long)r->entry, (unsigned long long)exact,
                          (unsigned long long)bytes);
    }
    /* The last padding is there in full or not at all. */
    if (!checked_align(exact, w->gguf->alignment, &padded) || (bytes != exact && bytes < padded))
        return err_at(err_of(w), ST_MODEL_DIRECTORY, "length", "gguf-truncated", bytes,
                      "the last padding is cut off");
    if (bytes > padded)
        return err_at(err_of(w), ST_MODEL_DIRECTORY, "length", "gguf-trailing-bytes", padded,
                      "the tensors end at %llu, the file has %llu bytes",
                      (unsigned long long)padded, (unsigned long long)bytes);
    return ST_OK;
}

enum status gguf_tensors(const struct gguf *g, const struct gguf_architecture *a,
                         struct layout *out)
{
    struct front *h = g->head;
    h->stage = "directory";
    if (g->tensor_count == 0)
        return err_at(h->err, ST_MODEL_DIRECTORY, h->stage, "gguf-no-tensors", 8,
                      "the file has a vocabulary and no tensors: it is no model");
    enum status st = layout_allocate(out, h->err);
    struct walk w = {.gguf = g, .architecture = a, .out = out};
    for (uint64_t i = 0; i < g->tensor_count && st == ST_OK; i++)
        st = walk_one(&w);
    if (st != ST_OK)
        return st;
    out->facts.shape.tied = !out->placed[ROLE_OUTPUT].present;
    st = check_missing(&w);
    if (st != ST_OK)
        return st;
    uint64_t data = 0;
    bool fits = checked_align(h->at, g->alignment, &data);
    assert(fits); /* the front is bounded */
    return front_zeros(h, data, "gguf-padding") ? settle(&w, data) : h->status;
}
