#include "base/canon.h"
#include "base/heap.h"
#include <criterion/criterion.h>
#include <string.h>

static const struct {
    const char *in, *out;
} row[] = {
    {" { \"b\" : 1 , \"a\" : [ 1 , 2 ] } ", "{\"a\":[1,2],\"b\":1}"},
    {"{}", "{}"},
    {"[]", "[]"},
    {"[[],{},[{}]]", "[[],{},[{}]]"},
    {"null", "null"},
    {"-0", "0"},
    {"[true,false,null,-9007199254740991]", "[true,false,null,-9007199254740991]"},
    {"\"\\u0041\\/\\u001F\\u007f\\u00e9\\n\"", "\"A/\\u001f\x7F\xC3\xA9\\n\""},
    {"\"\\b\\f\\r\\t\\\"\\\\\"", "\"\\b\\f\\r\\t\\\"\\\\\""},
    /* UTF-16 order: U+1F600 (D83D DE00) before U+FB33, although its UTF-8 bytes are greater. */
    {"{\"\\ufb33\":1,\"\\ud83d\\ude00\":2,\"\\u20ac\":3,\"1\":4,\"\\r\":5,\"\\u0080\":6,"
     "\"\\u00f6\":7}",
     "{\"\\r\":5,\"1\":4,\"\xC2\x80\":6,\"\xC3\xB6\":7,\"\xE2\x82\xAC\":3,\"\xF0\x9F\x98\x80\":2,"
     "\"\xEF\xAC\xB3\":1}"},
    {"{\"ab\":1,\"a\":2,\"\":3,\"b\":4,\"B\":5}", "{\"\":3,\"B\":5,\"a\":2,\"ab\":1,\"b\":4}"},
    {"{\"\\ud83d\\ude01\":1,\"\\ud83d\\ude00\":2}",
     "{\"\xF0\x9F\x98\x80\":2,\"\xF0\x9F\x98\x81\":1}"},
    {"{\"x\":{\"d\":{\"f\":1,\"e\":2},\"c\":[{\"b\":1,\"a\":2}]}}",
     "{\"x\":{\"c\":[{\"a\":2,\"b\":1}],\"d\":{\"e\":2,\"f\":1}}}"},
};

Test(canon, every_value_has_one_form)
{
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        SCOPED(buf_release) struct buf out = BUF_EMPTY;
        SCOPED(buf_release) struct buf again = BUF_EMPTY;
        struct err e = ERR_NONE;
        cr_assert_eq(canon_text(span_text(row[i].in), &out, &e), ST_OK, "row %zu: %s", i, e.detail);
        cr_expect(span_equal(buf_span(&out), span_text(row[i].out)), "row %zu: %.*s", i, (int)out.n,
                  (char *)out.p);
        cr_expect_eq(canon_text(buf_span(&out), &again, &e), ST_OK);
        cr_expect(span_equal(buf_span(&again), buf_span(&out)), "row %zu is not stable", i);
    }
}

Test(canon, a_text_must_be_its_own_form)
{
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        SCOPED(json_scope) struct json *root = NULL;
        struct err e = ERR_NONE;
        bool same = strcmp(row[i].in, row[i].out) == 0;
        cr_expect_eq(canon_parse(span_text(row[i].in), 1000, &root, &e), same ? ST_OK : ST_FORMAT,
                     "row %zu", i);
        cr_expect((root != NULL) == same);
        if (!same)
            cr_expect_str_eq(err_code(&e), "not-canonical");
    }
}

Test(canon, the_first_departure_is_named)
{
    struct json *root = NULL;
    struct err e = ERR_NONE;
    cr_expect_eq(canon_parse(span_text("{\"a\":1, \"b\":2}"), 100, &root, &e), ST_FORMAT);
    cr_expect_eq(e.offset, 7u);
    cr_expect_eq(canon_parse(span_text("[1]\n"), 100, &root, &e), ST_FORMAT);
    cr_expect_eq(e.offset, 3u);
    cr_expect_eq(canon_parse(span_text("[1.5]"), 100, &root, &e), ST_FORMAT);
    cr_expect_str_eq(err_code(&e), "json-not-integer");
}

Test(canon, a_full_buf_is_an_error)
{
    char small[4];
    struct buf out = buf_over(small, sizeof small);
    struct err e = ERR_NONE;
    cr_expect_eq(canon_text(span_text("[1,2,3]"), &out, &e), ST_OUTPUT_EXCEEDED);
}

Test(canon, every_allocation_may_fail)
{
    enum status st;
    uint64_t n = 0;
    do {
        SCOPED(buf_release) struct buf out = BUF_EMPTY;
        struct err e = ERR_NONE;
        heap_fail_at(++n, 0);
        st = canon_text(span_text("{\"b\":{\"d\":1,\"c\":[{\"z\":1,\"y\":2}]},\"a\":2}"), &out, &e);
        cr_assert(st == ST_OK || st == ST_NO_MEMORY, "allocation %llu", (unsigned long long)n);
    } while (st != ST_OK);
    heap_fail_at(0, 0);
}
