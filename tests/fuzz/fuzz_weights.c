/* The runtime on models whose bytes were damaged: what opens, generates or says why not. A model
 * that is refused only for its values (NaN, infinite, a scale of zero) is opened unchecked as well,
 * as a verified one would be.
 *
 * libFuzzer's mutator damages payloads most of the time, the front sometimes. SLM1's checksum is
 * made right before the bytes are opened. */
#include "base/heap.h"
#include "runtime/session.h"
#include "runtime/slm1.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/reach.h"
#include <assert.h>
#include <string.h>

static void use(const struct model *m)
{
    SCOPED(session_scope) struct session *s = NULL;
    struct err e = ERR_NONE;
    struct generation got;
    const struct sampling hot = {.temperature = 0.8f, .top_k = 7, .top_p = 0.9f, .seed = 3};
    double sum;
    uint64_t tokens;
    enum status st = session_open(m, &s, &e);
    assert(st == ST_OK);
    reach_depth(1);
    st = session_generate(s, span_text("then on"), 3, NULL, &got, &e);
    assert(st == ST_OK || st == ST_GENERATION_FAILED || st == ST_INVALID_UTF8 ||
           st == ST_CONTEXT_EXCEEDED || st == ST_INVALID_LENGTH);
    for (size_t i = 0; i < got.token_count; i++)
        assert(got.token_ids[i] < model_facts(m)->shape.vocab);
    st = session_configure(s, &hot, &e);
    assert(st == ST_OK);
    st = session_generate(s, span_text("a"), 2, NULL, &got, &e);
    st = session_score(s, span_text("on the"), &sum, &tokens, &e);
    assert(st != ST_OK || sum <= 0.0);
}

static bool wide(const struct model_facts *f)
{
    return f->shape.context > 4096 || f->shape.layers > 64 || f->shape.hidden > 4096;
}

static void repair(uint8_t *p, size_t size)
{
    if (size <= SLM1_HEADER_BYTES || memcmp(p, "SLM1", 4) != 0)
        return;
    struct slm1_sum sum = slm1_sum_start();
    slm1_sum_add(&sum, SPAN(p, size));
    put_le64(p + SLM1_CHECKSUM_AT, slm1_sum_finish(&sum));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const depths[REACH_DEPTHS] = {"computed with their tensors"};
    SCOPED(heap_scope) uint8_t *copy = heap_aligned(64, size); /* as a mapped file is */
    SCOPED(model_scope) struct model *m = NULL;
    struct err e = ERR_NONE;
    reach_run("weights", depths);
    assert(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    repair(copy, size);
    enum status st = model_open(SPAN(copy, size), NULL, true, &m, &e);
    if (st != ST_OK && e.stage != NULL && strcmp(e.stage, "values") == 0)
        st = model_open(SPAN(copy, size), NULL, false, &m, &e);
    if (st == ST_OK && !wide(model_facts(m)))
        use(m);
    return 0;
}

#ifdef ASSAY_LIBFUZZER
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t cap);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t cap, unsigned seed);

static unsigned draw(unsigned *seed, unsigned below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % (below > 0 ? below : 1);
}

/* Bit patterns that are hard on floats. */
static const uint32_t hard[] = {0x7fc00000u, 0x7f800000u, 0xff800000u, 0x00000001u, 0x807fffffu,
                                0x80000000u, 0x7f7fffffu, 0xff7fffffu, 0x7c007c00u, 0x7bff0001u};

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t cap, unsigned seed)
{
    (void)cap;
    if (size < 256)
        return size;
    /* The front is a smaller part of the file than its back. */
    size_t front = size / 2, at, n;
    if (draw(&seed, 8) == 0) {
        at = draw(&seed, (unsigned)front);
        n = 1 + draw(&seed, 8);
    } else {
        at = front + draw(&seed, (unsigned)(size - front));
        n = 1 + draw(&seed, 64);
    }
    n = n < size - at ? n : size - at;
    if (draw(&seed, 3) == 0 && n >= 4)
        put_le32(data + at, hard[draw(&seed, sizeof hard / sizeof *hard)]);
    else
        (void)LLVMFuzzerMutate(data + at, n, n);
    return size;
}
#endif
