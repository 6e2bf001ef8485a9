#include "store/digest.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const char empty_hex[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
static const char abc_hex[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

static void expect_digest(struct digest d, const char *hex)
{
    char text[DIGEST_TEXT];
    digest_text(&d, text);
    cr_assert_str_eq(text, hex);
}

Test(digest, equals_the_published_vectors)
{
    expect_digest(digest_of(SPAN(NULL, 0)), empty_hex);
    expect_digest(digest_of(span_text("abc")), abc_hex);
}

Test(digest, of_pieces_is_that_of_the_whole_and_the_hasher_begins_anew)
{
    struct err e = ERR_NONE;
    SCOPED(hasher_scope) struct hasher *h = NULL;
    cr_assert_eq(hasher_open(&h, &e), ST_OK);
    for (int round = 0; round < 2; round++) {
        hasher_add(h, span_text("a"));
        hasher_add(h, SPAN(NULL, 0));
        hasher_add(h, span_text("bc"));
        expect_digest(hasher_end(h), abc_hex);
    }
    expect_digest(hasher_end(h), empty_hex);
}

Test(digest, is_read_only_from_exactly_64_lower_case_digits)
{
    struct digest d;
    char text[128];
    cr_assert(digest_parse(abc_hex, &d));
    expect_digest(d, abc_hex);
    snprintf(text, sizeof text, "sha256:%s", abc_hex);
    cr_assert(digest_parse(text, &d));
    snprintf(text, sizeof text, "sha256:sha256:%s", abc_hex);
    cr_assert_not(digest_parse(text, &d));
    snprintf(text, sizeof text, "%s0", abc_hex);
    cr_assert_not(digest_parse(text, &d));
    snprintf(text, sizeof text, "%.63s", abc_hex);
    cr_assert_not(digest_parse(text, &d));
    snprintf(text, sizeof text, "%.63sD", abc_hex);
    cr_assert_not(digest_parse(text, &d));
    cr_assert_not(digest_parse("", &d));
    cr_assert_not(digest_parse("sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709", &d));
}

/* Bytes that differ from one another in every place. */
static void fill_bytes(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)((i * 2654435761u) >> 13);
}

Test(digest, of_messages_in_a_queue_are_those_of_each)
{
    static const size_t lengths[] = {0,   1,   55, 56, 63, 64,   65, 119,  120,
                                     128, 200, 64, 64, 0,  4000, 3,  4000, 0};
    enum { COUNT = sizeof lengths / sizeof *lengths };
    uint8_t bytes[2 * 4096];
    unsigned seen[COUNT] = {0};
    fill_bytes(bytes, sizeof bytes);
    struct digest_queue q = {0};
    for (uint32_t i = 0; i <= COUNT; i++) {
        uint32_t through = 0;
        struct digest found;
        bool any = i == COUNT
                       ? digest_queue_end(&q, &through, &found)
                       : digest_queue_put(&q, i, SPAN(bytes + i, lengths[i]), &through, &found);
        if (!any)
            continue;
        cr_assert_lt(through, COUNT);
        struct digest want = digest_of(SPAN(bytes + through, lengths[through]));
        cr_expect(digest_equal(&found, &want), "message %u", through);
        seen[through]++;
    }
    for (size_t i = 0; i < COUNT; i++)
        cr_expect_eq(seen[i], 1, "message %zu came out %u times", i, seen[i]);
}

Test(digest, of_a_piece_and_of_the_whole_come_together)
{
    uint8_t bytes[70 * 70];
    struct err e = ERR_NONE;
    SCOPED(hasher_scope) struct hasher *h = NULL;
    fill_bytes(bytes, sizeof bytes);
    cr_assert_eq(hasher_open(&h, &e), ST_OK);
    size_t at = 0;
    for (size_t n = 0; at + n <= sizeof bytes; at += n, n++) { /* every length, every phase */
        struct digest found = hasher_add_piece(h, SPAN(bytes + at, n));
        struct digest want = digest_of(SPAN(bytes + at, n));
        cr_assert(digest_equal(&found, &want), "%zu bytes at %zu", n, at);
    }
    struct digest whole = hasher_end(h), want = digest_of(SPAN(bytes, at));
    cr_assert(digest_equal(&whole, &want));
}
