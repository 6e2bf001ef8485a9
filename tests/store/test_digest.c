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
