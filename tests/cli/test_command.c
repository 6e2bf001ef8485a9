#include "cli/command.h"
#include <criterion/criterion.h>
#include <string.h>

static enum status find(char *first, char *second, const struct command **out, size_t *used,
                        struct err *e)
{
    char *words[] = {first, second};
    *e = ERR_NONE;
    return command_find(words, second != NULL ? 2 : 1, out, used, e);
}

Test(command, families_are_named_by_two_words)
{
    const struct command *c = NULL;
    size_t used = 0;
    struct err e;
    cr_assert_eq(find("key", "new", &c, &used, &e), ST_OK);
    cr_expect_str_eq(c->name, "key new");
    cr_expect_eq(used, 2);
    cr_assert_eq(find("log", "new", &c, &used, &e), ST_OK);
    cr_expect_eq(used, 1);
}

Test(command, an_unknown_one_is_answered_with_what_there_is)
{
    const struct command *c = NULL;
    size_t used = 0;
    struct err e;
    cr_expect_eq(find("prmote", NULL, &c, &used, &e), ST_USAGE);
    cr_expect(strstr(e.detail, "promote") != NULL, "%s", e.detail);
    cr_expect_eq(find("quarantine", NULL, &c, &used, &e), ST_USAGE);
    cr_expect(strstr(e.detail, "ls, show") != NULL, "%s", e.detail);
    cr_expect_eq(find("key", "burn", &c, &used, &e), ST_USAGE);
    cr_expect(strstr(e.detail, "new, ls, export") != NULL, "%s", e.detail);
}

Test(command, words_and_options_are_those_of_the_command)
{
    const struct command *c = NULL;
    size_t used = 0;
    struct err e;
    struct args a = {0};
    cr_assert_eq(find("show", NULL, &c, &used, &e), ST_OK);
    cr_expect_eq(command_check(c, &a, 0, &e), ST_USAGE);
    cr_expect_eq(command_check(c, &a, 1, &e), ST_OK);
    cr_expect_eq(command_check(c, &a, 2, &e), ST_USAGE);
    a.value[OPT_SEED] = "1";
    cr_expect_eq(command_check(c, &a, 1, &e), ST_USAGE);
}

Test(command, every_one_has_help_that_stands_alone)
{
    for (size_t i = 0; command_at(i) != NULL; i++) {
        const struct command *c = command_at(i);
        SCOPED(buf_release) struct buf text = BUF_EMPTY;
        help_put(c, &text);
        buf_byte(&text, 0);
        cr_assert_eq(buf_status(&text), ST_OK);
        cr_expect(strstr((char *)text.p, c->summary) != NULL || c->about[0] != '\0', "%s", c->name);
        cr_expect(strstr((char *)text.p, "examples:\n  ") != NULL, "%s", c->name);
        cr_expect(c->least <= c->most, "%s", c->name);
        for (size_t k = 0; k < c->option_count; k++)
            cr_expect(!command_global(c->options[k]), "%s repeats a global option", c->name);
    }
}

Test(command, every_option_belongs_to_a_command)
{
    for (int i = 0; i < OPT_COUNT; i++) {
        bool taken = false;
        for (size_t k = 0; command_at(k) != NULL; k++)
            taken = taken || command_takes(command_at(k), (enum opt)i);
        cr_expect(taken, "--%s", opt_shapes[i].name);
    }
}
