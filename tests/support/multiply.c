#include "tests/support/multiply.h"

#include "base/heap.h"
#include "runtime/packed.h"
#include "runtime/quant.h"
#include <assert.h>

void multiply(const struct kernels *k, const struct tensor *w, const float *x, size_t count,
              uint32_t piece, float *out)
{
    float *work = heap_aligned(64, count * w->cols * sizeof *work);
    assert(work != NULL);
    memset(work, 0x5a, count * w->cols * sizeof *work);
    const struct vectors v = kernels_vectors(k, x, w->cols, count, work);
    const uint32_t step = piece == 0 ? w->rows : piece;
    for (uint32_t r = 0; r < w->rows; r += step)
        k->rows(w, r, w->rows - r < step ? w->rows : r + step, &v, out);
    heap_free(work);
}

uint32_t random_bits(void)
{
    static uint64_t x = 0x9e3779b97f4a7c15u;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return (uint32_t)(x >> 32);
}

/* Random bytes; halves and floats of moderate size, so that sums stay finite. */
static void fill(struct matrix *m, uint8_t *data, size_t bytes)
{
    const struct dtype_layout *l = dtype_layout(m->t.type);
    for (size_t i = 0; i < bytes; i++)
        data[i] = (uint8_t)random_bits();
    if (m->t.type == DTYPE_F32)
        for (size_t i = 0; i + 4 <= bytes; i += 4) {
            float v = (float)(int32_t)random_bits() * 0x1p-31f;
            memcpy(data + i, &v, 4);
        }
    for (size_t i = 0; i + l->bytes <= bytes; i += l->bytes)
        for (size_t h = 0; h < l->half_count; h++) {
            uint8_t *high = data + i + l->half_at[h] + 1;
            *high = (uint8_t)((*high & 0x83) | (l->half_exponent == 0x7f80 ? 0x3c : 0x28));
        }
}

void matrix_pack(struct matrix *m)
{
    if (m->packed != NULL)
        packed_fill(&m->t, m->packed);
}

struct matrix matrix_make(enum dtype type, uint32_t rows, uint32_t cols, uint32_t block,
                          size_t shift)
{
    struct matrix m = {.t = {.type = type, .rows = rows, .cols = cols, .block = block}};
    m.t.row_bytes = (uint64_t)cols / dtype_block_values(type) * dtype_block_bytes(type);
    const size_t bytes = (size_t)(rows * m.t.row_bytes);
    m.memory = heap_alloc(bytes + shift);
    assert(m.memory != NULL);
    fill(&m, m.memory + shift, bytes);
    m.t.data = m.memory + shift;
    if (type == DTYPE_SLM_Q8 || type == DTYPE_SLM_Q4) {
        const size_t count = (size_t)rows * (block != 0 ? cols / block : 1);
        m.scales = heap_alloc(count * 4);
        assert(m.scales != NULL);
        for (size_t i = 0; i < count; i++) {
            float v = (float)(random_bits() % 1000 + 1) * 0x1p-15f;
            memcpy(m.scales + 4 * i, &v, 4);
        }
        m.t.scales = m.scales;
    }
    uint64_t packed = 0;
    assert(packed_bytes(type, rows, cols, block, &packed));
    if (packed != 0) {
        m.packed = heap_aligned(PACKED_ALIGN, (size_t)packed);
        assert(m.packed != NULL);
        m.t.packed = m.packed;
    }
    matrix_pack(&m);
    return m;
}

void matrix_release(struct matrix *m)
{
    heap_free(m->memory);
    heap_free(m->scales);
    heap_free(m->packed);
}
