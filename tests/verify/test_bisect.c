#include "base/files.h"
#include "base/text.h"
#include "runtime/layout.h"
#include "runtime/slm1.h"
#include "verify/bisect.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>

#define WORLD "testdata/tinyworld/"
#define CASES 12

static struct buf read_whole(const char *path)
{
    struct buf b = BUF_EMPTY;
    struct err e = ERR_NONE;
    cr_assert_eq(file_read(AT_FDCWD, path, 8u << 20, &b, &e), ST_OK, "%s", e.detail);
    return b;
}

static struct model *opened(const struct buf *file)
{
    struct model *m = NULL;
    struct err e = ERR_NONE;
    cr_assert_eq(model_open(buf_span(file), NULL, false, &m, &e), ST_OK, "%s", e.detail);
    return m;
}

static struct suite suite_of(const char *path)
{
    struct suite s;
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf text = read_whole(path);
    cr_assert_eq(suite_parse(buf_span(&text), &s, &e), ST_OK, "%s", e.detail);
    return s;
}

/* Negates every other byte of a matrix: weights that are as large as before and mean nothing. */
static void spoil(struct buf *file, size_t place)
{
    struct layout l;
    struct err e = ERR_NONE;
    uint64_t need = 0;
    cr_assert_eq(layout_parse(MODEL_FORMAT_SLM1, buf_span(file), file->n, &model_limits_default, &l,
                              &need, &e),
                 ST_OK);
    cr_assert(l.placed[place].present);
    for (uint64_t i = 0; i < l.placed[place].bytes; i += 2) {
        uint8_t *p = &file->p[l.placed[place].offset + i];
        *p = (uint8_t) - *p;
    }
    layout_release(&l);
}

static bool chosen(const size_t *places, size_t n, const char *name)
{
    bool found = false;
    for (size_t i = 0; i < n; i++) {
        char other[SLM1_NAME_MAX];
        slm1_name(places[i], other);
        found = found || text_equal(other, name);
    }
    return found;
}

Test(bisect, one_to_three_spoiled_tensors_are_named_in_ten_of_ten)
{
    static const enum tensor_role roles[] = {ROLE_WQ, ROLE_WK, ROLE_WV, ROLE_WO,
                                             ROLE_W1, ROLE_W2, ROLE_W3};
    SCOPED(buf_release) struct buf good = read_whole(WORLD "tinyworld-1.1.slm");
    struct suite s = suite_of(WORLD "tinyworld-pairs.jsonl");
    uint64_t x = 7;
    for (size_t k = 0; k < 10; k++) {
        SCOPED(buf_release) struct buf bad = read_whole(WORLD "tinyworld-1.1.slm");
        size_t places[3], n = 1 + k % 3;
        for (size_t i = 0; i < n; i++) {
            do {
                x = x * 6364136223846793005u + 1442695040888963407u;
                places[i] = plan_index(roles[(x >> 33) % 7], (uint32_t)(x >> 50) % 4);
            } while ((i > 0 && places[i] == places[0]) || (i > 1 && places[i] == places[1]));
            spoil(&bad, places[i]);
        }
        struct model *a = opened(&good), *b = opened(&bad);
        struct bisect_result r;
        struct err e = ERR_NONE;
        cr_assert_eq(bisect(a, b, &s, CASES, &r, &e), ST_OK, "%zu: %s", k, e.detail);
        cr_expect_lt(r.restored, r.bad);
        for (size_t i = 0; i < r.n; i++) {
            bool was = chosen(places, n, r.of[i].name);
            cr_expect_eq(r.of[i].differs, was, "%zu: %s", k, r.of[i].name);
            cr_expect(was || !r.of[i].carries, "%zu: %s was not spoiled", k, r.of[i].name);
            cr_expect(!was || r.of[i].carries, "%zu: %s was spoiled, cost %f", k, r.of[i].name,
                      r.of[i].cost);
        }
        bisect_release(&r);
        model_close(a);
        model_close(b);
    }
    suite_release(&s);
}

Test(bisect, what_is_not_worse_or_not_alike_is_refused)
{
    SCOPED(buf_release) struct buf good = read_whole(WORLD "tinyworld-1.1.slm");
    SCOPED(buf_release) struct buf tiny = read_whole("testdata/models/tiny-q8_0.slm");
    struct suite s = suite_of(WORLD "tinyworld-text.jsonl");
    struct model *a = opened(&good), *b = opened(&tiny);
    struct bisect_result r;
    struct err e = ERR_NONE;
    cr_expect_eq(bisect(a, a, &s, 2, &r, &e), ST_USAGE);
    cr_expect_str_eq(err_code(&e), "bisect-not-worse");
    e = ERR_NONE;
    cr_expect_eq(bisect(a, b, &s, 2, &r, &e), ST_MODEL_SHAPE);
    struct suite battery = suite_of(WORLD "tinyworld-battery.jsonl");
    e = ERR_NONE;
    cr_expect_eq(bisect(a, a, &battery, 2, &r, &e), ST_USAGE);
    suite_release(&battery);
    suite_release(&s);
    model_close(a);
    model_close(b);
}
