#include "cli/opt.h"
#include <criterion/criterion.h>
#include <string.h>

Test(opt, options_stand_before_and_after_words)
{
    struct args a;
    struct err e = ERR_NONE;
    char *line[] = {"assay", "--store", "s", "add", "x.slm", "--name", "tiny", "--json", NULL};
    cr_assert_eq(args_read(8, line, &a, &e), ST_OK);
    cr_expect_str_eq(a.value[OPT_STORE], "s");
    cr_expect_str_eq(a.value[OPT_NAME], "tiny");
    cr_expect(opt_given(&a, OPT_JSON));
    cr_expect_eq(a.words, 2);
    cr_expect_str_eq(a.word[1], "x.slm");
    args_release(&a);
}

Test(opt, an_argument_may_follow_an_equals_sign)
{
    struct args a;
    struct err e = ERR_NONE;
    char *line[] = {"assay", "run", "--prompt=a=b", "--seed=7", NULL};
    cr_assert_eq(args_read(4, line, &a, &e), ST_OK);
    cr_expect_str_eq(a.value[OPT_PROMPT], "a=b");
    cr_expect_str_eq(a.value[OPT_SEED], "7");
    args_release(&a);
}

Test(opt, a_prompt_and_a_separator_may_be_empty)
{
    struct args a;
    struct err e = ERR_NONE;
    char *line[] = {"assay", "run", "--prompt", "", "--separator=", NULL};
    cr_assert_eq(args_read(5, line, &a, &e), ST_OK);
    cr_expect(opt_given(&a, OPT_PROMPT) && opt_given(&a, OPT_SEPARATOR));
    args_release(&a);
}

Test(opt, json_is_known_behind_what_is_wrong)
{
    struct args a;
    struct err e = ERR_NONE;
    char *line[] = {"assay", "ls", "--lmit", "3", "--json", NULL};
    cr_assert_eq(args_read(5, line, &a, &e), ST_USAGE);
    cr_expect(opt_given(&a, OPT_JSON));
    cr_expect(strstr(e.detail, "--limit") != NULL, "%s", e.detail);
    args_release(&a);
    char *words[] = {"assay", "ls", "--lmit", "--", "--json", NULL};
    cr_assert_eq(args_read(2, words, &a, &e), ST_OK);
    cr_expect(!opt_given(&a, OPT_JSON));
    args_release(&a);
}

Test(opt, two_dashes_end_the_options)
{
    struct args a;
    struct err e = ERR_NONE;
    char *line[] = {"assay", "add", "--", "--json", "-rf", NULL};
    cr_assert_eq(args_read(5, line, &a, &e), ST_OK);
    cr_expect(!opt_given(&a, OPT_JSON));
    cr_expect_eq(a.words, 3);
    cr_expect_str_eq(a.word[2], "-rf");
    args_release(&a);
}

Test(opt, a_single_dash_is_a_word)
{
    struct args a;
    struct err e = ERR_NONE;
    char *line[] = {"assay", "add", "-", "-o", "-", NULL};
    cr_assert_eq(args_read(5, line, &a, &e), ST_OK);
    cr_expect_eq(a.words, 2);
    cr_expect_str_eq(a.value[OPT_OUTPUT], "-");
    args_release(&a);
}

static void refused(char *word, char *second, const char *code, const char *says)
{
    struct args a;
    struct err e = ERR_NONE;
    char *line[] = {"assay", word, second, NULL};
    cr_expect_eq(args_read(second != NULL ? 3 : 2, line, &a, &e), ST_USAGE);
    cr_expect_str_eq(e.code, code);
    cr_expect(strstr(e.detail, says) != NULL, "%s", e.detail);
    args_release(&a);
}

Test(opt, an_unknown_option_is_answered_with_the_nearest)
{
    refused("--jsno", NULL, "option-unknown", "--json");
    refused("--max-new-token", "3", "option-unknown", "--max-new-tokens");
    refused("--zzzzzzzzzz", NULL, "option-unknown", "assay help");
    refused("-x", NULL, "option-unknown", "-x");
    refused("-json", NULL, "option-unknown", "-json");
}

Test(opt, arguments_are_neither_missing_nor_unwanted)
{
    refused("--store", NULL, "option-argument", "DIR");
    refused("--json=1", NULL, "option-argument", "--json");
    refused("--json", "--json", "option-twice", "--json");
    refused("--name", "", "option-argument", "--name is empty; its argument is N");
    refused("--name=", NULL, "option-argument", "--name is empty");
    refused("-o", "", "option-argument", "--output is empty");
}

Test(opt, a_very_long_option_is_only_unknown)
{
    char word[5000] = "--";
    memset(word + 2, 'a', sizeof word - 3);
    refused(word, NULL, "option-unknown", "no option");
}

static enum status number(const char *text, uint64_t low, uint64_t high, uint64_t *out)
{
    struct args a = {.value[OPT_SEED] = text};
    struct err e = ERR_NONE;
    return opt_u64(&a, OPT_SEED, low, high, out, &e);
}

Test(opt, whole_numbers_are_digits_only)
{
    static const char *const bad[] = {
        "", "-1", "+1", " 1", "1 ", "0x10", "1e3", "1.0", "18446744073709551616"};
    uint64_t v = 7;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_eq(number(bad[i], 0, UINT64_MAX, &v), ST_USAGE, "%s", bad[i]);
    cr_expect_eq(v, 7, "a refused number leaves the default");
    cr_expect_eq(number("18446744073709551615", 0, UINT64_MAX, &v), ST_OK);
    cr_expect_eq(v, UINT64_MAX);
    cr_expect_eq(number("0", 1, 9, &v), ST_USAGE);
    cr_expect_eq(number("10", 1, 9, &v), ST_USAGE);
    cr_expect_eq(number(NULL, 1, 9, &v), ST_OK);
}

Test(opt, decimals_have_digits_on_both_sides_of_one_point)
{
    static const char *const bad[] = {"",    ".5",  "5.",    "-1",  "1e3",
                                      "nan", "inf", "0x1p3", "1,5", "1.2.3"};
    double v = 7;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct args a = {.value[OPT_TOP_P] = bad[i]};
        struct err e = ERR_NONE;
        cr_expect_eq(opt_decimal(&a, OPT_TOP_P, &v, &e), ST_USAGE, "%s", bad[i]);
    }
    struct args a = {.value[OPT_TOP_P] = "0.75"};
    struct err e = ERR_NONE;
    cr_expect_eq(opt_decimal(&a, OPT_TOP_P, &v, &e), ST_OK);
    cr_expect_eq(v, 0.75);
}

Test(opt, distance_counts_edits)
{
    cr_expect_eq(opt_distance("json", "json"), 0);
    cr_expect_eq(opt_distance("jsn", "json"), 1);
    cr_expect_eq(opt_distance("jsno", "json"), 2);
    cr_expect_eq(opt_distance("", "abc"), 3);
}

Test(opt, names_and_letters_are_unique)
{
    for (int i = 0; i < OPT_COUNT; i++) {
        for (int k = 0; k < i; k++) {
            cr_expect_str_neq(opt_shapes[i].name, opt_shapes[k].name);
            cr_expect(opt_shapes[i].letter == 0 || opt_shapes[i].letter != opt_shapes[k].letter);
        }
    }
}
