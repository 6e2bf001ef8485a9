#include "base/canon.h"
#include "base/heap.h"
#include "base/json.h"
#include "base/text.h"
#include <criterion/criterion.h>
#include <string.h>

static struct json *parsed(const char *text)
{
    struct json *root = NULL;
    struct err e = ERR_NONE;
    cr_assert_eq(json_parse(span_text(text), 1 << 20, &root, &e), ST_OK, "%s: %s", text, e.detail);
    return root;
}

Test(json, a_tree_is_read_back)
{
    SCOPED(json_scope)
    struct json *root = parsed(" {\"s\":\"x\\u00e9\\ud83d\\ude00\", \"n\":-7, "
                               "\"a\":[1,[],{\"k\":null}], \"t\":true, \"f\":false} ");
    int64_t i;
    uint64_t u;
    bool b;
    cr_expect_eq(json_kind(root), JSON_OBJECT);
    cr_expect_eq(json_count(root), 5u);
    cr_expect_str_eq(json_as_string(json_get(root, "s")), "x\xC3\xA9\xF0\x9F\x98\x80");
    cr_expect(json_as_i64(json_get(root, "n"), &i) && i == -7);
    cr_expect(!json_as_u64(json_get(root, "n"), &u));
    const struct json *a = json_get(root, "a");
    cr_expect_eq(json_count(a), 3u);
    cr_expect(json_as_u64(json_at(a, 0), &u) && u == 1);
    cr_expect_eq(json_kind(json_at(a, 1)), JSON_ARRAY);
    cr_expect_eq(json_kind(json_get(json_at(a, 2), "k")), JSON_NULL);
    cr_expect_not_null(json_get(json_at(a, 2), "k"));
    cr_expect(json_as_bool(json_get(root, "t"), &b) && b);
    cr_expect(json_as_bool(json_get(root, "f"), &b) && !b);
}

Test(json, members_keep_the_order_of_the_file)
{
    SCOPED(json_scope) struct json *root = parsed("{\"z\":1,\"a\":2,\"m\":3}");
    const struct json *value;
    uint64_t v;
    cr_expect_str_eq(json_member(root, 0, &value), "z");
    cr_expect(json_as_u64(value, &v) && v == 1);
    cr_expect_str_eq(json_member(root, 2, NULL), "m");
    cr_expect_null(json_member(root, 3, &value));
    cr_expect_null(value);
}

Test(json, asking_the_wrong_kind_gives_nothing)
{
    SCOPED(json_scope) struct json *root = parsed("[1]");
    bool b;
    int64_t i;
    cr_expect_null(json_get(root, "a"));
    cr_expect_null(json_at(root, 1));
    cr_expect_null(json_as_string(root));
    cr_expect_null(json_member(root, 0, NULL));
    cr_expect(!json_as_bool(root, &b) && !json_as_i64(NULL, &i));
    cr_expect_eq(json_kind(NULL), JSON_NULL);
    cr_expect_eq(json_count(NULL), 0u);
}

static const struct {
    const char *text, *code;
    uint64_t offset;
} bad[] = {
    {"{\"a\":1,\"a\":2}", "json-duplicate-key", 10},
    {"{\"b\":[{\"a\":1,\"\\u0061\":2}]}", "json-duplicate-key", 21},
    {"[1e3]", "json-not-integer", 1},
    {"[1,2.0]", "json-not-integer", 3},
    {"[-1E1]", "json-not-integer", 1},
    {"9007199254740992", "json-integer-range", 0},
    {"[0,-9007199254740992]", "json-integer-range", 3},
    {"[99999999999999999999999]", "json-integer-range", 1},
    {"\"\\ud800\"", "json-syntax", 8},
    {"\"\\udc00\\ud800\"", "json-syntax", 14},
    {"\"a\\u0000b\"", "json-nul", 10},
    {"{\"a\\u0000b\":1}", "json-nul", 11},
    {"[1] 2", "json-trailing", 5},
    {"{}x", "json-trailing", 3},
    {"\"a\xFF\"", "json-utf8", 2},
    {"\"\xC0\x80\"", "json-utf8", 1},
    {"\"\xED\xA0\x80\"", "json-utf8", 1},
    {"", "json-truncated", 0},
    {"[1,", "json-truncated", 3},
    {"\"abc", "json-truncated", 4},
    {"[1,]", "json-syntax", 4},
    {"{'a':1}", "json-syntax", 2},
    {"01", "json-syntax", 1},
    {"-", "json-syntax", 1},
    {"[+1]", "json-syntax", 2},
    {"nul", "json-syntax", 0},
    {"NaN", "json-syntax", 0},
    {"\"a\nb\"", "json-syntax", 2},
    {"/**/1", "json-syntax", 0},
    {"\xEF\xBB\xBF{}", "json-syntax", 0},
    {"schema: x/1\nvalues: [1.5]", "json-syntax", 0},
    {" \n true1.5", "json-not-integer", 7},
};

Test(json, what_is_not_strict_is_refused_with_its_place)
{
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct json *root = (struct json *)(uintptr_t)1;
        struct err e = ERR_NONE;
        cr_expect_eq(json_parse(span_text(bad[i].text), 1 << 20, &root, &e), ST_FORMAT, "%s",
                     bad[i].text);
        cr_expect_null(root);
        cr_expect_str_eq(err_code(&e), bad[i].code, "%s: %s", bad[i].text, e.detail);
        cr_expect_eq(e.offset, bad[i].offset, "%s: at %llu", bad[i].text,
                     (unsigned long long)e.offset);
        cr_expect_str_eq(e.stage, "json");
    }
}

Test(json, a_raw_nul_is_refused_wherever_it_stands)
{
    static const char text[] = "{\"a\":1}";
    for (size_t at = 0; at <= sizeof text - 1; at++) {
        char with[sizeof text];
        memcpy(with, text, at);
        with[at] = 0;
        memcpy(with + at + 1, text + at, sizeof text - 1 - at);
        struct json *root = NULL;
        struct err e = ERR_NONE;
        cr_expect_eq(json_parse(SPAN(with, sizeof with), 100, &root, &e), ST_FORMAT, "at %zu", at);
    }
}

Test(json, the_greatest_integers_are_read)
{
    SCOPED(json_scope) struct json *root = parsed("[9007199254740991,-9007199254740991,-0]");
    int64_t v;
    cr_expect(json_as_i64(json_at(root, 0), &v) && v == 9007199254740991);
    cr_expect(json_as_i64(json_at(root, 1), &v) && v == -9007199254740991);
    cr_expect(json_as_i64(json_at(root, 2), &v) && v == 0);
}

static enum status nested(size_t depth, struct err *e)
{
    SCOPED(buf_release) struct buf b = BUF_EMPTY;
    SCOPED(json_scope) struct json *root = NULL;
    for (size_t i = 0; i < depth; i++)
        buf_text(&b, i % 2 == 0 ? "[" : "{\"a\":");
    buf_text(&b, "1");
    for (size_t i = depth; i-- > 0;)
        buf_text(&b, i % 2 == 0 ? "]" : "}");
    return json_parse(buf_span(&b), 1 << 20, &root, e);
}

Test(json, thirty_two_levels_are_read_and_no_more)
{
    struct err e = ERR_NONE;
    cr_expect_eq(nested(32, &e), ST_OK);
    cr_expect_eq(nested(33, &e), ST_FORMAT);
    cr_expect_str_eq(err_code(&e), "json-depth");
    cr_expect_eq(nested(50000, &e), ST_FORMAT);
}

Test(json, brackets_within_strings_are_text)
{
    SCOPED(json_scope)
    struct json *root = parsed("[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"1e9,\",\"\\\\\",1]");
    cr_expect_eq(json_count(root), 3u);
}

Test(json, a_text_over_the_limit_is_refused)
{
    struct json *root = NULL;
    struct err e = ERR_NONE;
    cr_expect_eq(json_parse(span_text("[1,2]"), 4, &root, &e), ST_FORMAT);
    cr_expect_str_eq(err_code(&e), "json-too-long");
}

Test(json, many_members_are_found_quickly)
{
    SCOPED(buf_release) struct buf b = BUF_EMPTY;
    buf_text(&b, "{");
    for (int i = 0; i < 50000; i++)
        buf_fmt(&b, "%s\"k%d\":[%d]", i > 0 ? "," : "", i, i);
    buf_text(&b, "}");
    SCOPED(json_scope) struct json *root = NULL;
    struct err e = ERR_NONE;
    cr_assert_eq(json_parse(buf_span(&b), b.n, &root, &e), ST_OK);
    for (size_t i = 0; i < 50000; i++) {
        const struct json *value;
        uint64_t v;
        cr_assert_not_null(json_member(root, i, &value));
        cr_assert(json_as_u64(json_at(value, 0), &v) && v == i);
    }
}

Test(json, needed_members_name_themselves_when_absent)
{
    SCOPED(json_scope) struct json *root = parsed("{\"s\":\"x\",\"n\":4}");
    const char *s;
    uint64_t n;
    struct err e = ERR_NONE;
    cr_expect(json_need_string(root, "thing", "s", &s, &e) == ST_OK && strcmp(s, "x") == 0);
    cr_expect(json_need_u64(root, "thing", "n", &n, &e) == ST_OK && n == 4);
    cr_expect_eq(json_need_u64(root, "thing", "s", &n, &e), ST_FORMAT);
    cr_expect_str_eq(e.detail, "thing: \"s\" is missing or not a natural number");
    cr_expect_eq(json_need_string(root, "thing", "q", &s, &e), ST_FORMAT);
    cr_expect_str_eq(e.detail, "thing: \"q\" is missing or not a string");
}

Test(json, every_allocation_may_fail)
{
    struct json *root = NULL;
    struct err e = ERR_NONE;
    uint64_t n = 0;
    enum status st;
    do {
        heap_fail_at(++n, 0);
        st = json_parse(span_text("{\"a\":[1,\"two\",{\"b\":null}],\"c\":true}"), 100, &root, &e);
        cr_assert(st == ST_OK || st == ST_NO_MEMORY, "allocation %llu: %s", (unsigned long long)n,
                  e.detail);
        cr_assert(st == ST_OK || root == NULL);
    } while (st != ST_OK);
    heap_fail_at(0, 0);
    cr_expect_gt(n, 5u);
    json_free(root);
}

Test(json, decimals_are_numbers_only_where_they_are_asked_for)
{
    struct err e = ERR_NONE;
    struct json *root = NULL;
    double v = 0;
    cr_expect_eq(json_parse(span_text("[0.5]"), 10, &root, &e), ST_FORMAT);
    cr_assert_eq(json_parse_decimals(span_text("[0.5,-1e3,7]"), 20, &root, &e), ST_OK);
    cr_expect(json_as_double(json_at(root, 0), &v) && v > 0.49 && v < 0.51);
    cr_expect(json_as_double(json_at(root, 1), &v) && v < -999 && v > -1001);
    cr_expect(json_as_double(json_at(root, 2), &v) && v > 6.9 && v < 7.1);
    SCOPED(buf_release) struct buf canonical = BUF_EMPTY;
    int64_t integer;
    cr_expect_not(json_as_i64(json_at(root, 0), &integer), "a decimal is no integer");
    cr_expect_eq(canon_write(root, &canonical, &e), ST_FORMAT);
    json_free(root);
    static const char *const odd[] = {"[1e999]", "[.5]",  "[1.]",
                                      "[1e]",    "[--1]", "[1.5.5]",
                                      "[NaN]",   "[+1]",  "[9007199254740993]"};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        root = NULL;
        cr_expect_eq(json_parse_decimals(span_text(odd[i]), 40, &root, &e), ST_FORMAT, "%s",
                     odd[i]);
        json_free(root);
    }
}

/* Both once and from then on; a token longer than what is kept on the side for it. */
Test(json, a_long_string_without_memory_ends_in_no_memory)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    buf_text(&text, "{\"payload\":\"");
    memset(buf_space(&text, 50000), 'x', 50000);
    buf_text(&text, "\",\"more\":[{},{},\"y\",{\"z\":[1,2,3]}]}");
    for (int sticky = 0; sticky <= 1; sticky++) {
        enum status st = ST_NO_MEMORY;
        uint64_t n = 0;
        while (st == ST_NO_MEMORY) {
            struct err e = ERR_NONE;
            struct json *root = NULL;
            heap_fail_at(++n, sticky);
            st = json_parse(buf_span(&text), 1 << 20, &root, &e);
            heap_fail_at(0, 0);
            cr_expect(st == ST_OK || root == NULL);
            json_free(root);
        }
        cr_expect_eq(st, ST_OK, "allocation %llu", (unsigned long long)n);
        cr_expect_gt(n, 10);
    }
}
