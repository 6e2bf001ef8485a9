#include "verify/unpack.h"
#include <criterion/criterion.h>

Test(unpack, names_are_relative_and_plain)
{
    static const char *const good[] = {"a", "a/b", "größe.txt", ".hidden", "a..b/...", "-", "a b"};
    static const char *const bad[] = {"",     "/",    "/a",    "a/",       "a//b",   ".",
                                      "..",   "./a",  "a/.",   "a/..",     "../a",   "a/../b",
                                      "a\\b", "a\nb", "a\x7f", "\xff\xfe", "\x1b[2J"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_expect(unpack_name_safe(good[i]), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_not(unpack_name_safe(bad[i]), "name %zu", i);
}

Test(unpack, names_have_bounded_length_and_depth)
{
    char name[600];
    for (size_t n = 510; n <= 513; n++) {
        memset(name, 'n', n);
        name[n] = '\0';
        cr_expect_eq(unpack_name_safe(name), n < 512, "%zu bytes", n);
    }
    for (size_t depth = UNPACK_DEPTH; depth <= UNPACK_DEPTH + 1; depth++) {
        for (size_t i = 0; i < depth; i++)
            memcpy(name + 2 * i, "d/", 2);
        memcpy(name + 2 * depth, "f", 2);
        cr_expect_eq(unpack_name_safe(name), depth <= UNPACK_DEPTH, "%zu folders", depth);
    }
}

Test(unpack, kinds_are_told_by_the_ending_alone)
{
    cr_expect_eq(import_kind_of("a.tar"), IMPORT_TAR);
    cr_expect_eq(import_kind_of("x/a.tar.zst"), IMPORT_TAR_ZSTD);
    cr_expect_eq(import_kind_of("a.tzst"), IMPORT_TAR_ZSTD);
    cr_expect_eq(import_kind_of("a.zip"), IMPORT_ZIP);
    cr_expect_eq(import_kind_of(".zip"), IMPORT_NONE);
    cr_expect_eq(import_kind_of("a.tar.gz"), IMPORT_NONE);
    cr_expect_eq(import_kind_of("zip"), IMPORT_NONE);
    cr_expect_eq(import_ending("a.tar.zst", 9), 8);
    cr_expect_eq(import_ending("a.bin", 5), 0);
}
