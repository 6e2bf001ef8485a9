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

#define AT_ONCE 8u /* blocks of a row that are read together */

/* One block of 16 rows, each AT_ONCE from the next. */
static void pack_bytes(const struct integers_block *rows, uint8_t *to)
{
    for (size_t p = 0; p < INTEGERS_BLOCK / 2; p++)
        for (size_t r = 0; r < PACKED_ROWS; r++)
            memcpy(to + (p * PACKED_ROWS + r) * 2, rows[r * AT_ONCE].w + 2 * p, 2);
}

typedef uint8_t bytes_16 __attribute__((vector_size(16)));
typedef uint32_t words_4 __attribute__((vector_size(16)));
typedef uint64_t words_2 __attribute__((vector_size(16)));

/* Sixteen values below 16, one a byte, to two words of nibbles: lanes 0 and 2. */
static words_4 nibbles_of(bytes_16 values)
{
    words_4 v = (words_4)values;        /* 3 2 1 0, a byte each */
    v |= v >> 12;                       /* . . 31 20 */
    v = (v & 0xff) | (v & 0xff00) << 8; /* . 31 . 20 */
    const words_2 pairs = (words_2)v;   /* of the four after them, too: . 75 . 64 . 31 . 20 */
    return (words_4)(pairs | pairs >> 24);
}

/* A row's four words. Adding the bias, 0 or 8, to four bits is turning the highest of them. */
static words_4 row_words(const int8_t *w, uint8_t bias)
{
    bytes_16 low, high;
    memcpy(&low, w, sizeof low);
    memcpy(&high, w + sizeof low, sizeof high);
    return __builtin_shufflevector(nibbles_of((low ^ bias) & 15), nibbles_of((high ^ bias) & 15), 0,
                                   2, 4, 6);
}

static void pack_nibbles(const struct integers_block *rows, uint8_t bias, uint8_t *to)
{
    for (size_t r = 0; r < PACKED_ROWS; r += 4) { /* four rows of four words, turned over */
        const words_4 a = row_words(rows[r * AT_ONCE].w, bias);
        const words_4 b = row_words(rows[(r + 1) * AT_ONCE].w, bias);
        const words_4 c = row_words(rows[(r + 2) * AT_ONCE].w, bias);
        const words_4 d = row_words(rows[(r + 3) * AT_ONCE].w, bias);
        const words_4 ab = __builtin_shufflevector(a, b, 0, 4, 1, 5);
        const words_4 cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
        const words_4 more_ab = __builtin_shufflevector(a, b, 2, 6, 3, 7);
        const words_4 more_cd = __builtin_shufflevector(c, d, 2, 6, 3, 7);
        const words_4 columns[4] = {__builtin_shufflevector(ab, cd, 0, 1, 4, 5),
                                    __builtin_shufflevector(ab, cd, 2, 3, 6, 7),
                                    __builtin_shufflevector(more_ab, more_cd, 0, 1, 4, 5),
                                    __builtin_shufflevector(more_ab, more_cd, 2, 3, 6, 7)};
        for (size_t i = 0; i < 4; i++)
            memcpy(to + (i * PACKED_ROWS + r) * 4, columns + i, sizeof *columns);
    }
}

static void braid_bytes(const struct integers_block *rows, uint8_t *to)
{
    for (size_t p = 0; p < INTEGERS_BLOCK; p += 2)
        for (size_t r = 0; r < PACKED_ROWS / 2; r++)
            for (size_t i = p; i < p + 2; i++) {
                *to++ = (uint8_t)(rows[r * AT_ONCE].w[i] + 128);
                *to++ = (uint8_t)rows[(r + 8) * AT_ONCE].w[i];
            }
}

static void braid_nibbles(const struct integers_block *rows, uint8_t bias, uint8_t *to)
{
    for (size_t p = 0; p < INTEGERS_BLOCK; p += 2)
        for (size_t r = 0; r < PACKED_ROWS / 4; r++)
            for (size_t i = p; i < p + 2; i++, to += 2) {
                uint32_t word = 0x8000;
                for (size_t k = 0; k < 4; k++)
                    word ^= (uint32_t)((rows[(r + 4 * k) * AT_ONCE].w[i] ^ bias) & 15) << (4 * k);
                put_le16(to, (uint16_t)word);
            }
}

static void pack_block(const struct integers_form *form, const struct integers_block *rows,
                       uint8_t *to)
{
    float line[PACKED_ROWS];
    const size_t runs = INTEGERS_BLOCK / form->run;
    for (size_t k = 0; k < runs * (form->minima ? 2 : 1); k++) {
        for (size_t r = 0; r < PACKED_ROWS; r++)
            line[r] = k < runs ? rows[r * AT_ONCE].d[k] : rows[r * AT_ONCE].m[k - runs];
        memcpy(to, line, sizeof line);
        to += sizeof line;
    }
    if (PACKED_BRAIDED && form->bits == 8)
        braid_bytes(rows, to);
    else if (PACKED_BRAIDED)
        braid_nibbles(rows, form->bias, to);
    else if (form->bits == 8)
        pack_bytes(rows, to);
    else
        pack_nibbles(rows, form->bias, to);
}

void packed_fill(const struct tensor *t, uint8_t *to)
{
    const struct integers_form *form = integers_form(t->type);
    const size_t bytes = packed_block_bytes(*form), blocks = t->cols / INTEGERS_BLOCK;
    struct integers_block rows[PACKED_ROWS * AT_ONCE];
    for (uint32_t first = 0; first < t->rows; first += PACKED_ROWS) {
        const uint32_t count = t->rows - first < PACKED_ROWS ? t->rows - first : PACKED_ROWS;
        memset(rows, 0, sizeof rows);
        for (size_t b = 0; b < blocks; b += AT_ONCE) {
            const size_t n = blocks - b < AT_ONCE ? blocks - b : AT_ONCE;
            for (uint32_t r = 0; r < count; r++)
                integers_blocks(t, first + r, b, n, rows + r * AT_ONCE);
            for (size_t i = 0; i < n; i++, to += bytes)
                pack_block(form, rows + i, to);
        }
    }
}
