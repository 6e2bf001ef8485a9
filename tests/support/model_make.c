#include "tests/support/model_make.h"
#include <assert.h>
#include <string.h>

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

float make_value(const char *name, uint32_t row, uint32_t col)
{
    uint64_t h = mix(slm1_name_hash(name) + mix((uint64_t)row << 32 | col));
    float unit = (float)(h >> 40) / 8388608.0f - 1.0f; /* −1…1 in steps of 2^-23 */
    return strstr(name, "norm") != NULL ? 1.0f + unit / 4 : unit / 4;
}

static enum status make_row(void *ctx, const char *name, uint32_t row, uint32_t cols, float *out,
                            struct err *e)
{
    (void)ctx, (void)e;
    for (uint32_t i = 0; i < cols; i++)
        out[i] = make_value(name, row, i);
    return ST_OK;
}

const struct slm1_values make_values = {.row = make_row};

struct span make_bpe(void)
{
    static uint8_t section[36 + 10 + 11 + 32];
    static const uint32_t header[] = {1, 262, 256, 257, 258, 259, 2, 2};
    static const uint32_t merges[] = {'t', 'h', 260, 0, 260, 'e', 261, 1};
    struct buf b = buf_over(section, sizeof section);
    uint8_t word[4];
    buf_text(&b, "BPE1");
    for (size_t i = 0; i < 8; i++) {
        put_le32(word, header[i]);
        buf_append(&b, SPAN(word, 4));
    }
    buf_append(&b, SPAN("\x04\x01\0\0\x02\0\0\0th", 10));
    buf_append(&b, SPAN("\x05\x01\0\0\x03\0\0\0the", 11));
    for (size_t i = 0; i < 8; i++) {
        put_le32(word, merges[i]);
        buf_append(&b, SPAN(word, 4));
    }
    assert(!b.failed && b.n == sizeof section);
    return SPAN(section, sizeof section);
}

struct slm1_spec make_slm1_spec(const struct make *m)
{
    bool tiny = m->tiny;
    uint32_t heads = tiny ? 2 : 4;
    return (struct slm1_spec){
        .shape = {.vocab = m->bpe ? 262 : 260,
                  .hidden = tiny ? 8 : 32,
                  .layers = m->layers != 0 ? m->layers
                            : tiny         ? 1
                                           : 2,
                  .heads = heads,
                  .kv_heads = m->kv_heads != 0 ? m->kv_heads : heads,
                  .head_dim = tiny ? 4 : 8,
                  .ffn = tiny ? 24 : 64,
                  .context = m->context != 0 ? m->context : 64,
                  .rope_theta = 10000.0f,
                  .rms_epsilon = 1e-5f,
                  .tied = m->tied},
        .tokenizer = m->bpe ? make_bpe() : slm1_btok(),
        .dtype = m->dtype == MAKE_F32    ? SLM1_F32
                 : m->dtype == MAKE_Q8_0 ? SLM1_Q8_0
                                         : SLM1_Q4_0,
        .whole = m->whole,
        .block = tiny ? 8 : 16,
    };
}

static enum status append(void *ctx, struct span bytes, struct err *e)
{
    (void)e;
    buf_append(ctx, bytes);
    return buf_status(ctx);
}

struct buf make_slm1(const struct make *m)
{
    assert(m->dtype != MAKE_F16);
    struct slm1_spec spec = make_slm1_spec(m);
    struct buf file = BUF_EMPTY;
    struct err e = ERR_NONE;
    enum status st = slm1_write(&spec, &make_values, (struct sink){append, &file}, &e);
    assert(st == ST_OK);
    (void)st;
    return file;
}

void make_resum(struct buf *slm1)
{
    struct slm1_sum sum = slm1_sum_start();
    slm1_sum_add(&sum, buf_span(slm1));
    put_le64(slm1->p + SLM1_CHECKSUM_AT, slm1_sum_finish(&sum));
}
