#include "base/text.h"
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

Test(command, each_is_found_by_its_whole_name)
{
    for (size_t i = 0; command_at(i) != NULL; i++) {
        const struct command *c = NULL, *want = command_at(i);
        char name[64], *second = NULL;
        size_t used = 0;
        struct err e;
        text_fmt(name, sizeof name, "%s", want->name);
        second = strchr(name, ' ');
        if (second != NULL)
            *second++ = '\0';
        cr_assert_eq(find(name, second, &c, &used, &e), ST_OK, "%s", want->name);
        cr_expect_str_eq(c->name, want->name);
        cr_expect_eq(used, second != NULL ? 2 : 1);
    }
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

/* Checks the options, each with the argument "1", on a command with one word. */
static enum status check(char *first, enum opt one, enum opt two, struct err *e)
{
    const struct command *c = NULL;
    size_t used = 0;
    struct args a = {0};
    cr_assert_eq(find(first, NULL, &c, &used, e), ST_OK);
    a.value[one] = a.value[two] = "1";
    return command_check(c, &a, c->least, e);
}

Test(command, an_option_that_needs_another_says_which)
{
    struct err e;
    cr_expect_eq(check("get", OPT_FORCE, OPT_JSON, &e), ST_USAGE);
    cr_expect(strstr(e.detail, "--force goes with --output") != NULL, "%s", e.detail);
    cr_expect_eq(check("get", OPT_FORCE, OPT_OUTPUT, &e), ST_OK);
    cr_expect_eq(check("waive", OPT_DAYS, OPT_UNTIL, &e), ST_USAGE);
    cr_expect_eq(check("waive", OPT_DAYS, OPT_OUTPUT, &e), ST_OK);
    cr_expect_eq(check("request", OPT_DAYS, OPT_TO, &e), ST_OK);
}

Test(command, options_that_contradict_each_other_are_refused)
{
    struct err e;
    cr_expect_eq(check("log", OPT_CSV, OPT_JSON, &e), ST_USAGE);
    cr_expect_eq(check("fsck", OPT_INDEX, OPT_REPAIR, &e), ST_USAGE);
    cr_expect_eq(check("attest", OPT_FILE, OPT_DIGEST, &e), ST_USAGE);
}

Test(command, a_note_is_about_an_option_that_the_command_takes)
{
    for (size_t i = 0; command_at(i) != NULL; i++) {
        const struct command *c = command_at(i);
        for (size_t k = 0; k < c->note_count; k++) {
            const struct option_note *note = &c->notes[k];
            cr_expect(command_takes(c, note->id), "%s --%s", c->name, opt_shapes[note->id].name);
            cr_expect(note->with == 0 || command_takes(c, note->with), "%s", c->name);
            cr_expect(note->arg == NULL || opt_shapes[note->id].arg != NULL, "%s", c->name);
        }
    }
}

/* Where the right column of the options begins; 0: not everywhere at the same place. */
static size_t column(const char *text)
{
    size_t at = 0;
    const char *line = strstr(text, "options:\n") + 9;
    while (strncmp(line, "  ", 2) == 0) {
        const char *end = strchr(line, '\n'), *two = strstr(strstr(line, "--"), "  ");
        size_t here = (size_t)(two - line) + strspn(two, " ");
        if (two > end || (at != 0 && here != at))
            return 0;
        at = here;
        line = end + 1;
    }
    return at;
}

Test(command, the_options_of_each_stand_in_two_columns)
{
    for (size_t i = 0; command_at(i) != NULL; i++) {
        SCOPED(buf_release) struct buf text = BUF_EMPTY;
        help_put(command_at(i), &text);
        buf_byte(&text, 0);
        cr_assert_eq(buf_status(&text), ST_OK);
        cr_expect_neq(column((const char *)text.p), 0, "%s", command_at(i)->name);
    }
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
