#include "store/chunker.h"
#include "store/codec.h"
#include "tests/store/packs_support.h"

static struct codec *open_codec(void)
{
    struct codec *c = NULL;
    struct err e = ERR_NONE;
    cr_assert_eq(codec_open(&c, &e), ST_OK);
    return c;
}

/* Encodes, decodes, compares; returns the encoding. */
static enum encoding round_trip(struct span in, size_t *stored)
{
    struct codec *c = open_codec();
    struct err e = ERR_NONE;
    uint8_t *out = fresh(in.n), *back = fresh(in.n);
    enum encoding how = codec_encode(c, in, out, stored);
    cr_expect(*stored <= in.n);
    cr_expect_eq(codec_decode(c, how, SPAN(out, *stored), back, in.n, &e), ST_OK);
    cr_expect(span_equal(SPAN(back, in.n), in));
    heap_free(out);
    heap_free(back);
    codec_close(c);
    return how;
}

Test(codec, each_kind_of_data_gets_its_encoding)
{
    size_t n = 64u << 10, stored;
    uint8_t *p = fresh(n);
    fill_random(p, n, 1);
    cr_expect_eq(round_trip(SPAN(p, n), &stored), ENCODING_RAW);
    memset(p, 'a', n);
    cr_expect_eq(round_trip(SPAN(p, n), &stored), ENCODING_ZSTD);
    cr_expect(stored < 100);
    fill_floats(p, n, 2, 2);
    cr_expect_eq(round_trip(SPAN(p, n), &stored), ENCODING_PLANES2);
    cr_expect(stored < n * 65 / 100);
    fill_floats(p, n, 4, 3);
    cr_expect_eq(round_trip(SPAN(p, n), &stored), ENCODING_PLANES4);
    cr_expect(stored < n * 83 / 100);
    heap_free(p);
}

Test(codec, every_length_comes_back)
{
    static const size_t lengths[] = {
        0,    1,    2,    3,         63,        64,    65,    4095,          4096,
        8191, 8192, 8193, CHUNK_MIN, CHUNK_MAX, 65534, 65535, CHUNK_MAX - 1, CHUNK_MAX + 1};
    uint8_t *p = fresh(CHUNK_MAX + 1);
    for (unsigned width = 1; width <= 4; width++) {
        fill_floats(p, CHUNK_MAX + 1, width, width);
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
            size_t stored;
            round_trip(SPAN(p, lengths[i]), &stored);
        }
    }
    heap_free(p);
}

Test(codec, a_repeated_random_block_is_found)
{
    size_t n = 128u << 10, stored;
    uint8_t *p = fresh(n);
    fill_random(p, n / 2, 1);
    memcpy(p + n / 2, p, n / 2);
    cr_expect_eq(round_trip(SPAN(p, n), &stored), ENCODING_ZSTD);
    cr_expect(stored < n * 6 / 10);
    heap_free(p);
}

Test(codec, a_damaged_encoding_is_refused_or_of_the_right_length)
{
    struct codec *c = open_codec();
    size_t n = 16u << 10;
    uint8_t *p = fresh(n), *out = fresh(n), *back = fresh(n);
    for (unsigned width = 1; width <= 4; width *= 2) {
        fill_floats(p, n, width, width);
        size_t stored;
        enum encoding how = codec_encode(c, SPAN(p, n), out, &stored);
        for (size_t at = 0; at < stored; at += 1 + at / 16) {
            struct err e = ERR_NONE;
            out[at] ^= 0x10;
            enum status st = codec_decode(c, how, SPAN(out, stored), back, n, &e);
            cr_expect(st == ST_OK || (st == ST_CORRUPT && strncmp(e.code, "encoding-", 9) == 0));
            out[at] ^= 0x10;
        }
        for (size_t cut = 0; cut < 40; cut++) {
            struct err e = ERR_NONE;
            cr_expect_eq(codec_decode(c, how, SPAN(out, cut), back, n, &e), ST_CORRUPT);
        }
    }
    heap_free(p);
    heap_free(out);
    heap_free(back);
    codec_close(c);
}

Test(codec, planes_reaching_past_the_record_are_refused)
{
    struct codec *c = open_codec();
    struct err e = ERR_NONE;
    uint8_t in[64] = {0}, out[64];
    put_le32(in, 0x7FFFFFFF);
    put_le32(in + 4, UINT32_C(0x80000000) | 16);
    cr_expect_eq(codec_decode(c, ENCODING_PLANES2, SPAN(in, sizeof in), out, 32, &e), ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "encoding-plane");
    put_le32(in, UINT32_C(0x80000000) | 15);
    e = ERR_NONE;
    cr_expect_eq(codec_decode(c, ENCODING_PLANES2, SPAN(in, sizeof in), out, 32, &e), ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "encoding-plane");
    put_le32(in, UINT32_C(0x80000000) | 16);
    cr_expect_eq(codec_decode(c, ENCODING_PLANES2, SPAN(in, 40), out, 32, &e), ST_OK);
    cr_expect_eq(codec_decode(c, ENCODING_PLANES2, SPAN(in, 41), out, 32, &e), ST_CORRUPT,
                 "a byte too many");
    cr_expect_eq(codec_decode(c, (enum encoding)9, SPAN(in, 41), out, 32, &e), ST_CORRUPT);
    codec_close(c);
}

Test(codec, each_lie_about_an_encoding_has_its_name)
{
    struct codec *c = open_codec();
    struct err e = ERR_NONE;
    uint8_t in[64] = {0}, out[65];
    cr_expect_eq(codec_decode(c, ENCODING_RAW, SPAN(in, 63), out, 64, &e), ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "encoding-length");
    e = ERR_NONE;
    cr_expect_eq(codec_decode(c, ENCODING_ZSTD, SPAN(in, sizeof in), out, 64, &e), ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "encoding-frame");
    codec_close(c);
}

Test(codec, planes_longer_than_any_that_are_made_are_refused_before_they_are_split)
{
    struct codec *c = open_codec();
    struct err e = ERR_NONE;
    const size_t n = CODEC_LENGTH_MAX;
    uint8_t *in = fresh(n + 8), *out = fresh(n);
    put_le32(in, UINT32_C(0x80000000) | (uint32_t)(n / 2));
    put_le32(in + 4, UINT32_C(0x80000000) | (uint32_t)(n / 2));
    cr_expect_eq(codec_decode(c, ENCODING_PLANES2, SPAN(in, n + 8), out, n, &e), ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "encoding-length");
    heap_free(in);
    heap_free(out);
    codec_close(c);
}
