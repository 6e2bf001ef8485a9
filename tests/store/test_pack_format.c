#include "base/hash64.h"
#include "store/pack_format.h"
#include "tests/store/packs_support.h"

static struct pack_record sample(void)
{
    struct pack_record r = {.kind = PACK_CHUNK,
                            .encoding = ENCODING_PLANES4,
                            .stored = 1000,
                            .length = 70000,
                            .check = UINT64_C(0x0123456789ABCDEF)};
    for (unsigned i = 0; i < DIGEST_BYTES; i++)
        r.digest.b[i] = (uint8_t)(i * 7);
    return r;
}

Test(pack_format, a_record_header_decodes_to_what_was_encoded)
{
    struct pack_record in = sample(), out = {0};
    struct err e = ERR_NONE;
    uint8_t bytes[PACK_RECORD];
    pack_record_encode(&in, bytes);
    cr_assert_eq(pack_record_decode(bytes, &out, &e), ST_OK);
    cr_expect(out.kind == in.kind && out.encoding == in.encoding && out.stored == in.stored &&
              out.length == in.length && out.check == in.check &&
              digest_equal(&out.digest, &in.digest));
}

Test(pack_format, a_record_header_has_these_bytes)
{
    /* Written by hand from the picture in pack_format.h; the last eight are XXH64 of the rest. */
    static const char expect[] = "52454331"
                                 "01"
                                 "03"
                                 "0000"
                                 "e8030000"
                                 "70110100"
                                 "00070e151c232a31383f464d545b626970777e858c939aa1a8afb6bdc4cbd2d9"
                                 "efcdab8967452301";
    struct pack_record r = sample();
    uint8_t bytes[PACK_RECORD];
    char text[2 * PACK_RECORD + 1];
    pack_record_encode(&r, bytes);
    hex_encode(text, SPAN(bytes, 56));
    cr_expect_str_eq(text, expect);
}

Test(pack_format, every_flipped_bit_of_a_record_header_is_found)
{
    struct pack_record in = sample(), out;
    uint8_t bytes[PACK_RECORD];
    pack_record_encode(&in, bytes);
    for (unsigned bit = 0; bit < PACK_RECORD * 8; bit++) {
        struct err e = ERR_NONE;
        bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1u << bit % 8);
        cr_expect_eq(pack_record_decode(bytes, &out, &e), ST_CORRUPT);
        bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1u << bit % 8);
    }
}

Test(pack_format, every_flipped_bit_of_head_and_trailer_is_found)
{
    uint8_t head[PACK_HEAD], tail[PACK_TRAILER];
    struct pack_trailer t = {.records = 3, .bytes = 5000, .chain = 77}, back = {0};
    struct err e = ERR_NONE;
    pack_head_encode(head);
    pack_trailer_encode(&t, tail);
    cr_expect_eq(pack_head_decode(head, &e), ST_OK);
    cr_expect_eq(pack_trailer_decode(tail, &back, &e), ST_OK);
    cr_expect(back.records == 3 && back.bytes == 5000 && back.chain == 77);
    for (unsigned bit = 0; bit < PACK_HEAD * 8; bit++) {
        head[bit / 8] = (uint8_t)(head[bit / 8] ^ 1u << bit % 8);
        cr_expect_neq(pack_head_decode(head, &e), ST_OK);
        head[bit / 8] = (uint8_t)(head[bit / 8] ^ 1u << bit % 8);
    }
    for (unsigned bit = 0; bit < PACK_TRAILER * 8; bit++) {
        tail[bit / 8] = (uint8_t)(tail[bit / 8] ^ 1u << bit % 8);
        cr_expect_eq(pack_trailer_decode(tail, &back, &e), ST_CORRUPT);
        tail[bit / 8] = (uint8_t)(tail[bit / 8] ^ 1u << bit % 8);
    }
}

Test(pack_format, another_version_is_unsupported_not_corrupt)
{
    uint8_t head[PACK_HEAD];
    struct err e = ERR_NONE;
    pack_head_encode(head);
    head[8] = 2;
    cr_expect_eq(pack_head_decode(head, &e), ST_UNSUPPORTED);
    cr_expect_str_eq(err_code(&e), "pack-version");
}

Test(pack_format, search_finds_a_header_behind_noise)
{
    uint8_t bytes[1000];
    struct pack_record r = sample();
    fill_random(bytes, sizeof bytes, 1);
    memcpy(bytes + 10, "REC1", 4);
    cr_expect_eq(pack_record_search(SPAN(bytes, sizeof bytes)), sizeof bytes);
    pack_record_encode(&r, bytes + 936);
    cr_expect_eq(pack_record_search(SPAN(bytes, sizeof bytes)), 936);
    cr_expect_eq(pack_record_search(SPAN(bytes, 999)), 999, "a cut header is none");
    cr_expect_eq(pack_record_search(SPAN(bytes, 0)), 0);
}

Test(pack_format, names_go_there_and_back)
{
    char name[PACK_NAME];
    uint64_t id;
    pack_name(UINT64_C(0x1f), name);
    cr_expect_str_eq(name, "000000000000001f.pack");
    cr_expect(pack_name_parse(name, &id) && id == 0x1f);
    cr_expect(!pack_name_parse("000000000000001F.pack", &id));
    cr_expect(!pack_name_parse("000000000000001f.pac", &id));
    cr_expect(!pack_name_parse("00000000000000001f.pack", &id));
    cr_expect(!pack_name_parse("", &id));
}

Test(pack_format, a_header_that_lies_under_a_right_check_is_refused_by_name)
{
    enum { MAGIC = 0, KIND = 4, ENCODING = 5, ZERO = 6, STORED = 8, LENGTH = 12, SELF = 56 };
    static const struct {
        unsigned at, bytes;
        uint32_t value;
        const char *code;
    } rows[] = {
        {MAGIC, 1, 'r', "pack-record-magic"},
        {KIND, 1, 0, "pack-record-kind"},
        {KIND, 1, PACK_DOCUMENT + 1, "pack-record-kind"},
        {ENCODING, 1, ENCODING_PLANES4 + 1, "pack-record-encoding"},
        {ENCODING, 1, ENCODING_RAW, "pack-record-length"}, /* shorter than it is raw */
        {STORED, 4, 70000, "pack-record-length"},          /* encoded, and not shorter */
        {LENGTH, 4, CODEC_LENGTH_MAX + 1, "pack-record-length"},
        {ZERO, 1, 1, "pack-record-zero"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pack_record in = sample(), out;
        struct err e = ERR_NONE;
        uint8_t bytes[PACK_RECORD];
        pack_record_encode(&in, bytes);
        if (rows[i].bytes == 1)
            bytes[rows[i].at] = (uint8_t)rows[i].value;
        else
            put_le32(bytes + rows[i].at, rows[i].value);
        put_le64(bytes + SELF, hash64(SPAN(bytes, SELF), 0));
        cr_expect_eq(pack_record_decode(bytes, &out, &e), ST_CORRUPT, "row %zu", i);
        cr_expect_str_eq(err_code(&e), rows[i].code, "row %zu", i);
    }
}

Test(pack_format, a_trailer_without_its_magic_is_none_whatever_its_check_says)
{
    struct pack_trailer in = {.records = 3, .bytes = 1000, .chain = 7}, out;
    struct err e = ERR_NONE;
    uint8_t bytes[PACK_TRAILER];
    pack_trailer_encode(&in, bytes);
    bytes[0] ^= 1;
    put_le64(bytes + 24, hash64(SPAN(bytes, 24), 0));
    cr_expect_eq(pack_trailer_decode(bytes, &out, &e), ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "pack-trailer-magic");
}
