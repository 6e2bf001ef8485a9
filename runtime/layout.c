#include "runtime/layout.h"
#include "base/checked.h"
#include "base/ensure.h"
#include "base/heap.h"
#include "base/text.h"
#include "runtime/gguf.h"
#include "runtime/packed.h"
#include "runtime/slm1.h"
#include "runtime/tokenizer_kinds.h"
#include <string.h>

const struct model_limits model_limits_default = {
    .file_bytes = UINT64_C(4) << 30,
    .head_bytes = UINT64_C(32) << 20,
};

void layout_release(struct layout *l)
{
    heap_free(l->placed);
    heap_free(l->regions);
    if (l->tokenizer != NULL)
        tokenizer_close(l->tokenizer);
    l->placed = NULL;
    l->regions = NULL;
    l->tokenizer = NULL;
    l->placed_count = l->region_count = 0;
}

enum status layout_parse(enum model_format format, struct span have, uint64_t file_bytes,
                         const struct model_limits *limits, struct layout *out, uint64_t *need,
                         struct err *e)
{
    bool slm1 = format == MODEL_FORMAT_SLM1;
    *out = (struct layout){.rope_factor = 1,
                           .facts = {.format = format,
                                     .file_bytes = file_bytes,
                                     .bos = -1,
                                     .eos = -1,
                                     .pad = -1,
                                     .unk = -1}};
    if (file_bytes > limits->file_bytes)
        return err_at(e, ST_MODEL_HEADER, "length", slm1 ? "slm1-file-limit" : "gguf-file-limit", 0,
                      "the file has %llu bytes, the limit is %llu", (unsigned long long)file_bytes,
                      (unsigned long long)limits->file_bytes);
    struct front h = {.have = have,
                      .file_bytes = file_bytes,
                      .limit = limits->head_bytes,
                      .stage = "container",
                      .code_short = slm1 ? "slm1-truncated" : "gguf-truncated",
                      .code_limit = slm1 ? "slm1-head-limit" : "gguf-head-limit",
                      .err = e};
    enum status st = slm1 ? slm1_parse(&h, out) : gguf_parse(&h, out);
    *need = h.need;
    if (st != ST_OK)
        layout_release(out);
    return st;
}

enum status layout_allocate(struct layout *l, struct err *e)
{
    l->placed_count = plan_count(&l->facts.shape);
    l->placed = heap_zero(l->placed_count, sizeof *l->placed);
    l->regions = heap_zero(2 * l->placed_count, sizeof *l->regions);
    if (l->placed == NULL || l->regions == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for the places of %zu tensors",
                       l->placed_count);
    return ST_OK;
}

bool placed_measure(struct placed *p)
{
    uint64_t per_block = p->type == DTYPE_SLM_Q4 ? p->block : dtype_block_values(p->type);
    if (per_block == 0 || p->cols % per_block != 0)
        return false;
    p->row_bytes = (uint64_t)(p->cols / dtype_block_values(p->type)) * dtype_block_bytes(p->type);
    p->scale_bytes = 0;
    uint64_t scales = 0; /* two 32-bit numbers' product at most */
    if (p->type == DTYPE_SLM_Q8)
        scales = p->rows;
    if (p->type == DTYPE_SLM_Q4)
        scales = p->rows * (p->cols / per_block);
    return checked_mul(p->rows, p->row_bytes, &p->bytes) &&
           checked_mul(scales, sizeof(float), &p->scale_bytes);
}

uint64_t layout_packed(const struct layout *l, size_t index)
{
    const struct placed *p = &l->placed[index];
    const enum tensor_role role = plan_role(index);
    uint64_t bytes = 0;
    const bool looked_up = role == ROLE_EMBEDDING && !l->facts.shape.tied;
    if (!p->present || role_is_vector(role) || looked_up)
        return 0;
    /* Dimensions have met their limits, which keep this far below 64 bits. */
    ENSURE(packed_bytes(p->type, p->rows, p->cols, p->block, &bytes));
    return (bytes + PACKED_ALIGN - 1) / PACKED_ALIGN * PACKED_ALIGN;
}

void layout_count(struct layout *l)
{
    uint64_t by_type[DTYPE_COUNT] = {0};
    struct model_facts *f = &l->facts;
    f->parameters = f->weight_bytes = f->packed_bytes = 0;
    for (size_t i = 0; i < l->placed_count; i++) {
        const struct placed *p = &l->placed[i];
        if (!p->present)
            continue;
        /* No overflow: each is at most its bytes × 8, and all bytes lie in the file. */
        uint64_t values = (uint64_t)p->rows * p->cols;
        f->parameters += values;
        f->weight_bytes += p->bytes + p->scale_bytes;
        f->packed_bytes += layout_packed(l, i);
        by_type[p->type] += values;
    }
    size_t most = 0;
    for (size_t t = 1; t < DTYPE_COUNT; t++)
        if (by_type[t] > by_type[most])
            most = t;
    text_fmt(f->quantization, sizeof f->quantization, "%s", dtype_name((enum dtype)most));
}

struct tensor layout_tensor(const struct layout *l, size_t index, struct span file)
{
    const struct placed *p = &l->placed[index];
    if (!p->present)
        return (struct tensor){.data = NULL};
    return (struct tensor){.type = p->type,
                           .rows = p->rows,
                           .cols = p->cols,
                           .block = p->block,
                           .row_bytes = p->row_bytes,
                           .data = file.p + p->offset,
                           .scales = p->scale_bytes != 0 ? file.p + p->scale_offset : NULL};
}
