#include "tests/models/matrix.h"

#define LANES 8
#define ROWS  4 /* a tile is ROWS × 2 vectors: eight running sums keep both adders busy */
#define COLS  (2 * LANES)
#define AVX2  __attribute__((target("avx2")))

typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));
typedef float loose __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));

AVX2 static inline lanes load(const float *p)
{
    return *(const loose *)p;
}

AVX2 static inline void store(float *p, lanes v)
{
    *(loose *)p = v;
}

AVX2 static void tile(size_t k, struct view a, struct view b, struct view c, bool add)
{
    lanes sum[ROWS][2];
    for (size_t i = 0; i < ROWS; i++)
        for (size_t h = 0; h < 2; h++)
            sum[i][h] = add ? load(c.p + i * c.row + h * LANES) : (lanes){0};
    for (size_t t = 0; t < k; t++) {
        lanes left = load(b.p + t * b.row), right = load(b.p + t * b.row + LANES);
        for (size_t i = 0; i < ROWS; i++) {
            float x = a.p[i * a.row + t * a.col];
            lanes w = {x, x, x, x, x, x, x, x};
            sum[i][0] += w * left;
            sum[i][1] += w * right;
        }
    }
    for (size_t i = 0; i < ROWS; i++)
        for (size_t h = 0; h < 2; h++)
            store(c.p + i * c.row + h * LANES, sum[i][h]);
}

/* What is left beside the tiles, in the same order of k. */
static void edge(size_t m, size_t n, size_t k, struct view a, struct view b, struct view c,
                 bool add)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            float sum = add ? c.p[i * c.row + j] : 0.0f;
            for (size_t t = 0; t < k; t++)
                sum += a.p[i * a.row + t * a.col] * b.p[t * b.row + j];
            c.p[i * c.row + j] = sum;
        }
}

static struct view at(struct view v, size_t i, size_t j)
{
    v.p += i * v.row + j * v.col;
    return v;
}

void multiply(size_t m, size_t n, size_t k, struct view a, struct view b, struct view c, bool add)
{
    size_t whole_m = m - m % ROWS, whole_n = n - n % COLS;
    for (size_t j = 0; j < whole_n; j += COLS)
        for (size_t i = 0; i < whole_m; i += ROWS)
            tile(k, at(a, i, 0), at(b, 0, j), at(c, i, j), add);
    if (whole_n < n)
        edge(m, n - whole_n, k, a, at(b, 0, whole_n), at(c, 0, whole_n), add);
    if (whole_m < m)
        edge(m - whole_m, whole_n, k, at(a, whole_m, 0), b, at(c, whole_m, 0), add);
}
