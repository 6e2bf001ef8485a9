/* Every damaged model, and every length of a whole one: scan and open refuse it alike. */
#include "base/text.h"
#include "tests/support/model_bad.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As the file is: from memory that ends where it ends, so that a read past it is seen. */
static enum status open_whole(struct span file, struct err *e)
{
    SCOPED(model_scope) struct model *m = NULL;
    return model_open(file, NULL, true, &m, e);
}

static enum status scan_pieces(enum model_format format, struct span file, size_t piece,
                               struct err *e)
{
    SCOPED(scan_scope) struct scan *s = NULL;
    enum status st = scan_open(format, file.n, NULL, &s, e);
    for (size_t at = 0; at < file.n && st == ST_OK; at += piece)
        st = scan_feed(s, SPAN(file.p + at, file.n - at < piece ? file.n - at : piece), e);
    return st == ST_OK ? scan_end(s, e) : st;
}

static bool same(const struct err *a, const struct err *b)
{
    return a->status == b->status && a->offset == b->offset && strcmp(a->code, b->code) == 0 &&
           strcmp(a->stage, b->stage) == 0 && strcmp(a->detail, b->detail) == 0;
}

/* Fills *out with the refusal that all ways agree on (status ST_OK: none). model_open goes by the
 * magic, so a file of another one is scanned only. */
static void refuse_all_ways(enum model_format format, struct span file, const char *name,
                            struct err *out)
{
    static const size_t pieces[] = {1, 7, 4096, SIZE_MAX / 2};
    bool gguf = file.n >= 4 && memcmp(file.p, "GGUF", 4) == 0;
    *out = ERR_NONE;
    enum status st = scan_pieces(format, file, SIZE_MAX / 2, out);
    for (size_t i = 0; i < 3; i++) {
        struct err e = ERR_NONE;
        cr_assert_eq(scan_pieces(format, file, pieces[i], &e), st, "%s in pieces of %zu", name,
                     pieces[i]);
        cr_assert(st == ST_OK || same(&e, out), "%s: %s at %llu, in pieces of %zu %s at %llu", name,
                  out->code, (unsigned long long)out->offset, pieces[i], e.code,
                  (unsigned long long)e.offset);
    }
    if ((format == MODEL_FORMAT_GGUF) != gguf)
        return;
    struct err e = ERR_NONE;
    cr_assert_eq(open_whole(file, &e), st, "%s opened: %s", name, e.code);
    cr_assert(st == ST_OK || same(&e, out), "%s: scanned %s at %llu, opened %s at %llu", name,
              out->code, (unsigned long long)out->offset, e.code, (unsigned long long)e.offset);
}

/* malloc'ed to the byte, for the sanitizer's sake. */
static struct span exact_copy(const struct buf *b)
{
    uint8_t *p = malloc(b->n + (b->n == 0));
    if (b->n > 0)
        memcpy(p, b->p, b->n);
    return SPAN(p, b->n);
}

Test(refusals, each_defect_is_refused_with_its_code_however_the_file_comes)
{
    for (size_t i = 0; i < bad_count(); i++) {
        const struct bad *b = bad_at(i);
        SCOPED(buf_release) struct buf made = bad_make(b);
        struct span file = exact_copy(&made);
        struct err e;
        refuse_all_ways(bad_format(b), file, b->name, &e);
        cr_expect_neq(e.status, ST_OK, "%s was taken", b->name);
        if (e.status != ST_OK) {
            cr_expect_str_eq(e.code, b->code, "%s: %s, %s", b->name, e.code, e.detail);
            cr_expect_eq(status_exit(e.status), 7, "%s", b->name);
            cr_expect_neq(e.offset, ERR_NO_OFFSET, "%s", b->name);
        }
        free((void *)(uintptr_t)file.p);
    }
}

static void check_prefixes(enum model_format format, struct buf whole, size_t step)
{
    SCOPED(buf_release) struct buf owned = whole;
    struct err e;
    refuse_all_ways(format, buf_span(&owned), "whole", &e);
    cr_assert_eq(e.status, ST_OK, "%s: %s", e.code, e.detail);
    for (size_t n = 0; n < owned.n; n += n < 3000 ? 1 : step) {
        char name[32];
        snprintf(name, sizeof name, "first %zu", n);
        struct buf cut = {.p = owned.p, .n = n};
        struct span file = exact_copy(&cut);
        refuse_all_ways(format, file, name, &e);
        cr_assert_neq(e.status, ST_OK, "%s bytes were taken", name);
        free((void *)(uintptr_t)file.p);
    }
}

Test(refusals, an_slm1_file_cut_anywhere_is_refused)
{
    check_prefixes(MODEL_FORMAT_SLM1, make_slm1(&(struct make){.tiny = true, .dtype = MAKE_Q4_0}),
                   1);
    check_prefixes(MODEL_FORMAT_SLM1, make_slm1(&(struct make){.tiny = true, .bpe = true}), 1);
}

Test(refusals, a_gguf_file_cut_anywhere_is_refused)
{
    check_prefixes(MODEL_FORMAT_GGUF, make_gguf(&(struct make){.tiny = true}), 1);
    check_prefixes(MODEL_FORMAT_GGUF, make_gguf(&(struct make){.dtype = MAKE_Q8_0}), 997);
}

Test(refusals, a_flipped_bit_of_an_slm1_file_never_passes)
{
    SCOPED(buf_release)
    struct buf f = make_slm1(&(struct make){.tiny = true, .dtype = MAKE_Q4_0, .bpe = true});
    for (size_t i = 0; i < f.n; i++) {
        f.p[i] ^= (uint8_t)(1u << i % 8);
        struct err e = ERR_NONE;
        cr_assert_neq(open_whole(buf_span(&f), &e), ST_OK, "bit %zu of byte %zu", i % 8, i);
        f.p[i] ^= (uint8_t)(1u << i % 8);
    }
}

Test(refusals, limits_are_kept)
{
    SCOPED(buf_release) struct buf slm1 = make_slm1(&(struct make){.tiny = true});
    SCOPED(buf_release) struct buf gguf = make_gguf(&(struct make){.tiny = true});
    SCOPED(model_scope) struct model *m = NULL;
    struct model_limits small = {.file_bytes = 1000, .head_bytes = 1 << 20};
    struct model_limits narrow = {.file_bytes = 1 << 20, .head_bytes = 500};
    struct err e = ERR_NONE;
    cr_expect_eq(model_open(buf_span(&slm1), &small, true, &m, &e), ST_MODEL_HEADER);
    cr_expect_str_eq(e.code, "slm1-file-limit");
    cr_expect_eq(model_open(buf_span(&gguf), &small, true, &m, &e), ST_MODEL_HEADER);
    cr_expect_str_eq(e.code, "gguf-file-limit");
    cr_expect_eq(model_open(buf_span(&slm1), &narrow, true, &m, &e), ST_MODEL_HEADER);
    cr_expect_str_eq(e.code, "slm1-head-limit");
    cr_expect_eq(model_open(buf_span(&gguf), &narrow, true, &m, &e), ST_MODEL_HEADER);
    cr_expect_str_eq(e.code, "gguf-head-limit");
}

Test(refusals, values_go_unchecked_only_when_asked)
{
    for (size_t i = 0; i < bad_count(); i++) {
        const struct bad *b = bad_at(i);
        if (strstr(b->name, "value-nan") == NULL)
            continue;
        SCOPED(buf_release) struct buf file = bad_make(b);
        SCOPED(model_scope) struct model *m = NULL;
        struct err e = ERR_NONE;
        cr_expect_eq(model_open(buf_span(&file), NULL, false, &m, &e), ST_OK);
    }
}
