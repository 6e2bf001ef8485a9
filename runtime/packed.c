#include "runtime/packed.h"

#include "base/checked.h"
#include <string.h>

bool packed_bytes(enum dtype type, uint32_t rows, uint32_t cols, uint32_t block, uint64_t *bytes)
{
    *bytes = 0;
    if (!integers_apply(type, cols, block))
        return true;
    const uint64_t groups = ((uint64_t)rows + PACKED_ROWS - 1) / PACKED_ROWS;
    return checked_mul(groups, cols / INTEGERS_BLOCK, bytes) &&
           checked_mul(*bytes, packed_block_bytes(*integers_form(type)), bytes);
}

uint64_t packed_estimate(const char *type, uint64_t parameters)
{
    for (unsigned t = 0; t < DTYPE_COUNT; t++)
        if (integers_form((enum dtype)t)->bits != 0 && strcmp(dtype_name((enum dtype)t), type) == 0)
            return parameters / (PACKED_ROWS * INTEGERS_BLOCK) *
                   packed_block_bytes(*integers_form((enum dtype)t));
    return 0;
}

static void pack_bytes(const struct integers_block rows[PACKED_ROWS], uint8_t *to)
{
    for (size_t p = 0; p < INTEGERS_BLOCK / 2; p++)
        for (size_t r = 0; r < PACKED_ROWS; r++)
            memcpy(to + (p * PACKED_ROWS + r) * 2, rows[r].w + 2 * p, 2);
}

static void pack_nibbles(const struct integers_block rows[PACKED_ROWS], int bias, uint8_t *to)
{
    for (size_t i = 0; i < 4; i++)
        for (size_t r = 0; r < PACKED_ROWS; r++) {
            uint32_t word = 0;
            for (size_t k = 0; k < 8; k++) {
                const int w = rows[r].w[8 * i + 2 * (k % 4) + k / 4] + bias;
                word |= (uint32_t)(w & 15) << (4 * k);
            }
            memcpy(to + (i * PACKED_ROWS + r) * 4, &word, 4);
        }
}

static void pack_block(const struct integers_form *form,
                       const struct integers_block rows[PACKED_ROWS], uint8_t *to)
{
    float line[PACKED_ROWS];
    const size_t runs = INTEGERS_BLOCK / form->run;
    for (size_t k = 0; k < runs * (form->minima ? 2 : 1); k++) {
        for (size_t r = 0; r < PACKED_ROWS; r++)
            line[r] = k < runs ? rows[r].d[k] : rows[r].m[k - runs];
        memcpy(to, line, sizeof line);
        to += sizeof line;
    }
    if (form->bits == 8)
        pack_bytes(rows, to);
    else
        pack_nibbles(rows, form->bias, to);
}

void packed_fill(const struct tensor *t, uint8_t *to)
{
    const struct integers_form *form = integers_form(t->type);
    const size_t bytes = packed_block_bytes(*form);
    struct integers_block rows[PACKED_ROWS];
    for (uint32_t first = 0; first < t->rows; first += PACKED_ROWS) {
        const uint32_t count = t->rows - first < PACKED_ROWS ? t->rows - first : PACKED_ROWS;
        memset(rows, 0, sizeof rows);
        for (size_t b = 0; b < t->cols / INTEGERS_BLOCK; b++, to += bytes) {
            for (uint32_t r = 0; r < count; r++)
                integers_block(t, first + r, b, &rows[r]);
            pack_block(form, rows, to);
        }
    }
}
